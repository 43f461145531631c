#include "cli.hpp"
#include "migrate_progress.hpp"

#include <sqlane/migrator.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

namespace cli {
namespace {

namespace fs = std::filesystem;
using sqlane::MigrationError;
using sqlane::MigrationProblem;

/// Beside those that all commands share.
constexpr int pending = 3;
constexpr int refused = 4;
constexpr int newer = 5;
constexpr int busy = 6;
constexpr int drifted = 7;
constexpr int storage = 8;
constexpr int cancelled = 130;

int exit_code_for(MigrationProblem problem) {
    switch (problem) {
        case MigrationProblem::failed: return failed;
        case MigrationProblem::refused: return refused;
        case MigrationProblem::newer: return newer;
        case MigrationProblem::busy: return busy;
        case MigrationProblem::drift: return drifted;
        case MigrationProblem::storage: return storage;
        case MigrationProblem::cancelled: return cancelled;
    }
    return failed;
}

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
    if (arguments.database.empty())
        if (const char* url = std::getenv("DATABASE_URL")) arguments.database = url;
    constexpr std::string_view scheme = "sqlite:";
    if (arguments.database.starts_with(scheme)) arguments.database.erase(0, scheme.size());
    if (arguments.database.empty())
        throw BadUsage{"no database was named", "Name it: --db FILE, or in the variable DATABASE_URL."};
    return arguments.database;
}

/// Lives as long as the run: Ctrl-C reaches it, and what it does is shown.
class Session {
public:
    explicit Session(Arguments& arguments, bool json)
        : display_(arguments.quiet || json, arguments.verbose),
          options_(options_of(arguments)),
          set_(set_of(arguments)) {
        options_.stop = interrupt_.token();
        options_.on_progress = [this](const sqlane::MigrationProgress& progress) { display_.show(progress); };
        migrator_ = std::make_unique<sqlane::Migrator>(database_of(arguments), set_, options_);
    }
    sqlane::Migrator* operator->() { return migrator_.get(); }

private:
    static sqlane::MigrationOptions options_of(const Arguments& arguments) {
        sqlane::MigrationOptions options;
        options.backup = !arguments.no_backup;
        options.commit_each_file = arguments.tx_mode == "file";
        options.downgrade = arguments.downgrade;
        options.to = arguments.to;
        options.lock_timeout = std::chrono::milliseconds{static_cast<std::int64_t>(arguments.lock_timeout * 1000)};
        return options;
    }
    static sqlane::MigrationSet set_of(const Arguments& arguments) {
        // What needs no migrations works without the folder.
        const bool optional = !arguments.copy.empty() || !fs::exists(arguments.folder);
        if (optional && arguments.folder == "migrations" && !fs::exists(arguments.folder)) return {};
        return sqlane::MigrationSet::from_folder(arguments.folder);
    }

