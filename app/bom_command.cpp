#include "domain_text.hpp"
#include "exchange_verbs.hpp"

#include <algorithm>
#include <iostream>

namespace cli {
namespace {

struct Arguments : CommonOptions {
    std::string parent;
    std::string child;
    std::string quantity = "1";
    std::string unit = "pcs";
    std::optional<int> find;
    std::string designators;
    std::string note;
    std::string resolve = "pinned";
    int depth = 0;
    bool flat = false;
    bool all = false;
    bool top = false;
};

// ---- add, remove ----

plm::BomLine line_of(Workplace& workplace, const Arguments& arguments) {
    const auto [child, pinned] = workplace.part_or_revision(arguments.child);
    return {.child = child.id,
            .pinned = pinned ? std::optional{pinned->id} : std::nullopt,
            .quantity = plm::Quantity::parse(arguments.quantity),
            .unit = arguments.unit,
            .find_number = arguments.find,
            .designators = arguments.designators,
            .note = arguments.note};
}

int print_line(Workplace& workplace, const plm::Revision& parent, const plm::BomLine& line, const char* what,
               bool json) {
    const auto warnings = workplace->management().warnings(parent.id);
    if (json) {
        print(Json{{"parent", workplace.title_of(parent)}, {what, as_json(workplace, line)}, {"warnings", warnings}});
        return done;
    }
    print_warnings(warnings);
    std::cout << workplace.title_of(parent) << ": " << what << " " << to_string(line.quantity) << " "
              << printable(line.unit) << " " << workplace.number_of(line.child)
              << (line.pinned ? "@" + workplace.label_of(line.pinned) : "") << '\n';
    return done;
}

int run_add(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto parent = workplace.revision(arguments.parent);
    const auto line = line_of(workplace, arguments);
    const auto by = workplace.user();
    workplace->management().edit(parent.id, by, [&] { workplace->relationships().add(parent.id, line, by); });
    return print_line(workplace, parent, line, "added", json);
}

/// The one line that holds the part; BadUsage when several do.
plm::Relationship line_with(Workplace& workplace, const plm::Revision& parent, const plm::Part& child,
                            const std::optional<int>& find) {
    auto lines = workplace->relationships().lines(parent.id);
    std::erase_if(lines, [&](const plm::Relationship& one) {
        return one.line.child != child.id || (find && one.line.find_number != find);
    });
    if (lines.empty())
        throw plm::NotFound{"line", "with " + child.number + (find ? " and find number " + std::to_string(*find) : "") +
                                        " in " + workplace.title_of(parent)};
    if (lines.size() > 1)
        throw BadUsage{counted(lines.size(), "line") + " of " + workplace.title_of(parent) + " hold " + child.number,
                       "Say which one by its find number: --find N; 'sqlane bom explode' shows them."};
    return lines.front();
}

int run_remove(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto parent = workplace.revision(arguments.parent);
    const auto child = workplace.part(arguments.child);
    const auto by = workplace.user();
    const auto removed = workplace->management().edit(parent.id, by, [&] {
        const auto line = line_with(workplace, parent, child, arguments.find);
        workplace->relationships().remove(line.id, by);
        return line.line;
    });
    return print_line(workplace, parent, removed, "removed", json);
}

// ---- explode ----

plm::Resolve resolve_of(const std::string& text) {
    if (text == "latest") return plm::Resolve::latest;
    return text == "released" ? plm::Resolve::latest_released : plm::Resolve::pinned;
}

Json to_json(const std::vector<plm::FlatLine>& lines) {
    Json list = Json::array();
    for (const auto& line : lines)
        list.push_back({{"number", line.number},
                        {"name", line.name},
                        {"total", to_string(line.total)},
                        {"unit", line.unit},
                        {"is_assembly", line.is_assembly}});
    return list;
}

Json to_json(const std::vector<plm::ExplodedLine>& lines) {
    Json list = Json::array();
    for (const auto& one : lines) {
        const auto& line = one.line.line;
        list.push_back({{"level", one.level},
                        {"number", one.number},
                        {"label", one.revision ? Json(one.label) : Json(nullptr)},
                        {"name", one.name},
                        {"quantity", to_string(line.quantity)},
                        {"unit", line.unit},
                        {"total", to_string(one.total)},
                        {"find", line.find_number ? Json(*line.find_number) : Json(nullptr)},
                        {"designators", line.designators},
                        {"note", line.note}});
    }
    return list;
}

void print_lines(const std::vector<plm::ExplodedLine>& lines) {
    Rows rows{{"part", "revision", "name", "quantity", "total", "unit", "find", "designators"}};
    for (const auto& one : lines) {
        const auto& line = one.line.line;
        rows.push_back({std::string(2 * (static_cast<std::size_t>(one.level) - 1), ' ') + printable(one.number),
                        one.revision ? one.label : "none", printable(one.name), to_string(line.quantity),
                        to_string(one.total), printable(line.unit),
                        line.find_number ? std::to_string(*line.find_number) : "", printable(line.designators)});
    }
    std::cout << table(rows, "lllrrlrl");
}

void print_lines(const std::vector<plm::FlatLine>& lines) {
    Rows rows{{"part", "name", "total", "unit"}};
    for (const auto& line : lines)
        rows.push_back({printable(line.number), printable(line.name), to_string(line.total), printable(line.unit)});
    std::cout << table(rows, "llrl");
}

template <class Lines>
int print_explosion(Workplace& workplace, const plm::Revision& top, const Lines& lines, bool json) {
    const auto title = workplace.title_of(top);
    if (json)
        print(Json{{"top", as_json(workplace, top)}, {"lines", to_json(lines)}});
    else if (lines.empty())
        std::cout << title << " has no lines\n";
    else
        print_lines(lines);
    return done;
}

int run_explode(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto top = workplace.revision(arguments.parent);
    const auto resolve = resolve_of(arguments.resolve);
    if (arguments.flat)
        return print_explosion(workplace, top, workplace->relationships().flat_totals(top.id, resolve), json);
    auto lines = workplace->relationships().explode(top.id, resolve);
    if (arguments.depth > 0)
        std::erase_if(lines, [&](const plm::ExplodedLine& line) { return line.level > arguments.depth; });
    return print_explosion(workplace, top, lines, json);
}

// ---- where-used ----

int run_where_used(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto part = workplace.part(arguments.child);
    const auto at = arguments.top   ? plm::UsedAt::top_level
                    : arguments.all ? plm::UsedAt::all_levels
                                    : plm::UsedAt::one_level;
    Rows rows{{"level", "used in", "name", ""}};
    Json list = Json::array();
    for (const auto& used : workplace->relationships().where_used(part.id, at)) {
        rows.push_back({std::to_string(used.level), printable(used.number) + "@" + used.label, printable(used.name),
                        used.is_top ? "top" : ""});
        list.push_back({{"level", used.level},
                        {"number", used.number},
                        {"label", used.label},
                        {"name", used.name},
                        {"is_top", used.is_top}});
    }
    if (json)
        print(Json{{"number", part.number}, {"used_in", list}});
    else
        std::cout << (list.empty() ? part.number + " is used in no latest revision\n" : table(rows, "rlll"));
    return done;
}

// ---- the arguments ----

CLI::Option* add_parent(CLI::App* verb, Arguments& a) {
    return verb->add_option("parent", a.parent, "NUMBER@LABEL, or NUMBER for its latest revision")
        ->required()
        ->type_name("REVISION");
}

std::string why_no_quantity(const std::string& text) {
    try {
        plm::Quantity::parse(text);
        return "";
    } catch (const plm::InvalidValue& error) {
        return error.what();
    }
}

void add_verbs_that_change(Group& group, const std::shared_ptr<Arguments>& arguments) {
    auto& a = *arguments;
    auto* add = group.add("add", "Put a part into the BOM of a draft",
                          "bom add AS-10002 EL-RES-10000 2 --designators \"R1, R2\" --find 10\n"
                          "bom add AS-10002 ME-10001@3 0.25 --unit m",
                          a, in_workplace(arguments, run_add));
    add_parent(add, a);
    add->add_option("child", a.child, "NUMBER, or NUMBER@LABEL for exactly that revision")
        ->required()
        ->type_name("PART");
    add->add_option("quantity", a.quantity, "How much, as a decimal")
        ->capture_default_str()
        ->type_name("DECIMAL")
        ->check(why_no_quantity, "");
    add->add_option("--unit", a.unit, "Of the quantity")->capture_default_str();
    add->add_option("--find", a.find, "The find number")->check(CLI::PositiveNumber);
    add->add_option("--designators", a.designators, "Where it sits: \"R1, R2\"");
    add->add_option("--note", a.note, "What else there is to say");

    auto* remove = group.add("remove", "Take a part out of the BOM of a draft", "bom remove AS-10002 EL-RES-10000", a,
                             in_workplace(arguments, run_remove));
    add_parent(remove, a);
    remove->add_option("child", a.child, "The part")->required()->type_name("NUMBER");
    remove->add_option("--find", a.find, "The line with this find number, when several hold the part");
}

void add_verbs_that_look(Group& group, const std::shared_ptr<Arguments>& arguments) {
    auto& a = *arguments;
    auto* explode = group.add("explode", "Show what a revision contains, level by level, quantities multiplied",
                              "bom explode AS-10002\nbom explode AS-10002@1 --flat --json", a,
                              in_workplace(arguments, run_explode));
    add_parent(explode, a);
    explode->add_flag("--flat", a.flat, "One line for each part, with what is needed of it in all");
    explode->add_option("--depth", a.depth, "Only so many levels; 1 for its own lines")->check(CLI::PositiveNumber);
    explode
        ->add_option("--resolve", a.resolve, "Which revisions of the children; a line that pins none takes the latest")
        ->capture_default_str()
        ->check(CLI::IsMember({"pinned", "latest", "released"}));

    auto* used = group.add("where-used", "Show which latest revisions contain a part",
                           "bom where-used EL-RES-10000 --top", a, in_workplace(arguments, run_where_used));
    used->add_option("part", a.child, "The part")->required()->type_name("NUMBER");
    auto* all = used->add_flag("--all", a.all, "On all levels, not only directly");
    used->add_flag("--top", a.top, "Only what is contained in nothing else")->excludes(all);
}

}  // namespace

Command bom_command(CLI::App& app) {
    Group group{app, "bom", "Say what a part is made of, and ask",
                "bom add AS-10002 EL-RES-10000 2\nbom explode AS-10002\nbom where-used EL-RES-10000"};
    const auto arguments = std::make_shared<Arguments>();
    add_verbs_that_change(group, arguments);
    add_verbs_that_look(group, arguments);
    add_bom_exchange(group);
    return group.command();
}

}  // namespace cli
