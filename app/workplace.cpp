#include "workplace.hpp"

#include "command_tree.hpp"
#include "migrate_progress.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>

namespace cli {
namespace {

/// A file that was named wrongly must not be made by looking into it.
std::string file_for(const CommonOptions& options, Workplace::Missing missing) {
    auto file = database_path(options.database);
    std::error_code unknown;
    if (missing == Workplace::Missing::refuse && !std::filesystem::exists(file, unknown))
        throw plm::NotFound{"database", "'" + file + "'; make it: sqlane user add NAME --role Admin --db " + file};
    return file;
}

plm::DatabaseManager open(const std::string& file, bool json) {
    MigrationProgressDisplay display{json, false};
    sqlane::MigrationOptions migration;
    migration.on_progress = [&](const sqlane::MigrationProgress& progress) { display.show(progress); };
    return plm::DatabaseManager{file, options_from_environment(), migration};
}

/// Nobody asked for it, so it is told.
void print_migration(const std::string& file, const sqlane::MigrationResult& result) {
    if (result.backup.empty()) return;
    std::cerr << "sqlane: the schema of " << printable(file) << " was brought from " << result.from << " to "
              << result.to << "; the copy from before is " << printable(result.backup.string()) << '\n';
}

std::string user_from(const CommonOptions& options) {
    if (!options.user.empty()) return options.user;
    const char* variable = std::getenv("SQLANE_USER");
    return variable == nullptr ? "" : variable;
}

}  // namespace

Workplace::Workplace(const CommonOptions& options, bool json, Missing missing)
    : file_(file_for(options, missing)), named_user_(user_from(options)), db_(open(file_, json)) {
    if (!json) print_migration(file_, db_.migration());
}

plm::UserId Workplace::user() {
    if (!named_user_.empty()) return db_.users().find(named_user_).id;
    const auto name = system_user();
    const auto all = db_.users().list();
    const auto found = std::ranges::find(all, name, &plm::User::name);
    if (found != all.end()) return found->id;
    if (all.empty()) throw BadUsage{"nobody works in " + file_ + " yet", "Begin: sqlane user add NAME --role Admin"};
    throw BadUsage{"who does this? There is no user '" + name + "' in " + file_,
                   "Say it, --as USER or in the variable SQLANE_USER, or have an Admin add one: sqlane user add NAME "
                   "--role Designer --as ADMIN"};
}

void Workplace::require(plm::Right right, const std::string& what) {
    const auto found = db_.users().get(user());
    if (found.active && plm::PartManagementManager::has_right(found.role, right)) return;
    throw plm::PermissionDenied{found.name + " (" + std::string{plm::to_text(found.role)} +
                                (found.active ? "" : ", no longer active") + ") may not " + what};
}

std::pair<plm::Part, std::optional<plm::Revision>> Workplace::part_or_revision(std::string_view reference) {
    const auto at = reference.rfind('@');
    auto found = part(reference.substr(0, at));
    if (at == std::string_view::npos) return {std::move(found), std::nullopt};
    return {found, db_.revisions().find(found.id, reference.substr(at + 1))};
}

plm::Revision Workplace::revision(std::string_view reference) {
    const auto [part, named] = part_or_revision(reference);
    if (named) return *named;
    const auto latest = db_.revisions().latest(part.id);
    if (!latest) throw plm::NotFound{"revision", "of " + part.number + " yet; make one: sqlane rev new " + part.number};
    return *latest;
}

std::string Workplace::name_of(plm::UserId id) {
    auto& name = users_[id];
    if (name.empty()) name = db_.users().get(id).name;
    return name;
}

std::string Workplace::number_of(plm::PartId id) {
    auto& number = parts_[id];
    if (number.empty()) number = db_.parts().get(id).number;
    return number;
}

std::string Workplace::label_of(const std::optional<plm::RevisionId>& id) {
    return id ? db_.revisions().get(*id).label : "";
}

std::string footer_with(const std::string& examples) {
    std::string text = "Examples:\n";
    for (std::size_t begin = 0; begin < examples.size();) {
        const auto end = std::min(examples.find('\n', begin), examples.size());
        text += "  sqlane " + examples.substr(begin, end - begin) + "\n";
        begin = end + 1;
    }
    return text + "\nExit codes: 0 done, 1 failed, 2 not used correctly, 130 cancelled.\n";
}

void add_common_options(CLI::App& verb, CommonOptions& options, const std::string& examples) {
    verb.add_option("--db", options.database, "The database file; or the variable DATABASE_URL")
        ->type_name("FILE")
        ->group(common_group);
    verb.add_option("--as", options.user, "Who does it; or the variable SQLANE_USER, or else who is logged in")
        ->type_name("USER")
        ->group(common_group);
    verb.add_flag("--json")->description("Print one JSON object")->group(common_group);
    verb.footer(footer_with(examples));
}

void add_yes(CLI::App& verb, CommonOptions& options) { verb.add_flag("-y,--yes", options.yes, "Do not ask"); }

Group::Group(CLI::App& app, const char* name, const char* what, const std::string& examples)
    : group_(app.add_subcommand(name, what)) {
    group_->footer(footer_with(examples));
    group_->require_subcommand(0, 1);  // CLI11 would complain that there is none, and not of a misspelt one
}

CLI::App* Group::add(const char* name, const char* what, const std::string& examples, CommonOptions& options,
                     std::function<int(bool json)> run) {
    auto* verb = group_->add_subcommand(name, what);
    add_common_options(*verb, options, examples);
    verbs_.push_back({verb, std::move(run)});
    return verb;
}

int Group::run(const CLI::App& group, const std::vector<Command>& verbs, bool json) {
    const auto chosen = std::ranges::find_if(verbs, [](const Command& verb) { return verb.app->parsed(); });
    if (chosen != verbs.end()) return chosen->run(json);
    throw BadUsage{group.get_name() + " wants to know what to do, such as '" + verbs.front().app->get_name() + "'",
                   "See 'sqlane " + group.get_name() + " --help'."};
}

}  // namespace cli