    MigrationProgressDisplay display_;
    StopOnInterrupt interrupt_;
    sqlane::MigrationOptions options_;
    sqlane::MigrationSet set_;
    std::unique_ptr<sqlane::Migrator> migrator_;
};

void require_folder(const Arguments& arguments) {
    if (!fs::is_directory(arguments.folder))
        throw MigrationError{MigrationProblem::refused, "no-folder",
                             "there is no folder '" + arguments.folder + "' with migrations; name it with --dir"};
}

void require_consent(const Arguments& arguments, const std::string& what) {
    if (arguments.yes) return;
    if (!stderr_is_terminal()) throw BadUsage{what + " changes data", "Say that it is meant: --yes."};
    std::cerr << what << "? [y/N] ";
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") throw BadUsage{"not confirmed", "Nothing was done."};
}

Json to_json(const sqlane::MigrationResult& result) {
    Json applied = Json::array();
    for (const auto& one : result.applied)
        applied.push_back({{"version", one.version}, {"name", one.name}, {"duration_ms", one.duration.count()}});
    return {{"from", result.from},
            {"to", result.to},
            {"applied", applied},
            {"backup", result.backup.string()},
            {"warnings", result.warnings}};
}

void print_result(const Arguments& arguments, const sqlane::MigrationResult& result, const char* verb) {
    for (const auto& warning : result.warnings) std::cerr << "sqlane: warning: " << printable(warning) << '\n';
    if (arguments.quiet) return;
    for (const auto& one : result.applied)
        std::cout << one.version << '_' << one.name << "  " << verb << "  " << duration(one.duration) << '\n';
    if (!result.backup.empty()) std::cout << "backup  " << result.backup.string() << '\n';
    if (result.applied.empty())
        std::cout << "up to date" << (result.to.empty() ? "" : " at " + result.to) << '\n';
    else
        std::cout << arguments.database << " is at " << (result.to.empty() ? "no version" : result.to) << '\n';
}

int report(const Arguments& arguments, const sqlane::MigrationResult& result, const char* verb, bool json) {
    if (json)
        print(to_json(result));
    else
        print_result(arguments, result, verb);
    return done;
}

int run_new(Arguments& arguments, bool json) {
    const auto path = sqlane::new_migration(arguments.folder, arguments.name, arguments.sequential);
    if (json)
        print(Json{{"file", path.string()}});
    else
        std::cout << path.string() << '\n';
    return done;
}

int run_dry(Arguments& arguments, bool json) {
    Session session{arguments, json};
    const auto plan = session->plan();
    Json files = Json::array();
    for (const auto& migration : plan) {
        if (!json) std::cout << "-- " << migration.file << '\n' << migration.up.sql << '\n';
        files.push_back({{"file", migration.file}, {"version", migration.version}, {"sql", migration.up.sql}});
    }
    if (json)
        print(Json{{"pending", files}});
    else if (plan.empty())
        std::cout << "up to date\n";
    return done;
}

std::string rows_text(std::int64_t rows) { return rows < 0 ? "-" : number(rows); }

int run_rehearsal(Arguments& arguments, bool json) {
    Session session{arguments, json};
    const auto rehearsal = session->rehearse();
    if (json) {
        Json rows = Json::array();
        for (const auto& table : rehearsal.rows)
            rows.push_back({{"table", table.table}, {"before", table.before}, {"after", table.after}});
        auto object = to_json(rehearsal.result);
        object["rehearsal"] = {
            {"rows", rows}, {"took_ms", rehearsal.took.count()}, {"quick_check", rehearsal.quick_check}};
        print(object);
        return done;
    }
    std::vector<std::vector<std::string>> rows{{"table", "rows before", "after"}};
    for (const auto& table : rehearsal.rows)
        rows.push_back({table.table, rows_text(table.before), rows_text(table.after)});
    std::cout << "On a copy, " << counted(rehearsal.result.applied.size(), "migration") << " from "
              << (rehearsal.result.from.empty() ? "nothing" : rehearsal.result.from) << " to " << rehearsal.result.to
              << " took " << duration(rehearsal.took) << "; quick_check: " << rehearsal.quick_check << '\n'
              << cli::table(rows, "lrr");
    return done;
}

int run_up(Arguments& arguments, bool json) {
    require_folder(arguments);
    if (arguments.dry_run) return run_dry(arguments, json);
    if (arguments.rehearse) return run_rehearsal(arguments, json);
    Session session{arguments, json};
    return report(arguments, session->up(), "applied", json);
}

int run_down(Arguments& arguments, bool json) {
    require_folder(arguments);
    const bool to = !arguments.to.empty();
    require_consent(arguments,
                    to ? "Undo everything newer than " + arguments.to
                       : "Undo " + counted(static_cast<std::uint64_t>(std::max(arguments.count, 0)), "migration"));
    const auto target = std::exchange(arguments.to, {});
    Session session{arguments, json};
    return report(arguments, to ? session->down_to(target) : session->down(arguments.count), "undone", json);
}

int run_redo(Arguments& arguments, bool json) {
    require_folder(arguments);
    require_consent(arguments, "Undo the newest migration and apply it again");
    Session session{arguments, json};
    return report(arguments, session->redo(), "done again", json);
}

int run_status(Arguments& arguments, bool json) {
    require_folder(arguments);
    Session session{arguments, json};
    const auto all = session->status();
    const bool waiting = std::ranges::any_of(
        all, [](const auto& status) { return status.state == sqlane::MigrationStatus::State::pending; });
    if (json) {
        Json list = Json::array();
        for (const auto& status : all)
            list.push_back({{"version", status.version},
                            {"name", status.name},
                            {"state", sqlane::to_string(status.state)},
                            {"applied_at", status.applied_at},
                            {"duration_ms", status.duration.count()}});
        print(Json{{"database", arguments.database}, {"version", session->version()}, {"migrations", list}});
    } else {
        std::vector<std::vector<std::string>> rows{{"version", "name", "state", "applied (UTC)"}};
        for (const auto& status : all)
            rows.push_back({status.version, status.name, sqlane::to_string(status.state), status.applied_at});
        std::cout << cli::table(rows, "llll");
    }
    return waiting && arguments.exit_code ? pending : int{done};
}

int run_validate(Arguments& arguments, bool json) {
    require_folder(arguments);
    Session session{arguments, json};
    if (!arguments.accept.empty()) session->accept(arguments.accept);
    session->validate();
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

int run_drift(Arguments& arguments, bool json) {
    require_folder(arguments);
    Session session{arguments, json};
    const auto differences = session->drift();
    Json list = Json::array();
    for (const auto& one : differences) {
        list.push_back(
            {{"kind", words_for(one.kind)}, {"object", one.object}, {"expected", one.expected}, {"found", one.found}});
        if (json) continue;
        std::cout << words_for(one.kind) << "  " << one.object << '\n';
        if (!one.expected.empty()) std::cout << "  expected: " << printable(one.expected, true) << '\n';
        if (!one.found.empty()) std::cout << "  found:    " << printable(one.found, true) << '\n';
    }
    if (json)
        print(Json{{"drift", list}});
    else if (differences.empty() && !arguments.quiet)
        std::cout << "the schema is what the migrations make\n";
    return differences.empty() ? int{done} : drifted;
}

std::string content_of(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

int run_dump(Arguments& arguments, bool json) {
    Session session{arguments, json};
    const auto schema = session->dump();
    if (!arguments.check.empty()) {
        const bool fresh = content_of(arguments.check) == schema;
        if (json) print(Json{{"file", arguments.check}, {"fresh", fresh}});
        if (!json && !fresh)
            std::cout << arguments.check << " is not the schema of " << arguments.database
                      << "; write it anew: sqlane migrate dump --output " << arguments.check << '\n';
        return fresh ? int{done} : drifted;
    }
    if (json) {
        print(Json{{"schema", schema}});
    } else if (arguments.output.empty()) {
        std::cout << schema;
    } else {
        std::ofstream file{arguments.output, std::ios::binary};
        file << schema;
        if (!file.flush()) throw sqlane::StorageError{"cannot write '" + arguments.output + "'"};
    }
    return done;
}

int run_backup(Arguments& arguments, bool json) {
    Session session{arguments, json};
    const auto copy = session->backup();
    if (json)
        print(Json{{"backup", copy.string()}});
    else
        std::cout << copy.string() << '\n';
    return done;
}

int run_restore(Arguments& arguments, bool json) {
    require_consent(arguments, "Put " + arguments.copy + " in the place of " + database_of(arguments));
    Session session{arguments, json};
    const auto aside = session->restore(arguments.copy);
    if (json)
        print(Json{{"restored", arguments.copy}, {"set_aside", aside.string()}});
    else if (!arguments.quiet)
        std::cout << arguments.database << " is restored"
                  << (aside.empty() ? "" : "; what was there is " + aside.string()) << '\n';
    return done;
}

Json error_json(const MigrationError& error) {
    Json object{{"kind", "MigrationError"},
                {"problem", sqlane::to_string(error.problem())},
                {"code", error.code()},
                {"message", error.what()}};
    if (const auto& place = error.place())
        object["place"] = {{"file", place->file},
                           {"line", place->line},
                           {"column", place->column},
                           {"statement", place->statement},
                           {"statements", place->statements},
                           {"excerpt", place->excerpt}};
    if (error.sqlite_code() != 0) object["sqlite_code"] = error.sqlite_code();
    return object;
}

using Run = int (*)(Arguments&, bool);

int guarded(Run run, Arguments& arguments, bool json) {
    try {
        return run(arguments, json);
    } catch (const MigrationError& error) {
        if (json)
            print(Json{{"error", error_json(error)}});
        else
            std::cerr << "sqlane: " << printable(error.what(), true) << '\n';
        return exit_code_for(error.problem());
    } catch (const sqlane::Busy& error) {
        if (json)
            print(Json{{"error", cli::to_json(error)}});
        else
            print_error(kind_of(error), error.what(), advice_for(error));
        return busy;
    }
}

struct Verb {
    CLI::App* app;
    Run run;
};

/// The verbs and what they take.
std::vector<Verb> add_verbs(CLI::App& app, Arguments& a) {
    std::vector<Verb> verbs;
    const auto add = [&](const char* name, const char* what, Run run) {
        auto* verb = app.add_subcommand(name, what);
        verb->fallthrough();
        verb->add_flag("--json")->description("Print one JSON object");
        verbs.push_back({verb, run});
        return verb;
    };
    auto* make = add("new", "Write an empty migration file", run_new);
    make->add_option("name", a.name, "What it does, in a few words")->required();
    make->add_flag("--seq", a.sequential, "Number it 0001, 0002, … instead of by the time");

    auto* up = add("up", "Apply what is pending, all or nothing", run_up);
    up->add_option("--to", a.to, "Stop after this version");
    up->add_flag("--dry-run", a.dry_run, "Print the SQL and write nothing");
    up->add_flag("--rehearse", a.rehearse, "Run it all on a copy and tell what it did");
    up->add_flag("--no-backup", a.no_backup, "Make no copy of the database first");
    up->add_option("--tx-mode", a.tx_mode, "all: one transaction; file: one for each file")
        ->check(CLI::IsMember({"all", "file"}));
    up->add_flag("--downgrade", a.downgrade, "Undo what a newer build applied, with the SQL it stored");

    auto* down = add("down", "Undo the newest migrations", run_down);
    down->add_option("count", a.count, "How many")->check(CLI::PositiveNumber);
    down->add_option("--to", a.to, "Undo all that is newer than this version; 0 for everything");
    down->add_flag("--no-backup", a.no_backup, "Make no copy of the database first");

    add("redo", "Undo the newest migration and apply it again", run_redo)
        ->add_flag("--no-backup", a.no_backup, "Make no copy of the database first");
    add("status", "List the migrations and their states", run_status)
        ->add_flag("--exit-code", a.exit_code, "End with 3 when something is pending");
    add("validate", "Check that files and database fit together", run_validate)
        ->add_option("--accept", a.accept, "Take the edited file of this version as the one that was applied");
    add("drift", "Compare the schema with the one that the migrations make", run_drift);

    auto* dump = add("dump", "Print the schema, sorted", run_dump);
    dump->add_option("-o,--output", a.output, "Write it to a file");
    dump->add_option("--check", a.check, "End with 7 unless this file is up to date");

    add("backup", "Make a checked copy of the database, also while it is in use", run_backup);
    add("restore", "Put a copy back, after setting the database aside", run_restore)
        ->add_option("copy", a.copy, "The copy")
        ->required();
    return verbs;
}

}  // namespace

Command migrate_command(CLI::App& app) {
    auto* migrate = app.add_subcommand("migrate", "Change the schema of a database, safely");
    migrate->footer(
        "Examples:\n"
        "  sqlane migrate new \"add users\"\n"
        "  sqlane migrate up --db parts.db\n"
        "  sqlane migrate status --db parts.db --json\n\n"
        "Exit codes: 0 done, 1 a migration failed, 2 usage, 3 pending (status --exit-code), 4 refused by rules,\n"
        "5 newer or foreign database, 6 busy, 7 drift, 8 disk or backup, 130 cancelled.\n");
    migrate->require_subcommand(1);
    const auto arguments = std::make_shared<Arguments>();
    migrate->add_option("--db", arguments->database, "The database file; or the variable DATABASE_URL");
    migrate->add_option("--dir", arguments->folder, "The folder of the migrations")->capture_default_str();
    migrate->add_option("--lock-timeout", arguments->lock_timeout, "Seconds to wait for another process")
        ->check(CLI::NonNegativeNumber)
        ->capture_default_str();
    migrate->add_flag("-q,--quiet", arguments->quiet, "Print only errors");
    migrate->add_flag("-v,--verbose", arguments->verbose, "Tell every step on stderr");
    migrate->add_flag("-y,--yes", arguments->yes, "Do not ask");
    const auto verbs = add_verbs(*migrate, *arguments);
    return {migrate, [arguments, verbs](bool json) {
                const auto chosen = std::ranges::find_if(verbs, [](const Verb& verb) { return verb.app->parsed(); });
                return guarded(chosen->run, *arguments, json);
            }};
}

}  // namespace cli
