#include "cli.hpp"
#include "migrate_errors.hpp"
#include "migrate_progress.hpp"

#include <sqlane/migrator.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace cli {
namespace {

namespace fs = std::filesystem;

struct Arguments {
    std::string database;
    std::string folder = "migrations";
    double lock_timeout = 30;
    bool quiet = false;
    bool verbose = false;
    bool yes = false;

    std::string name;
    std::string to;
    std::string tx_mode = "all";
    std::string accept;
    std::string output;
    std::string check;
    std::string copy;
    int count = 1;
    bool sequential = false;
    bool dry_run = false;
    bool rehearse = false;
    bool no_backup = false;
    bool downgrade = false;
    bool exit_code = false;
};

const std::string& database_of(Arguments& arguments) {
    arguments.database = database_path(arguments.database);
    return arguments.database;
}

std::chrono::milliseconds lock_timeout_of(const Arguments& arguments) {
    constexpr double a_day = 24 * 60 * 60;
    // Not CLI::Range: NaN is in every one of them.
    if (std::isnan(arguments.lock_timeout) || arguments.lock_timeout < 0 || arguments.lock_timeout > a_day)
        throw BadUsage{"--lock-timeout: wanted 0 to 86400 seconds"};
    return std::chrono::milliseconds{std::llround(arguments.lock_timeout * 1000)};
}

sqlane::MigrationOptions options_of(const Arguments& arguments) {
    sqlane::MigrationOptions options;
    options.backup = !arguments.no_backup;
    options.commit_each_file = arguments.tx_mode == "file";
    options.downgrade = arguments.downgrade;
    options.to = arguments.to;
    options.lock_timeout = lock_timeout_of(arguments);
    return options;
}

/// Does `work` with a Migrator: Ctrl-C reaches it, and how far it is is shown. The terminal is clean again afterwards.
template <class Work>
auto migrator_for(Arguments& arguments, bool json, const sqlane::MigrationSet& set, Work work) {
    auto options = options_of(arguments);
    // For programs, only when it was asked for.
    MigrationProgressDisplay display{arguments.quiet || (json && !arguments.verbose), arguments.verbose};
    const StopOnInterrupt interrupt;
    options.stop = interrupt.token();
    options.on_progress = [&](const sqlane::MigrationProgress& progress) { display.show(progress); };
    sqlane::Migrator migrator{database_of(arguments), set, options};
    return work(migrator);
}

/// The same, with the migrations of the folder.
template <class Work>
auto with_migrations(Arguments& arguments, bool json, Work work) {
    database_of(arguments);  // what was typed wrong comes before what is wrong in the files
    return migrator_for(arguments, json, sqlane::MigrationSet::from_folder(arguments.folder), work);
}

template <class Work>
auto without_migrations(Arguments& arguments, bool json, Work work) {
    return migrator_for(arguments, json, {}, work);
}

void require_consent(Arguments& arguments, const std::string& what) {
    cli::require_consent(what + " of " + database_of(arguments) + "?", arguments.yes);
}

// ---- what a run did ----

/// Milliseconds are what is measured: less is not nothing.
std::string time_text(std::chrono::milliseconds time) {
    if (time.count() == 0) return "< 1 ms";
    return time.count() < 1000 ? std::to_string(time.count()) + " ms" : duration(time);
}

std::string version_text(const std::string& version) { return version.empty() ? "no version" : version; }

std::uint64_t version_number(const std::string& version) {
    std::uint64_t number = 0;
    std::from_chars(version.data(), version.data() + version.size(), number);
    return number;
}

/// What the database ends above was undone; so was what is applied once more later on.
bool was_undone(const sqlane::MigrationResult& result, std::size_t at) {
    const auto& version = result.applied[at].version;
    if (version_number(version) > version_number(result.to)) return true;
    return std::any_of(result.applied.begin() + static_cast<std::ptrdiff_t>(at) + 1, result.applied.end(),
                       [&](const auto& later) { return later.version == version; });
}

const char* action_of(const sqlane::MigrationResult& result, std::size_t at) {
    return was_undone(result, at) ? "undone" : "applied";
}

Json to_json(const sqlane::MigrationResult& result) {
    Json applied = Json::array();
    for (std::size_t i = 0; i < result.applied.size(); ++i) {
        const auto& one = result.applied[i];
        applied.push_back({{"version", one.version},
                           {"name", one.name},
                           {"action", action_of(result, i)},
                           {"duration_ms", one.duration.count()}});
    }
    return {{"from", result.from},
            {"to", result.to},
            {"applied", applied},
            {"backup", result.backup.string()},
            {"warnings", result.warnings}};
}

void print_warnings(const sqlane::MigrationResult& result) {
    for (const auto& warning : result.warnings) std::cerr << "sqlane: warning: " << printable(warning) << '\n';
}

void print_up_to_date(const std::string& version) {
    std::cout << paint(Paint::good, "up to date") << (version.empty() ? "" : " at " + version) << '\n';
}

void print_result(const Arguments& arguments, const sqlane::MigrationResult& result) {
    print_warnings(result);
    if (arguments.quiet) return;
    if (result.applied.empty()) return print_up_to_date(result.to);
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < result.applied.size(); ++i) {
        const auto& one = result.applied[i];
        rows.push_back({one.version + "_" + one.name, action_of(result, i), time_text(one.duration)});
    }
    std::cout << table(rows, "llr");
    if (!result.backup.empty()) std::cout << "the copy from before is " << printable(result.backup.string()) << '\n';
    std::cout << printable(arguments.database) << " is at " << paint(Paint::good, version_text(result.to)) << '\n';
}

