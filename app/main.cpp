#include "cli.hpp"

#include <sqlane/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <exception>
#include <functional>
#include <iostream>
#include <string_view>

namespace {

using cli::Json;

int fail(const std::exception& error, bool json, cli::ExitCode code) {
    cli::tell(error, json);
    return code;
}

int print_version(bool json) {
    const auto sqlite = cli::sqlite_version();
    if (json)
        cli::print(Json{{"sqlane", sqlane::version}, {"sqlite", sqlite}});
    else
        std::cout << "sqlane " << sqlane::version << "\nSQLite " << sqlite << '\n';
    return cli::done;
}

/// A result that did not arrive is a failure, as on a full disk.
int with_result_written(int code) {
    if (std::cout.flush()) return code;
    cli::print_error("StorageError", "the result could not be written", "Free some space where it goes to.");
    return cli::failed;
}

int guarded(const std::function<int(bool json)>& run, bool json) {
    try {
        return with_result_written(run(json));
    } catch (const cli::BadUsage& error) {
        return fail(error, json, cli::usage);
    } catch (const std::exception& error) {
        return fail(error, json, cli::is_cancelled(error) ? cli::cancelled : cli::failed);
    }
}

/// Of the command that was not used correctly, as far as it was understood.
std::string where_help_is(const CLI::App& app) {
    std::string command = "sqlane";
    for (const auto* at = &app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        command += " " + at->get_name();
    }
    return "See '" + command + " --help'.";
}

int help(const CLI::App& app) {
    std::cerr << app.help();
    return cli::usage;
}

constexpr const char* footer =
    "Examples:\n"
    "  sqlane user add ada --role Admin --db parts.db\n"
    "  sqlane part add EL-RES \"Resistor 10k\" --db parts.db --as ada\n"
    "  sqlane part list --db parts.db\n"
    "  sqlane doctor parts.db\n"
    "  sqlane demo\n\n"
    "Variables:\n"
    "  DATABASE_URL  the database, where no --db is given\n"
    "  SQLANE_USER   the user, where no --as is given\n"
    "  NO_COLOR      no colour on a terminal\n"
    "  SQLANE_*      the options of the lanes; 'sqlane doctor' lists them\n\n"
    "Exit codes: 0 done, 1 failed, 2 not used correctly, 130 cancelled.\n";

int run(int argc, char** argv) {
    // Read before anything else is: an error in the other arguments is to be JSON too.
    const bool json = std::any_of(argv + 1, argv + argc, [](std::string_view arg) { return arg == "--json"; });

    CLI::App app{"sqlane: parts and their revisions in a SQLite database, and a look at what its lanes do"};
    app.name("sqlane");
    app.footer(footer);
    bool version = false;
    app.add_flag("--version", version, "Print the versions of sqlane and of the SQLite library");
    app.add_flag("--json")->description("With --version: print one JSON object");
    app.require_subcommand(0, 1);
    const std::array commands{cli::part_command(app),       cli::rev_command(app),     cli::bom_command(app),
                              cli::review_command(app),     cli::approve_command(app), cli::workflow_command(app),
                              cli::history_command(app),    cli::user_command(app),    cli::category_command(app),
                              cli::migrate_command(app),    cli::doctor_command(app),  cli::demo_command(app),
                              cli::completion_command(app), cli::man_command(app)};

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return fail(cli::BadUsage{error.what(), where_help_is(app)}, json, cli::usage);
    }
    if (version) return guarded(print_version, json);
    const auto chosen = std::ranges::find_if(commands, [](const auto& command) { return command.app->parsed(); });
    return chosen == commands.end() ? help(app) : guarded(chosen->run, json);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (...) {  // when not even an error can be printed
        return cli::failed;
    }
}
