#include "domain_text.hpp"

#include <algorithm>
#include <iostream>

namespace cli {
namespace {

struct Arguments : CommonOptions {
    std::string code;
    std::string new_code;
    std::optional<std::string> name;
    std::string labels = "numeric";
};

int run_list(Workplace& workplace, const Arguments& /*arguments*/, bool json) {
    Rows rows{{"code", "name", "revision labels"}};
    Json list = Json::array();
    for (const auto& category : workplace->categories().list()) {
        rows.push_back({category.code, printable(category.name), std::string{plm::to_text(category.labels)}});
        Json below = Json::array();
        for (const auto& one : workplace->categories().subcategories(category.code)) {
            rows.push_back({"  " + category.code + "-" + one.code, printable(one.name), ""});
            below.push_back({{"code", one.code}, {"name", one.name}});
        }
        list.push_back({{"code", category.code},
                        {"name", category.name},
                        {"labels", plm::to_text(category.labels)},
                        {"subcategories", below}});
    }
    if (json)
        print(Json{{"categories", list}});
    else
        std::cout << table(rows, "lll");
    return done;
}

int print_category(const std::string& code, const std::string& name, const char* what, bool json) {
    if (json)
        print(Json{{"code", code}, {"name", name}});
    else
        std::cout << printable(code) << " " << printable(name) << " " << what << '\n';
    return done;
}

/// Numbers of all that is made later on depend on it.
void require_admin(Workplace& workplace) {
    workplace.require(plm::Right::manage_users, "change categories; ask an Admin");
}

int run_add(Workplace& workplace, const Arguments& arguments, bool json) {
    require_admin(workplace);
    const auto [category, subcategory] = category_code(arguments.code);
    const auto name = arguments.name.value_or("");
    if (subcategory)
        workplace->categories().add_subcategory(category, *subcategory, name, workplace.user());
    else
        workplace->categories().add(category, name, plm::from_text<plm::LabelStyle>(arguments.labels),
                                    workplace.user());
    return print_category(arguments.code, name, "added", json);
}

std::string name_of(Workplace& workplace, const CategoryCode& code) {
    if (!code.subcategory) return workplace->categories().get(code.category).name;
    const auto all = workplace->categories().subcategories(code.category);
    const auto found = std::ranges::find(all, *code.subcategory, &plm::Subcategory::code);
    if (found == all.end()) throw plm::NotFound{"category", "'" + code.category + "-" + *code.subcategory + "'"};
    return found->name;
}

int run_rename(Workplace& workplace, const Arguments& arguments, bool json) {
    require_admin(workplace);
    const auto from = category_code(arguments.code);
    const auto to = category_code(arguments.new_code);
    const auto name = arguments.name ? *arguments.name : name_of(workplace, from);
    if (from.subcategory.has_value() != to.subcategory.has_value() ||
        (from.subcategory && from.category != to.category))
        throw BadUsage{arguments.code + " cannot become " + arguments.new_code,
                       "A category becomes a category, and a subcategory stays where it is: EL-RES to EL-RST."};
    if (from.subcategory)
        workplace->categories().rename_subcategory(from.category, *from.subcategory, *to.subcategory, name,
                                                   workplace.user());
    else
        workplace->categories().rename(from.category, to.category, name, workplace.user());
    return print_category(arguments.new_code, name, "renamed; issued numbers stay", json);
}

}  // namespace

Command category_command(CLI::App& app) {
    Group group{app, "category", "Say what the numbers of parts begin with",
                "category list\ncategory add EL-XTL Crystal"};
    const auto arguments = std::make_shared<Arguments>();
    auto& a = *arguments;
    group.add("list", "List the categories and subcategories", "category list", a, in_workplace(arguments, run_list));

    auto* add = group.add("add", "Add a category, or a subcategory",
                          "category add HY Hydraulic --labels letters\ncategory add EL-XTL Crystal", a,
                          in_workplace(arguments, run_add));
    add->add_option("code", a.code, "2 to 4 capital letters and digits; EL-XTL is XTL below EL")
        ->required()
        ->type_name("CODE");
    add->add_option("name", a.name, "What it is called")->required();
    add->add_option("--labels", a.labels, "How revisions of its parts are called: 1, 2 or A, B")
        ->capture_default_str()
        ->transform(one_of<plm::LabelStyle>());

    auto* rename = group.add("rename", "Give a category another code or name; issued numbers stay",
                             "category rename HY HYD --name Hydraulics", a, in_workplace(arguments, run_rename));
    rename->add_option("code", a.code, "The code it has")->required()->type_name("CODE");
    rename->add_option("new", a.new_code, "The code it gets; the same to change only the name")
        ->required()
        ->type_name("CODE");
    rename->add_option("--name", a.name, "The new name");
    return group.command();
}

}  // namespace cli