int report(const Arguments& arguments, const sqlane::MigrationResult& result, bool json) {
    if (json)
        print(to_json(result));
    else
        print_result(arguments, result);
    return done;
}

// ---- the verbs ----

int run_new(Arguments& arguments, bool json) {
    const auto path = sqlane::new_migration(arguments.folder, arguments.name, arguments.sequential);
    if (json)
        print(Json{{"file", path.string()}});
    else
        std::cout << path.string() << '\n';
    return done;
}

std::string without_blank_ends(const std::string& sql) {
    constexpr const char* blanks = " \t\n";
    const auto first = sql.find_first_not_of(blanks);
    return first == std::string::npos ? "" : sql.substr(first, sql.find_last_not_of(blanks) - first + 1);
}

int run_dry(Arguments& arguments, bool json) {
    const auto plan = with_migrations(arguments, json, [](sqlane::Migrator& migrator) { return migrator.plan(); });
    Json files = Json::array();
    for (const auto& migration : plan) {
        if (!json) std::cout << "-- " << migration.file << '\n' << without_blank_ends(migration.up.sql) << "\n\n";
        files.push_back({{"file", migration.file}, {"version", migration.version}, {"sql", migration.up.sql}});
    }
    if (json)
        print(Json{{"pending", files}});
    else if (plan.empty())
        print_up_to_date({});
    return done;
}

std::string rows_text(std::int64_t rows) { return rows < 0 ? "-" : number(rows); }

Json to_json(const sqlane::Rehearsal& rehearsal) {
    Json rows = Json::array();
    for (const auto& table : rehearsal.rows)
        rows.push_back({{"table", table.table}, {"before", table.before}, {"after", table.after}});
    auto object = to_json(rehearsal.result);
    object["rehearsal"] = {{"rows", rows}, {"took_ms", rehearsal.took.count()}, {"quick_check", rehearsal.quick_check}};
    return object;
}

