#include "domain_text.hpp"

#include <iostream>

namespace cli {
namespace {

struct Arguments : CommonOptions {
    std::string number;
    std::string other;
    std::string note;
};

int run_new(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto part = workplace.part(arguments.number);
    const auto made = workplace->management().new_revision(part.id, workplace.user(), arguments.note);
    if (json)
        print(as_json(workplace, made));
    else
        std::cout << workplace.title_of(made) << " created, with the lines, properties and files of the last one\n";
    return done;
}

int run_list(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto part = workplace.part(arguments.number);
    const auto revisions = workplace->revisions().list(part.id);
    if (!json) {
        std::cout << (revisions.empty() ? part.number + " has no revision yet\n"
                                        : revisions_table(workplace, revisions));
        return done;
    }
    Json list = Json::array();
    for (const auto& revision : revisions) list.push_back(as_json(workplace, revision));
    print(Json{{"number", part.number}, {"revisions", list}});
    return done;
}

// ---- compare ----

std::string words_of(Workplace& workplace, const std::optional<plm::BomLine>& line) {
    if (!line) return "-";
    return to_string(line->quantity) + " " + printable(line->unit) +
           (line->pinned ? " @" + workplace.label_of(line->pinned) : "") +
           (line->find_number ? " find " + std::to_string(*line->find_number) : "") +
           (line->designators.empty() ? "" : " (" + printable(line->designators) + ")") +
           (line->note.empty() ? "" : " \"" + printable(line->note) + "\"");
}

const char* change_of(const plm::BomDifference& difference) {
    if (!difference.before) return "added";
    return difference.after ? "changed" : "removed";
}

Json to_json(Workplace& workplace, const std::optional<plm::BomLine>& line) {
    return line ? as_json(workplace, *line) : Json(nullptr);
}

void print_differences(Workplace& workplace, const std::vector<plm::BomDifference>& differences,
                       const std::string& before, const std::string& after) {
    Rows rows{{"part", "", before, after}};
    for (const auto& difference : differences)
        rows.push_back({printable(difference.number), change_of(difference), words_of(workplace, difference.before),
                        words_of(workplace, difference.after)});
    std::cout << (differences.empty() ? before + " and " + after + " have the same lines\n" : table(rows, "llll"));
}

int run_compare(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto before = workplace.revision(arguments.number);
    const auto after = workplace.revision(arguments.other);
    const auto differences = workplace->relationships().compare(before.id, after.id);
    if (!json) {
        print_differences(workplace, differences, workplace.title_of(before), workplace.title_of(after));
        return done;
    }
    Json list = Json::array();
    for (const auto& difference : differences)
        list.push_back({{"number", difference.number},
                        {"change", change_of(difference)},
                        {"before", to_json(workplace, difference.before)},
                        {"after", to_json(workplace, difference.after)}});
    print(Json{{"before", as_json(workplace, before)}, {"after", as_json(workplace, after)}, {"differences", list}});
    return done;
}

int run_discard(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto revision = workplace.revision(arguments.number);
    const auto title = workplace.title_of(revision);
    const auto by = workplace.user();
    workplace->management().require_may_edit(revision.id, by);
    require_consent("discard " + title + " with its lines?", arguments.yes);
    workplace->management().edit(revision.id, by, [&] { workplace->revisions().discard(revision.id, by); });
    if (json)
        print(Json{{"discarded", title}});
    else
        std::cout << title << " is gone\n";
    return done;
}

}  // namespace

Command rev_command(CLI::App& app) {
    Group group{app, "rev", "Make, list and compare revisions", "rev new AS-10002\nrev compare AS-10002@1 AS-10002@2"};
    const auto arguments = std::make_shared<Arguments>();
    auto& a = *arguments;

    auto* make = group.add("new", "Make the next revision, a draft with all that the last one has",
                           "rev new AS-10002 --note \"Cheaper connector\"", a, in_workplace(arguments, run_new));
    make->add_option("number", a.number, "The part")->required()->type_name("NUMBER");
    make->add_option("--note", a.note, "Why there is a new one");

    group.add("list", "List the revisions of a part", "rev list AS-10002", a, in_workplace(arguments, run_list))
        ->add_option("number", a.number, "The part")
        ->required()
        ->type_name("NUMBER");

    auto* compare = group.add("compare", "Show how the BOM lines of two revisions differ",
                              "rev compare AS-10002@1 AS-10002@2", a, in_workplace(arguments, run_compare));
    compare->add_option("before", a.number, "NUMBER@LABEL; NUMBER alone is its latest revision")
        ->required()
        ->type_name("REVISION");
    compare->add_option("after", a.other, "The other one")->required()->type_name("REVISION");

    auto* discard = group.add("discard", "Throw a draft away", "rev discard AS-10002@2 --yes", a,
                              in_workplace(arguments, run_discard));
    discard->add_option("revision", a.number, "NUMBER@LABEL, or NUMBER for the latest")
        ->required()
        ->type_name("REVISION");
    add_yes(*discard, a);
    return group.command();
}

}  // namespace cli
