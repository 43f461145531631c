#include "kill_loop.hpp"
#include "process_trials.hpp"

#include "support/ledger.hpp"

#include <sqlite3.h>

#include <iostream>
#include <stdexcept>

// T16: one version of SQLite writes and is killed, and another one finds the file and the log; both ways.

namespace soak {
namespace {

std::string version_of(const std::filesystem::path& program) {
    support::StartedProgram started{program, {"child", "sqlite-version"}};
    const auto version = started.read_all();
    if (started.child().wait() != 0) throw std::runtime_error{"no trial program: " + program.string()};
    return version;
}

Outcome between_versions(const Settings& settings) {
    const auto one = version_of(settings.program);
    const auto other = version_of(settings.other);
    if (one == other) throw std::runtime_error{"both programs have SQLite " + one};
    // An odd number of loads, so that each version gets to write each of them.
    const KillLoop loop{
        .programs = {settings.program, settings.other},
        .loads = {Load::transactions, Load::checkpoints, Load::transactions, Load::migrations, Load::reopening},
        .writer = "write-ledger"};
    auto outcome = run_kill_loop(settings, loop, settings.scaled(600));
    outcome.figures = one + " and " + other + ": " + outcome.figures;
    return outcome;
}

Outcome told_too_early(const Settings& settings) {
    return run_kill_loop(
        settings,
        {.programs = {settings.program, settings.other}, .loads = {Load::transactions}, .writer = "write-ledger-early"},
        20);
}

}  // namespace

int print_sqlite_version(const std::vector<std::string>& /*arguments*/) {
    std::cout << sqlite3_libversion() << std::flush;
    return 0;
}

Trial two_versions_trial() {
    return {.id = "T16",
            .title = "one version of SQLite killed, another one reopens",
            .target = "0 lost or phantom",
            .run = between_versions,
            .controls = {{"told of the commit before it", told_too_early}},
            .needs_other = true};
}

}  // namespace soak