void print_rehearsal(const sqlane::Rehearsal& rehearsal) {
    const auto& result = rehearsal.result;
    print_warnings(result);
    if (result.applied.empty()) return print_up_to_date(result.to);
    std::vector<std::vector<std::string>> rows{{"table", "rows before", "after"}};
    for (const auto& table : rehearsal.rows)
        rows.push_back({printable(table.table), rows_text(table.before), rows_text(table.after)});
    std::cout << "On a copy, " << counted(result.applied.size(), "migration") << " from " << version_text(result.from)
              << " to " << version_text(result.to) << " took " << time_text(rehearsal.took)
              << "; quick_check: " << rehearsal.quick_check << '\n'
              << cli::table(rows, "lrr");
}

int run_rehearsal(Arguments& arguments, bool json) {
    const auto rehearsal =
        with_migrations(arguments, json, [](sqlane::Migrator& migrator) { return migrator.rehearse(); });
    if (json)
        print(to_json(rehearsal));
    else
        print_rehearsal(rehearsal);
    return done;
}

int run_up(Arguments& arguments, bool json) {
    if (arguments.dry_run && arguments.rehearse) throw BadUsage{"--dry-run and --rehearse exclude each other"};
    if (arguments.dry_run) return run_dry(arguments, json);
    if (arguments.rehearse) return run_rehearsal(arguments, json);
    const auto up = [](sqlane::Migrator& migrator) { return migrator.up(); };
    return report(arguments, with_migrations(arguments, json, up), json);
}

int run_down(Arguments& arguments, bool json) {
    const auto target = std::exchange(arguments.to, {});
    // Not CLI::PositiveNumber, which names a range that ends with 309 digits.
    if (arguments.count < 1) throw BadUsage{"down: wanted a count of at least 1"};
    const auto count = static_cast<std::uint64_t>(arguments.count);
    require_consent(arguments,
                    target.empty() ? "undo " + counted(count, "migration") : "undo everything newer than " + target);
    const auto down = [&](sqlane::Migrator& migrator) {
        return target.empty() ? migrator.down(arguments.count) : migrator.down_to(target);
    };
    return report(arguments, with_migrations(arguments, json, down), json);
}

int run_redo(Arguments& arguments, bool json) {
    require_consent(arguments, "undo the newest migration, and apply it again,");
    const auto redo = [](sqlane::Migrator& migrator) { return migrator.redo(); };
    return report(arguments, with_migrations(arguments, json, redo), json);
}

using State = sqlane::MigrationStatus::State;

/// The newest version that is applied.
std::string version_of(const std::vector<sqlane::MigrationStatus>& all) {
    std::string version;
    for (const auto& status : all)
        if (!status.applied_at.empty()) version = status.version;
    return version;
}

