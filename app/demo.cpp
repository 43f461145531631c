#include "cli.hpp"
#include "demo_run.hpp"

#include <sqlane/connection_manager.hpp>

#include <CLI/CLI.hpp>

#include <cmath>
#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

namespace cli {
namespace {

using sqlane::ConnectionManager;
using Result = DemoResult;
using Settings = DemoSettings;

// ---- for people ----

using Rows = std::vector<std::vector<std::string>>;

void print_section(const std::string& title, const Rows& rows, std::string_view alignment) {
    std::cout << '\n' << paint(Paint::bold, title) << '\n' << table(rows, alignment);
}

std::string plural(int count, const char* noun) { return counted(static_cast<std::uint64_t>(count), noun); }

std::string per_second(std::uint64_t count, double seconds) {
    return number(static_cast<std::uint64_t>(static_cast<double>(count) / seconds));
}

/// What "committed" means here.
std::string durability(const Settings& settings, const sqlane::Options& options) {
    if (settings.file.empty()) return "in memory, so no flush to a disk";
    return std::string{"synchronous="} + sqlane::to_string(options.synchronous);
}

void print_work(const Result& result, const std::string& durability) {
    const auto& tally = result.tally;
    Rows rows{{"", "count", "per second"},
              {"transactions", number(tally.commits), per_second(tally.commits, result.seconds), durability},
              {"undone on purpose", number(tally.undone), per_second(tally.undone, result.seconds)},
              {"reads", number(tally.reads), per_second(tally.reads, result.seconds)}};
    if (tally.refused > 0) rows.push_back({"refused", number(tally.refused), "", "waited too long, or line full"});
    print_section("What the threads did", rows, "lrrl");
}

std::vector<std::string> lane_row(const sqlane::LaneStats& lane) {
    const auto p = [](const sqlane::Histogram& histogram, double share) {
        return duration(histogram.percentile(share));
    };
    return {lane.name,         number(lane.lent),  number(lane.queued),
            p(lane.wait, 0.5), p(lane.wait, 0.99), duration(lane.wait.longest),
            p(lane.hold, 0.5), p(lane.hold, 0.99), duration(lane.hold.longest)};
}

std::vector<std::string> handle_row(const sqlane::LaneStats& lane) {
    const auto looked_up = static_cast<double>(lane.cache_hits + lane.cache_misses);
    return {lane.name, number(lane.opened), number(lane.closed),
            percent(static_cast<double>(lane.cache_hits), looked_up)};
}

void print_lanes(const sqlane::Stats& stats) {
    print_section("How the lanes lent their handles",
                  {{"lane", "lent", "queued", "wait p50", "p99", "longest", "hold p50", "p99", "longest"},
                   lane_row(stats.writer),
                   lane_row(stats.readers)},
                  "lrrrrrrrr");
}

/// How to read the times.
void print_notes(const Settings& settings) {
    std::string notes = "  p50 and p99 are upper bounds (times are counted by powers of two)";
    const auto processors = std::thread::hardware_concurrency();
    const auto threads = static_cast<unsigned>(settings.readers + settings.writers);
    if (processors > 0 && threads > processors)
        notes += "; " + plural(static_cast<int>(threads), "thread") + " on " +
                 plural(static_cast<int>(processors), "processor") + ",\n  so they include waiting for a processor";
    std::cout << paint(Paint::dim, notes + ".") << '\n';
}

void print_handles(const sqlane::Stats& stats, const sqlane::PoolLimits& limits) {
    print_section("What the handles cost",
                  {{"lane", "opened", "closed again", "statements from the cache"},
                   handle_row(stats.writer),
                   handle_row(stats.readers)},
                  "lrrr");
    std::cout << "  The pool keeps " << plural(limits.max, "reader") << " and lends up to "
              << number(std::int64_t{limits.overflow}) << " more in a rush. "
              << counted(stats.checkpoints, "checkpoint") << " ran in the background; the log is "
              << bytes(stats.wal_bytes) << ".\n";
}

void print_check(const Result& result) {
    std::cout << '\n' << paint(Paint::bold, "Is the data right?") << '\n';
    for (const auto& fault : result.faults) std::cout << "  " << paint(Paint::bad, "WRONG: " + fault) << '\n';
    if (!result.faults.empty()) return;
    std::cout << "  " << paint(Paint::good, "Yes.") << " Numbers 1 to " << number(result.ledger.highest)
              << ", no gap and no duplicate; " << number(result.ledger.rows) << " rows for "
              << number(result.tally.commits) << " commits; no reader saw half of a transaction.\n";
}

void print_timeout(const Result& result) {
    std::cout << '\n'
              << paint(Paint::bold, "Who is to blame when a call waits too long?") << '\n'
              << "  One thread kept a transaction open, another allowed itself 50 ms for one. It got this error:\n\n  "
              << paint(Paint::bold, result.timeout_kind) << ": ";
    for (const char c : result.timeout_message) std::cout << c << (c == '\n' ? "  " : "");
    std::cout << '\n';
}

void print_title(const Result& result, const Settings& settings) {
    std::cout
        << paint(Paint::bold, "sqlane demo") << ": " << plural(settings.readers, "reader") << " and "
        << plural(settings.writers, "writer") << " share one database "
        << (settings.file.empty() ? "in memory" : "file") << " for " << decimal(result.seconds, 1) << " s\n"
        << "  Writers draw part numbers and insert parts in transactions; readers look them up and add them up.\n";
}

void print_text(const Result& result, const Settings& settings, const sqlane::Options& options) {
    print_title(result, settings);
    print_work(result, durability(settings, options));
    print_lanes(result.stats);
    print_notes(settings);
    print_handles(result.stats, options.readers);
    print_check(result);
    print_timeout(result);
    if (!settings.file.empty()) std::cout << "\nThe database stays: sqlane doctor " << settings.file << '\n';
}

// ---- for programs ----

Json to_json(const Result& result, const Settings& settings, const sqlane::Options& options) {
    const auto& tally = result.tally;
    return {{"readers", settings.readers},
            {"writers", settings.writers},
            {"seconds", result.seconds},
            {"file", settings.file.empty() ? Json(nullptr) : Json(settings.file)},
            {"synchronous", sqlane::to_string(options.synchronous)},
            {"commits", tally.commits},
            {"undone", tally.undone},
            {"reads", tally.reads},
            {"refused", tally.refused},
            {"commits_per_second", static_cast<double>(tally.commits) / result.seconds},
            {"reads_per_second", static_cast<double>(tally.reads) / result.seconds},
            {"check", {{"ok", result.faults.empty()}, {"faults", result.faults}, {"rows", result.ledger.rows}}},
            {"timeout", {{"kind", result.timeout_kind}, {"message", result.timeout_message}}},
            {"stats", Json::parse(sqlane::to_json(result.stats))}};
}

int run_on(ConnectionManager& db, const Settings& settings, bool json) {
    const StopOnInterrupt interrupt;
    const auto result = run_demo_on(db, settings, interrupt.token());
    if (json)
        print(to_json(result, settings, db.options()));
    else
        print_text(result, settings, db.options());
    return result.faults.empty() ? done : failed;
}

int run_demo(const Settings& settings, bool json) {
    // Not CLI::Range: NaN is in every one of them.
    if (std::isnan(settings.seconds) || settings.seconds < 0.01 || settings.seconds > 600)
        throw BadUsage{"--seconds: wanted 0.01 to 600"};
    const auto options = options_from_environment();
    if (settings.file.empty()) {
        auto db = ConnectionManager::in_memory(options);
        return run_on(db, settings, json);
    }
    if (std::filesystem::exists(std::filesystem::symlink_status(settings.file)))
        throw BadUsage{"'" + settings.file + "' exists; the demo fills a database of its own",
                       "Name a file that does not exist yet."};
    ConnectionManager db{settings.file, options};
    return run_on(db, settings, json);
}

}  // namespace

Command demo_command(CLI::App& app) {
    auto* command = app.add_subcommand("demo", "Read and write from many threads, and show what the lanes did");
    const auto settings = std::make_shared<Settings>();
    command->add_option("--readers", settings->readers, "Threads that read")
        ->capture_default_str()
        ->check(CLI::Range(1, 256));
    command->add_option("--writers", settings->writers, "Threads that write")
        ->capture_default_str()
        ->check(CLI::Range(1, 256));
    command->add_option("--seconds", settings->seconds, "How long, 0.01 to 600")->capture_default_str();
    command->add_option("--file", settings->file, "A new file for the database, which stays; without it, in memory");
    command->add_flag("--json")->description("Print one JSON object");
    command->footer(
        "Examples:\n  sqlane demo\n  sqlane demo --writers 32 --file demo.db\n\n"
        "Exit codes: 0 done, 1 the data is wrong or something failed, 2 not used correctly.\n");
    return {command, [settings](bool json) { return run_demo(*settings, json); }};
}

}  // namespace cli
