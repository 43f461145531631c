#include "domain_text.hpp"
#include "exchange_verbs.hpp"

#include <iostream>

namespace cli {
namespace {

struct Arguments : CommonOptions {
    std::string number;
    std::string category;
    std::optional<std::string> name;
    std::optional<std::string> description;
    std::optional<std::string> subcategory;
    std::optional<std::int64_t> version;
    std::string note;
    std::string state;
    std::string sort = "number";
    std::optional<std::string> after;
    std::vector<std::string> words;
    int limit = 100;
    bool retired = false;
};

int print_part(const plm::Part& part, const std::string& what, bool json) {
    if (json)
        print(as_json(part));
    else
        std::cout << part.number << " " << what << '\n';
    return done;
}

int run_add(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto [category, subcategory] = category_code(arguments.category);
    const auto made = workplace->management().create_part({.part = {.category = category,
                                                                    .subcategory = subcategory,
                                                                    .name = arguments.name.value_or(""),
                                                                    .description = arguments.description.value_or("")},
                                                           .change_note = arguments.note},
                                                          workplace.user());
    if (!json) return print_part(made.part, "created, with revision " + made.revision.label, json);
    auto object = as_json(made.part);
    object["revision"] = as_json(workplace, made.revision);
    print(object);
    return done;
}

Json to_json(const std::vector<plm::Property>& properties) {
    Json list = Json::array();
    for (const auto& property : properties)
        list.push_back({{"key", property.key}, {"type", plm::to_text(property.type)}, {"value", property.value}});
    return list;
}

Json to_json(const std::vector<plm::ManufacturerPart>& all) {
    Json list = Json::array();
    for (const auto& one : all)
        list.push_back({{"manufacturer", one.manufacturer},
                        {"number", one.number},
                        {"url", one.url},
                        {"preferred", one.preferred}});
    return list;
}

void print_details(Workplace& workplace, const plm::Part& part) {
    Rows rows{{"name", printable(part.name)},
              {"description", printable(part.description)},
              {"category", part.category + (part.subcategory ? "-" + *part.subcategory : "")},
              {"version", number(part.version)},
              {"created (UTC)", shown_time(part.created)},
              {"changed (UTC)", shown_time(part.modified)}};
    if (part.retired) rows.push_back({"retired (UTC)", shown_time(*part.retired)});
    for (const auto& property : workplace->properties().list(part.id))
        rows.push_back({printable(property.key), printable(property.value)});
    for (const auto& bought : workplace->manufacturer_parts().list(part.id))
        rows.push_back({bought.preferred ? "bought as (preferred)" : "bought as",
                        printable(bought.manufacturer) + " " + printable(bought.number)});
    std::cout << paint(Paint::bold, part.number) << '\n' << table(rows, "ll");
}

int run_show(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto part = workplace.part(arguments.number);
    const auto revisions = workplace->revisions().list(part.id);
    if (!json) {
        print_details(workplace, part);
        if (!revisions.empty()) std::cout << '\n' << revisions_table(workplace, revisions);
        return done;
    }
    auto object = as_json(part);
    object["properties"] = to_json(workplace->properties().list(part.id));
    object["manufacturer_parts"] = to_json(workplace->manufacturer_parts().list(part.id));
    object["revisions"] = Json::array();
    for (const auto& revision : revisions) object["revisions"].push_back(as_json(workplace, revision));
    print(object);
    return done;
}

plm::PartFilter filter_of(const Arguments& arguments) {
    plm::PartFilter filter{.with_retired = arguments.retired};
    if (!arguments.category.empty()) {
        const auto [category, subcategory] = category_code(arguments.category);
        filter.category = category;
        filter.subcategory = subcategory;
    }
    if (!arguments.state.empty()) filter.state = plm::from_text<plm::State>(arguments.state);
    return filter;
}

plm::PartOrder order_of(const std::string& sort) {
    if (sort == "name") return plm::PartOrder::name;
    return sort == "changed" ? plm::PartOrder::newest_change : plm::PartOrder::number;
}

int run_list(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto filter = filter_of(arguments);
    const auto page = workplace->parts().list(filter, order_of(arguments.sort), arguments.limit, arguments.after);
    const auto total = static_cast<std::uint64_t>(workplace->parts().count(filter));
    if (json) {
        print(Json{{"parts", as_json(page.parts)}, {"total", total}, {"next", as_json(page.next)}});
        return done;
    }
    if (!page.parts.empty()) std::cout << parts_table(page.parts);
    std::cout << counted(total, "part") << (page.next ? "; the next: --after '" + printable(*page.next) + "'" : "")
              << '\n';
    return done;
}

int run_search(Workplace& workplace, const Arguments& arguments, bool json) {
    std::string words;
    for (const auto& word : arguments.words) words += (words.empty() ? "" : " ") + word;
    const auto found = workplace->parts().search(words, arguments.limit);
    if (json)
        print(Json{{"parts", as_json(found)}});
    else
        std::cout << (found.empty() ? "no part has these words\n" : parts_table(found));
    return done;
}

/// A part that was imported may have no revision yet; then it belongs to nobody.
void require_may_change(Workplace& workplace, const plm::Part& part, const std::string& what) {
    const auto latest = workplace->revisions().latest(part.id);
    const bool own = !latest || latest->author == workplace.user();
    workplace.require(own ? plm::Right::edit_own_drafts : plm::Right::edit_others_drafts, what + " " + part.number);
}

plm::Part edited(plm::Part part, const Arguments& arguments) {
    if (arguments.name) part.name = *arguments.name;
    if (arguments.description) part.description = *arguments.description;
    if (arguments.subcategory) part.subcategory = arguments.subcategory->empty() ? std::nullopt : arguments.subcategory;
    if (arguments.version) part.version = *arguments.version;
    return part;
}

int run_update(Workplace& workplace, const Arguments& arguments, bool json) {
    if (!arguments.name && !arguments.description && !arguments.subcategory)
        throw BadUsage{"nothing is to be changed; say what: --name, --description or --subcategory"};
    const auto updated = workplace->connections().transaction([&](sqlane::Transaction&) {
        const auto part = workplace.part(arguments.number);
        require_may_change(workplace, part, "change");
        return workplace->parts().update(edited(part, arguments), workplace.user());
    });
    return print_part(updated, "changed; it is version " + number(updated.version), json);
}

int run_retire(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto part = workplace.part(arguments.number);
    workplace->connections().transaction([&] {
        require_may_change(workplace, part, "retire");
        workplace->parts().retire(part.id, workplace.user());
    });
    return print_part(workplace->parts().get(part.id), "retired; sqlane part restore brings it back", json);
}

int run_restore(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto part = workplace.part(arguments.number);
    workplace->connections().transaction([&] {
        require_may_change(workplace, part, "restore");
        workplace->parts().restore(part.id, workplace.user());
    });
    return print_part(workplace->parts().get(part.id), "restored", json);
}

void add_number(CLI::App* verb, Arguments& a) {
    verb->add_option("number", a.number, "The part, such as EL-RES-10000")->required()->type_name("NUMBER");
}

void add_limit(CLI::App* verb, Arguments& a) {
    verb->add_option("--limit", a.limit, "How many at most")->capture_default_str()->check(CLI::Range(1, 1'000'000));
}

void add_verbs_that_change(Group& group, const std::shared_ptr<Arguments>& arguments) {
    auto& a = *arguments;
    auto* add = group.add("add", "Draw a number for a part, and make its first revision",
                          "part add EL-RES \"Resistor 10k 0603\" --description \"1 %, 0.1 W\"", a,
                          in_workplace(arguments, run_add));
    add->add_option("category", a.category, "The category, and its subcategory if there is one: AS, EL-RES")
        ->required()
        ->type_name("CATEGORY");
    add->add_option("name", a.name, "What it is called")->required();
    add->add_option("--description", a.description, "What else there is to say");
    add->add_option("--note", a.note, "The change note of the first revision");

    auto* update = group.add("update", "Change what is said of a part whose latest revision is a draft",
                             "part update EL-RES-10000 --name \"Resistor 10k 0402\" --version 1", a,
                             in_workplace(arguments, run_update));
    add_number(update, a);
    update->add_option("--name", a.name, "The new name");
    update->add_option("--description", a.description, "The new description");
    update->add_option("--subcategory", a.subcategory, "The new subcategory, such as RES; empty for none");
    update->add_option("--version", a.version, "Only if it is still this version, as 'part show' told it");

    add_number(group.add("retire", "Take a part out of sight; nothing is lost", "part retire EL-RES-10000", a,
                         in_workplace(arguments, run_retire)),
               a);
    add_number(group.add("restore", "Bring a retired part back", "part restore EL-RES-10000", a,
                         in_workplace(arguments, run_restore)),
               a);
}

void add_verbs_that_look(Group& group, const std::shared_ptr<Arguments>& arguments) {
    auto& a = *arguments;
    add_number(group.add("show", "Show a part and its revisions", "part show EL-RES-10000", a,
                         in_workplace(arguments, run_show)),
               a);

    auto* list = group.add("list", "List the parts, page by page",
                           "part list --category EL-RES --sort name\npart list --state released --json", a,
                           in_workplace(arguments, run_list));
    list->add_option("--category", a.category, "Only of this one: AS, EL-RES")->type_name("CATEGORY");
    list->add_option("--state", a.state, "Only those whose latest revision is in this state")
        ->transform(one_of<plm::State>());
    list->add_option("--sort", a.sort, "By what; changed begins with the newest")
        ->capture_default_str()
        ->check(CLI::IsMember({"number", "name", "changed"}));
    list->add_option("--after", a.after, "Begin where the page before told to")->type_name("PLACE");
    list->add_flag("--retired", a.retired, "Also those that are retired");
    add_limit(list, a);

    auto* search =
        group.add("search", "Find parts by words of their numbers, names, descriptions and properties",
                  "part search resistor 10k\npart search '\"10k 0603\"'", a, in_workplace(arguments, run_search));
    search->add_option("words", a.words, "Their beginnings; words in quotes stand side by side")->required();
    add_limit(search, a);
}

}  // namespace

Command part_command(CLI::App& app) {
    Group group{app, "part", "Add, find and change parts",
                "part add EL-RES \"Resistor 10k 0603\"\npart list --category EL\npart search resistor"};
    const auto arguments = std::make_shared<Arguments>();
    add_verbs_that_change(group, arguments);
    add_verbs_that_look(group, arguments);
    add_part_exchange(group);
    return group.command();
}

}  // namespace cli
