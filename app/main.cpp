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
    if (json)
        cli::print(Json{{"error", cli::to_json(error)}});
    else
        cli::print_error(cli::kind_of(error), error.what(), cli::advice_for(error));
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
        return fail(error, json, cli::failed);
    }
}

int help(const CLI::App& app) {
    std::cerr << app.help();
    return cli::usage;
}

int run(int argc, char** argv) {
    // Read before anything else is: an error in the other arguments is to be JSON too.
    const bool json = std::any_of(argv + 1, argv + argc, [](std::string_view arg) { return arg == "--json"; });

    CLI::App app{"sqlane: thread-safe access to a SQLite database. Looks after one, and shows what its lanes do."};
    app.name("sqlane");
    app.footer(
        "Examples:\n  sqlane migrate up --db parts.db\n  sqlane doctor parts.db\n  sqlane demo\n\n"
        "Exit codes: 0 done, 1 failed, 2 not used correctly.\n"
        "SQLANE_* variables set the options of the lanes; 'sqlane doctor' lists them.\n");
    bool version = false;
    app.add_flag("--version", version, "Print the versions of sqlane and of the SQLite library");
    app.add_flag("--json")->description("With --version: print one JSON object");
    app.require_subcommand(0, 1);
    const std::array commands{cli::doctor_command(app), cli::demo_command(app), cli::migrate_command(app)};

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);
        return fail(cli::BadUsage{error.what()}, json, cli::usage);
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