/// "2 pending, 1 modified"; empty when all is applied.
std::string left_to_do(const std::vector<sqlane::MigrationStatus>& all) {
    std::string text;
    for (const auto state : {State::pending, State::out_of_order, State::modified, State::missing, State::future}) {
        const auto count = std::ranges::count(all, state, &sqlane::MigrationStatus::state);
        if (count > 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + sqlane::to_string(state);
    }
    return text;
}

void print_status(const Arguments& arguments, const std::vector<sqlane::MigrationStatus>& all) {
    std::vector<std::vector<std::string>> rows{{"version", "name", "state", "applied (UTC)", "took"}};
    for (const auto& status : all) {
        const bool applied = !status.applied_at.empty();
        rows.push_back({status.version, status.name, sqlane::to_string(status.state), status.applied_at,
                        applied ? time_text(status.duration) : ""});
    }
    if (!all.empty()) std::cout << table(rows, "llllr");
    const auto left = left_to_do(all);
    std::cout << printable(arguments.database) << " is at " << version_text(version_of(all)) << ": "
              << (left.empty() ? paint(Paint::good, "up to date") : paint(Paint::bold, left)) << '\n';
}

Json to_json(const Arguments& arguments, const std::vector<sqlane::MigrationStatus>& all) {
    Json list = Json::array();
    for (const auto& status : all)
        list.push_back({{"version", status.version},
                        {"name", status.name},
                        {"state", sqlane::to_string(status.state)},
                        {"applied_at", status.applied_at},
                        {"duration_ms", status.duration.count()}});
    return {{"database", arguments.database}, {"version", version_of(all)}, {"migrations", list}};
}

int run_status(Arguments& arguments, bool json) {
    const auto all = with_migrations(arguments, json, [](sqlane::Migrator& migrator) { return migrator.status(); });
    if (json)
        print(to_json(arguments, all));
    else
        print_status(arguments, all);
    const bool waiting = std::ranges::any_of(all, [](const auto& status) { return status.applied_at.empty(); });
    return waiting && arguments.exit_code ? int{pending} : int{done};
}

int run_validate(Arguments& arguments, bool json) {
    with_migrations(arguments, json, [&](sqlane::Migrator& migrator) {
        if (!arguments.accept.empty()) migrator.accept(arguments.accept);
        migrator.validate();
    });
    if (json)
        print(Json{{"valid", true}});
    else if (!arguments.quiet)
        std::cout << "the migrations and the database fit together\n";
    return done;
}

const char* words_for(sqlane::SchemaDifference::Kind kind) {
    switch (kind) {
        case sqlane::SchemaDifference::Kind::missing: return "missing";
        case sqlane::SchemaDifference::Kind::unexpected: return "unexpected";
        case sqlane::SchemaDifference::Kind::different: return "different";
    }
    return "?";
}

void print_difference(const sqlane::SchemaDifference& one) {
    std::cout << words_for(one.kind) << "  " << printable(one.object) << '\n';
    if (!one.expected.empty()) std::cout << "  expected: " << printable(one.expected, true) << '\n';
    if (!one.found.empty()) std::cout << "  found:    " << printable(one.found, true) << '\n';
}

int run_drift(Arguments& arguments, bool json) {
    const auto differences =
        with_migrations(arguments, json, [](sqlane::Migrator& migrator) { return migrator.drift(); });
    Json list = Json::array();
    for (const auto& one : differences) {
        list.push_back(
            {{"kind", words_for(one.kind)}, {"object", one.object}, {"expected", one.expected}, {"found", one.found}});
        if (!json) print_difference(one);
    }
    if (json)
        print(Json{{"drift", list}});
    else if (differences.empty() && !arguments.quiet)
        std::cout << "the schema is what the migrations make\n";
    return differences.empty() ? int{done} : int{drifted};
}

bool holds(const std::string& path, const std::string& content) {
    std::ifstream file{path, std::ios::binary};
    return file && std::string{std::istreambuf_iterator<char>{file}, {}} == content;
}

int check_dump(const Arguments& arguments, const std::string& schema, bool json) {
    const bool fresh = holds(arguments.check, schema);
    if (json)
        print(Json{{"file", arguments.check}, {"fresh", fresh}});
    else if (!fresh)
        std::cout << arguments.check << (fs::exists(arguments.check) ? " is not the schema of " : " is not there for ")
                  << arguments.database << "; write it: sqlane migrate dump --output " << arguments.check << '\n';
    return fresh ? int{done} : int{drifted};
}

void write_file(const std::string& path, const std::string& text) {
    std::ofstream file{path, std::ios::binary};
    file << text;
    if (!file.flush())
        throw sqlane::StorageError{"cannot write '" + path + "'; check the rights of its folder, and the space"};
}

/// In one step, so that a full disk leaves what was there.
void write_dump(const std::string& path, const std::string& schema) {
    if (fs::exists(path) && !fs::is_regular_file(path)) return write_file(path, schema);
    const auto partial = path + ".partial";
    try {
        write_file(partial, schema);
        fs::rename(partial, path);
    } catch (...) {
        std::error_code ignored;
        fs::remove(partial, ignored);
        throw;
    }
}

int run_dump(Arguments& arguments, bool json) {
    if (!arguments.output.empty() && !arguments.check.empty())
        throw BadUsage{"--output and --check exclude each other"};
    const auto schema = without_migrations(arguments, json, [](sqlane::Migrator& migrator) { return migrator.dump(); });
    if (!arguments.check.empty()) return check_dump(arguments, schema, json);
    if (!arguments.output.empty()) write_dump(arguments.output, schema);
    if (json)
        print(arguments.output.empty() ? Json{{"schema", schema}} : Json{{"file", arguments.output}});
    else if (arguments.output.empty())
        std::cout << schema;
    return done;
}

int run_backup(Arguments& arguments, bool json) {
    const auto copy = without_migrations(arguments, json, [](sqlane::Migrator& migrator) { return migrator.backup(); });
    if (json)
        print(Json{{"backup", copy.string()}});
    else
        std::cout << copy.string() << '\n';
    return done;
}

int run_restore(Arguments& arguments, bool json) {
    require_consent(arguments, "put " + arguments.copy + " in the place");
    const auto aside = without_migrations(arguments, json,
                                          [&](sqlane::Migrator& migrator) { return migrator.restore(arguments.copy); });
    if (json)
        print(Json{{"restored", arguments.copy}, {"set_aside", aside.string()}});
    else if (!arguments.quiet)
        std::cout << printable(arguments.database) << " is restored"
                  << (aside.empty() ? "" : "; what was there is " + printable(aside.string())) << '\n';
    return done;
}

using Run = int (*)(Arguments&, bool);

int guarded(Run run, Arguments& arguments, bool json) {
    try {
        return run(arguments, json);
    } catch (const std::exception& error) {
        return tell_error(error,
                          {.database = arguments.database,
                           .lock_timeout = arguments.lock_timeout,
                           .commit_each_file = arguments.tx_mode == "file"},
                          json);
    }
}

struct Verb {
    CLI::App* app;
    Run run;
};

constexpr const char* exit_codes =
    "Exit codes: 0 done, 1 a migration failed, 2 usage, 3 pending (status --exit-code), 4 refused by rules,\n"
    "5 newer or foreign database, 6 busy, 7 drift, 8 disk or backup, 130 cancelled.\n";

/// CLI11 shows a verb only its own options.
std::string footer_of(const std::string& example) {
    return "And for every verb:\n"
           "  --db FILE (or DATABASE_URL), --dir FOLDER, --lock-timeout SECONDS, -q, -v, -y; see 'sqlane migrate "
           "--help'\n\n"
           "Examples:\n  sqlane migrate " +
           example + "\n\n" + exit_codes;
}

/// Adds verbs one by one.
class Verbs {
public:
    explicit Verbs(CLI::App& app) : app_(app) {}

    CLI::App* add(const char* name, const char* what, const char* example, Run run) {
        auto* verb = app_.add_subcommand(name, what);
        verb->fallthrough();
        verb->footer(footer_of(example));
        verb->add_flag("--json")->description("Print one JSON object");
        verbs_.push_back({verb, run});
        return verb;
    }
    [[nodiscard]] const std::vector<Verb>& all() const noexcept { return verbs_; }

private:
    CLI::App& app_;
    std::vector<Verb> verbs_;
};

void add_no_backup(CLI::App* verb, Arguments& a) {
    verb->add_flag("--no-backup", a.no_backup, "Make no copy of the database first");
}

void add_verbs_that_change(Verbs& verbs, Arguments& a) {
    auto* make = verbs.add("new", "Write an empty migration file", "new \"add users\"", run_new);
    make->add_option("name", a.name, "What it does, in a few words")->required();
    make->add_flag("--seq", a.sequential, "Number it 0001, 0002, … instead of by the time");

    auto* up = verbs.add("up", "Apply what is pending, all or nothing", "up --db parts.db --rehearse", run_up);
    up->add_option("--to", a.to, "Stop after this version");
    up->add_flag("--dry-run", a.dry_run, "Print the SQL and write nothing");
    up->add_flag("--rehearse", a.rehearse, "Run it all on a copy and tell what it did");
    add_no_backup(up, a);
    up->add_option("--tx-mode", a.tx_mode, "all: one transaction; file: one for each file")
        ->check(CLI::IsMember({"all", "file"}));
    up->add_flag("--downgrade", a.downgrade, "Undo what a newer build applied, with the SQL it stored");

    auto* down = verbs.add("down", "Undo the newest migrations", "down 2 --db parts.db", run_down);
    auto* count = down->add_option("count", a.count, "How many; 1 without it");
    down->add_option("--to", a.to, "Undo all that is newer than this version; 0 for everything")->excludes(count);
    add_no_backup(down, a);

    add_no_backup(verbs.add("redo", "Undo the newest migration and apply it again", "redo --db parts.db", run_redo), a);
    verbs
        .add("restore", "Put a copy back, after setting the database aside",
             "restore parts.db.bak-0003-20260131T120000Z --db parts.db", run_restore)
        ->add_option("copy", a.copy, "The copy")
        ->required();
}

void add_verbs_that_look(Verbs& verbs, Arguments& a) {
    verbs.add("status", "List the migrations and their states", "status --db parts.db --exit-code", run_status)
        ->add_flag("--exit-code", a.exit_code, "End with 3 when something is not applied");
    verbs.add("validate", "Check that files and database fit together", "validate --db parts.db", run_validate)
        ->add_option("--accept", a.accept, "Take the edited file of this version as the one that was applied");
    verbs.add("drift", "Compare the schema with the one that the migrations make", "drift --db parts.db", run_drift);

    auto* dump = verbs.add("dump", "Print the schema, sorted", "dump --db parts.db --output schema.sql", run_dump);
    dump->add_option("-o,--output", a.output, "Write it to a file");
    dump->add_option("--check", a.check, "End with 7 unless this file is up to date");

    verbs.add("backup", "Make a checked copy of the database, also while it is in use", "backup --db parts.db",
              run_backup);
}

void add_options(CLI::App& migrate, Arguments& a) {
    migrate.add_option("--db", a.database, "The database file; or the variable DATABASE_URL")->type_name("FILE");
    migrate.add_option("--dir", a.folder, "The folder of the migrations")->capture_default_str();
    migrate.add_option("--lock-timeout", a.lock_timeout, "Seconds to wait for another process")->capture_default_str();
    migrate.add_flag("-q,--quiet", a.quiet, "Print only errors and what was asked for");
    migrate.add_flag("-v,--verbose", a.verbose, "Tell every step on stderr");
    migrate.add_flag("-y,--yes", a.yes, "Do not ask");
}

}  // namespace

Command migrate_command(CLI::App& app) {
    auto* migrate = app.add_subcommand("migrate", "Change the schema of a database, safely");
    migrate->footer(std::string{"Examples:\n"
                                "  sqlane migrate new \"add users\"\n"
                                "  sqlane migrate up --db parts.db\n"
                                "  sqlane migrate status --db parts.db --json\n\n"} +
                    exit_codes);
    migrate->require_subcommand(0, 1);  // CLI11 would complain that there is none, and not of a misspelt one
    const auto arguments = std::make_shared<Arguments>();
    add_options(*migrate, *arguments);
    Verbs verbs{*migrate};
    add_verbs_that_change(verbs, *arguments);
    add_verbs_that_look(verbs, *arguments);
    return {migrate, [arguments, all = verbs.all()](bool json) {
                const auto chosen = std::ranges::find_if(all, [](const Verb& verb) { return verb.app->parsed(); });
                if (chosen == all.end())
                    throw BadUsage{"migrate wants to know what to do, such as 'up' or 'status'",
                                   "See 'sqlane migrate --help'."};
                return guarded(chosen->run, *arguments, json);
            }};
}

}  // namespace cli
