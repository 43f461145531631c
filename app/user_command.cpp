#include "domain_text.hpp"

#include <iostream>

namespace cli {
namespace {

struct Arguments : CommonOptions {
    std::string name;
    std::string role;
};

Json to_json(const plm::User& user) {
    return {{"name", user.name},
            {"role", plm::to_text(user.role)},
            {"active", user.active},
            {"created", iso_time(user.created)}};
}

int print_user(const plm::User& user, bool json) {
    if (json)
        print(to_json(user));
    else
        std::cout << printable(user.name) << " is " << plm::to_text(user.role)
                  << (user.active ? "" : ", no longer active") << '\n';
    return done;
}

/// The first user makes himself.
int run_add(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto users = workplace->users();
    const auto by = users.list().empty() ? plm::Actor{} : plm::Actor{workplace.user()};
    return print_user(users.get(users.add(arguments.name, plm::from_text<plm::Role>(arguments.role), by)), json);
}

int run_list(Workplace& workplace, const Arguments& /*arguments*/, bool json) {
    Rows rows{{"name", "role", "active", "since (UTC)"}};
    Json list = Json::array();
    for (const auto& user : workplace->users().list()) {
        rows.push_back({printable(user.name), std::string{plm::to_text(user.role)}, user.active ? "yes" : "no",
                        shown_time(user.created)});
        list.push_back(to_json(user));
    }
    if (json)
        print(Json{{"users", list}});
    else
        std::cout << table(rows, "llll");
    return done;
}

int run_role(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto users = workplace->users();
    const auto id = users.find(arguments.name).id;
    users.set_role(id, plm::from_text<plm::Role>(arguments.role), workplace.user());
    return print_user(users.get(id), json);
}

int run_deactivate(Workplace& workplace, const Arguments& arguments, bool json) {
    const auto users = workplace->users();
    const auto user = users.find(arguments.name);
    require_consent("deactivate " + user.name + " for ever?", arguments.yes);
    users.deactivate(user.id, workplace.user());
    return print_user(users.get(user.id), json);
}

void add_name(CLI::App* verb, Arguments& a) {
    verb->add_option("name", a.name, "The user")->required()->type_name("USER");
}

}  // namespace

Command user_command(CLI::App& app) {
    Group group{app, "user", "Say who works here, and what they may do",
                "user add ada --role Admin\nuser add bo --role Designer --as ada\nuser list"};
    const auto arguments = std::make_shared<Arguments>();
    auto& a = *arguments;

    auto* add = group.add("add", "Add a user; the first one is an Admin, and makes the database if there is none",
                          "user add ada --role Admin --db parts.db\nuser add bo --role Designer --as ada", a,
                          in_workplace(arguments, run_add, Workplace::Missing::make));
    add_name(add, a);
    add->add_option("--role", a.role, "What the user may do")->required()->transform(one_of<plm::Role>());

    group.add("list", "List the users", "user list", a, in_workplace(arguments, run_list));

    auto* role = group.add("role", "Give a user another role", "user role bo Admin --as ada", a,
                           in_workplace(arguments, run_role));
    add_name(role, a);
    role->add_option("role", a.role, "The new one")->required()->transform(one_of<plm::Role>());

    auto* deactivate = group.add("deactivate", "Take all rights from a user who has left; the history keeps the name",
                                 "user deactivate bo --as ada --yes", a, in_workplace(arguments, run_deactivate));
    add_name(deactivate, a);
    add_yes(*deactivate, a);
    return group.command();
}

}  // namespace cli
