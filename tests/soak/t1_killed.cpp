#include "kill_loop.hpp"
#include "process_trials.hpp"

#include "support/ledger.hpp"
#include "support/rival.hpp"

#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>

// T1: what was acknowledged is there after the process was killed, and nothing else is.

namespace soak {
namespace {

Outcome killed(const Settings& settings) {
    return run_kill_loop(settings, {.programs = {settings.program}}, settings.scaled(1500));
}

/// So many that chance does not spare them all.
std::uint64_t cycles_of_control(const Settings& settings) { return std::max<std::uint64_t>(settings.scaled(60), 20); }

Outcome killed_bare(const Settings& settings, const char* writer) {
    return run_kill_loop(settings, {.programs = {settings.program}, .loads = {Load::transactions}, .writer = writer},
                         cycles_of_control(settings));
}

void enter(support::Rival& db, const std::string& cycle, std::int64_t number) {
    db.run("INSERT INTO Entry(cycle, worker, number) VALUES (" + cycle + ", 0, " + std::to_string(number) + ")");
}

/// Spills pages into the log, some of them twice, and takes them back.
void enter_large(support::Rival& db, const std::string& cycle, std::int64_t number) {
    db.run("BEGIN IMMEDIATE");
    try {
        db.run(more_names_than_fit);
    } catch (const std::exception&) {  // the UNIQUE that was to fail
    }
    db.run("SAVEPOINT part");
    for (int i = 0; i < 2; ++i) db.run("UPDATE Bulk SET stamp = stamp + slot, data = zeroblob(3000)");
    db.run("ROLLBACK TO part; RELEASE part");
    enter(db, cycle, number);
    db.run("COMMIT");
}

}  // namespace

int write_ledger_bare(const std::vector<std::string>& arguments) {
    const auto seed = std::stoull(arguments.at(1));
    const auto& cycle = arguments.at(2);
    const support::LedgerWriter ledger{STDOUT_FILENO};
    support::Rival db{arguments.at(0)};
    for (std::int64_t number = 1;; ++number) {
        const bool undone = kind_of(seed, std::stoull(cycle), 0, number) == Kind::thrown;
        if (number % 8 == 3 && !undone)
            enter_large(db, cycle, number);
        else if (!undone)
            enter(db, cycle, number);
        ledger.acknowledge({0, number});
    }
}

int write_ledger_early(const std::vector<std::string>& arguments) {
    const auto seed = std::stoull(arguments.at(1));
    const auto& cycle = arguments.at(2);
    const support::LedgerWriter ledger{STDOUT_FILENO};
    support::Rival db{arguments.at(0)};
    for (std::int64_t number = 1;; ++number) {
        db.run("BEGIN IMMEDIATE");
        if (kind_of(seed, std::stoull(cycle), 0, number) != Kind::thrown) enter(db, cycle, number);
        ledger.acknowledge({0, number});
        db.run("COMMIT");
    }
}

Trial killed_trial() {
    Trial trial{.id = "T1",
                .title = "kill -9, and a ledger of what was acknowledged",
                .target = "0 lost or phantom; reopen p99 < 250 ms",
                .run = killed,
                .controls = {{"told of the commit before it",
                              [](const Settings& settings) { return killed_bare(settings, "write-ledger-early"); }}}};
    // https://sqlite.org/releaselog/3_50_2.html
    if (sqlite3_libversion_number() < 3050002)
        trial.controls.push_back({"bare SQLite, which spills the cache",
                                  [](const Settings& settings) { return killed_bare(settings, "write-ledger-bare"); }});
    return trial;
}

}  // namespace soak
