#include "cli.hpp"
#include "demo_run.hpp"
#include "workplace.hpp"

#include <plm/database_manager.hpp>

#include <sqlane/connection_manager.hpp>
#include <sqlane/testing.hpp>

#include <CLI/CLI.hpp>

#include <filesystem>
#include <iostream>
#include <memory>
#include <thread>

namespace cli {
namespace {

using Result = DemoResult;
using Settings = DemoSettings;
using Rows = std::vector<std::vector<std::string>>;

// ---- for people ----

void print_section(const std::string& title, const Rows& rows, std::string_view alignment) {
    std::cout << '\n' << paint(Paint::bold, title) << '\n' << table(rows, alignment);
}

std::string plural(int count, const char* noun) { return counted(static_cast<std::uint64_t>(count), noun); }

std::string per_second(std::uint64_t count, double seconds) {
    return number(static_cast<std::uint64_t>(static_cast<double>(count) / seconds));
}

void print_title(const Result& result, const Settings& settings) {
    const auto& shape = result.shape;
    std::cout << paint(Paint::bold, "sqlane demo") << ": " << plural(settings.writers, "writer") << " and "
              << plural(settings.readers, "reader") << " share one database\n"
              << "  " << plural(shape.parts(), "part") << ": a product of " << plural(shape.modules, "module")
              << " with " << plural(shape.boards, "board") << " and " << plural(shape.components, "component")
              << ", each part made and released\n  in transactions of the plm managers, while readers search.\n";
}

void print_work(const Result& result, const sqlane::Options& options) {
    const auto parts = static_cast<std::uint64_t>(result.shape.parts());
    const auto seconds = result.seconds_building + result.seconds_releasing;
    const auto durability = std::string{"each durable: synchronous="} + sqlane::to_string(options.synchronous);
    const auto took = [](double value) { return decimal(value, 1) + " s"; };
    Rows rows{{"", "count", "took", "per second"},
              {"parts made", number(parts), took(result.seconds_building), per_second(parts, result.seconds_building),
               durability},
              {"parts released", number(parts), took(result.seconds_releasing),
               per_second(parts, result.seconds_releasing), "submit, approve, release"},
              {"undone on purpose", number(result.undone)},
              {"reads", number(result.reads), took(seconds), per_second(result.reads, seconds)}};
    if (result.refused > 0) rows.push_back({"refused", number(result.refused), "", "", "and done again"});
    print_section("What the threads did", rows, "lrrrl");
}

std::vector<std::string> lane_row(const sqlane::LaneStats& lane) {
    const auto p = [](const sqlane::Histogram& histogram, double share) {
        return duration(histogram.percentile(share));
    };
    return {lane.name,         number(lane.lent),  number(lane.queued),
            p(lane.wait, 0.5), p(lane.wait, 0.99), duration(lane.wait.longest),
            p(lane.hold, 0.5), p(lane.hold, 0.99), duration(lane.hold.longest)};
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

void print_upkeep(const sqlane::Stats& stats, const sqlane::PoolLimits& limits) {
    const auto looked_up = static_cast<double>(stats.writer.cache_hits + stats.writer.cache_misses);
    std::cout << "  " << counted(stats.checkpoints, "checkpoint") << " ran in the background; the log is "
              << bytes(stats.wal_bytes) << ". The pool keeps " << plural(limits.max, "reader") << " and lends up\n  to "
              << number(std::int64_t{limits.overflow}) << " more in a rush; the writer found "
              << percent(static_cast<double>(stats.writer.cache_hits), looked_up) << " of its statements prepared.\n";
}

void print_check(const Result& result) {
    std::cout << '\n' << paint(Paint::bold, "Is the data right?") << '\n';
    for (const auto& fault : result.faults) std::cout << "  " << paint(Paint::bad, "WRONG: " + fault) << '\n';
    if (!result.faults.empty()) return;
    std::string states;
    for (const auto& move : result.moves)
        states += (states.empty() ? move.from.value_or("") : "") + " to " + move.to.value_or("");
    const auto last = std::to_string(9999 + result.shape.parts());
    std::cout << "  " << paint(Paint::good, "Yes.") << " Numbers 10000 to " << last
              << ", no gap and no duplicate; no reader saw half of a transaction;\n  the explosion of "
              << result.product << " has the totals that were built in; it went from " << states << ".\n";
}

void print_timeout(const Result& result) {
    std::cout << '\n'
              << paint(Paint::bold, "Who is to blame when a call waits too long?") << '\n'
              << "  One thread kept a transaction open, another allowed itself 50 ms for one. It got this error:\n  "
              << paint(Paint::bold, result.timeout_kind) << ": ";
    for (const char c : result.timeout_message) std::cout << c << (c == '\n' ? "  " : "");
    std::cout << '\n';
}

void print_text(const Result& result, const Settings& settings, const sqlane::Options& options) {
    print_title(result, settings);
    print_work(result, options);
    print_lanes(result.stats);
    print_notes(settings);
    print_upkeep(result.stats, options.readers);
    print_check(result);
    print_timeout(result);
    if (settings.file.empty()) return;
    std::cout << "\nThe database stays: sqlane bom explode " << result.product << " --flat --db "
              << printable(settings.file) << '\n';
}

// ---- for programs ----

Json to_json(const Result& result, const Settings& settings, const sqlane::Options& options) {
    Json moves = Json::array();
    for (const auto& move : result.moves)
        moves.push_back({{"from", move.from.value_or("")}, {"to", move.to.value_or("")}});
    return {{"parts", result.shape.parts()},
            {"modules", result.shape.modules},
            {"boards", result.shape.boards},
            {"components", result.shape.components},
            {"readers", settings.readers},
            {"writers", settings.writers},
            {"file", settings.file.empty() ? Json(nullptr) : Json(settings.file)},
            {"synchronous", sqlane::to_string(options.synchronous)},
            {"seconds_building", result.seconds_building},
            {"seconds_releasing", result.seconds_releasing},
            {"undone", result.undone},
            {"reads", result.reads},
            {"refused", result.refused},
            {"product", {{"number", result.product}, {"moves", moves}}},
            {"check", {{"ok", result.faults.empty()}, {"faults", result.faults}}},
            {"timeout", {{"kind", result.timeout_kind}, {"message", result.timeout_message}}},
            {"stats", Json::parse(sqlane::to_json(result.stats))}};
}

int run_in(const std::string& file, const Settings& settings, bool json) {
    plm::DatabaseManager database{file, options_from_environment()};
    auto& db = database.connections();
    const StopOnInterrupt interrupt;
    const auto result = run_demo_on(db, settings, interrupt.token());
    if (json)
        print(to_json(result, settings, db.options()));
    else
        print_text(result, settings, db.options());
    return result.faults.empty() ? done : failed;
}

int run_demo(const Settings& settings, bool json) {
    if (settings.file.empty()) {
        const sqlane::testing::TemporaryFolder folder;
        return run_in((folder.path() / "demo.db").string(), settings, json);
    }
    if (std::filesystem::exists(std::filesystem::symlink_status(settings.file)))
        throw BadUsage{"'" + settings.file + "' exists; the demo fills a database of its own",
                       "Name a file that does not exist yet."};
    return run_in(settings.file, settings, json);
}

}  // namespace

Command demo_command(CLI::App& app) {
    auto* command =
        app.add_subcommand("demo", "Build and release a product from many threads, and show what the lanes did");
    const auto settings = std::make_shared<Settings>();
    command->add_option("--readers", settings->readers, "Threads that read")
        ->capture_default_str()
        ->check(CLI::Range(1, 256));
    command->add_option("--writers", settings->writers, "Threads that write")
        ->capture_default_str()
        ->check(CLI::Range(1, 256));
    command->add_option("--parts", settings->parts, "How many parts")
        ->capture_default_str()
        ->check(CLI::Range(product::Shape::smallest, 100'000));
    command
        ->add_option("--file", settings->file, "A new file for the database, which stays; without it, a temporary one")
        ->type_name("FILE");
    command->add_flag("--json")->description("Print one JSON object");
    command->footer(footer_with("demo\ndemo --writers 32 --file demo.db"));
    return {command, [settings](bool json) { return run_demo(*settings, json); }};
}

}  // namespace cli
