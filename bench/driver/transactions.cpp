#include "contenders/connection.hpp"
#include "driver/program.hpp"
#include "driver/threads.hpp"
#include "driver/workloads.hpp"

#include <dlfcn.h>

#include <iostream>

namespace bench {
namespace {

/// Of this process until now; 0 without the shim.
std::uint64_t flushes() {
    using Count = std::uint64_t (*)();
    const auto count = reinterpret_cast<Count>(dlsym(RTLD_DEFAULT, "sqlane_bench_flushes"));
    return count == nullptr ? 0 : count();
}

bool is_shim_loaded() { return dlsym(RTLD_DEFAULT, "sqlane_bench_flushes") != nullptr; }

struct Case {
    std::string_view workload;
    Durability durability;
    int threads;
};

/// What was acknowledged must be there, once, and nothing else.
void check_entries(Context& context, const Case& which, const Kind& kind, const Run& run,
                   const std::filesystem::path& file) {
    const auto complain = [&](const std::string& what) {
        context.results.complain(std::string{which.workload} + ", " + thread_count(which.threads) + ", " + kind.name +
                                 ": " + what);
    };
    if (!run.error().empty()) complain(run.error());
    Connection db{file, {}};
    const auto kept = db.value("SELECT count(DISTINCT thread * 1000000000 + value) FROM Entries");
    const auto rows = db.value("SELECT count(*) FROM Entries");
    const auto acknowledged = static_cast<std::int64_t>(run.all());
    if (rows != acknowledged || kept != acknowledged)
        complain(std::to_string(acknowledged) + " transactions were acknowledged and " + std::to_string(rows) +
                 " rows are there");
}

void measure(Context& context, const Case& which, const Kind& kind, Contender& contender,
             const std::filesystem::path& file) {
    std::vector<std::int64_t> next(static_cast<std::size_t>(which.threads), 0);
    const auto flushed_before = flushes();
    const auto run = run_threads(contender, which.threads, context.settings.seconds, 1,
                                 [&next](Session& session, int thread, Random&) {
                                     session.append(thread, next[static_cast<std::size_t>(thread)]);
                                     ++next[static_cast<std::size_t>(thread)];
                                     return true;
                                 });
    const auto flushed = static_cast<double>(flushes() - flushed_before);
    const auto latency = run.latency();
    const auto add = [&](std::string_view metric, double value) {
        context.results.add(which.workload, thread_count(which.threads), kind.name, metric, value);
    };
    add("per_second", run.per_second());
    add("p50_us", static_cast<double>(latency.percentile(0.5)) / 1e3);
    add("p99_us", static_cast<double>(latency.percentile(0.99)) / 1e3);
    add("worst_ms", static_cast<double>(latency.longest()) / 1e6);
    if (const auto fairness = run.fairness()) add("fairness", *fairness);
    if (is_shim_loaded() && run.all() > 0) add("flushes", flushed / static_cast<double>(run.all()));
    check_entries(context, which, kind, run, file);
}

void transactions(Context& context, std::string_view workload, Durability durability) {
    for (const int threads : {1, 2, 8, 32}) {
        // No goal is about two threads.
        if (context.settings.quick && threads == 2) continue;
        context.each_turn(workload, thread_count(threads), durability, context.settings.rounds,
                          [&](const Kind& kind, Contender& contender, const std::filesystem::path& file) {
                              measure(context, {workload, durability, threads}, kind, contender, file);
                          });
    }
}

}  // namespace

void durable_transactions(Context& context) { transactions(context, "B2", Durability::full); }

void quick_transactions(Context& context) { transactions(context, "B3", Durability::normal); }

/// A preloaded library can only come with the start of a program, so this one starts itself again.
void slow_transactions(Context& context) {
    if (is_shim_loaded()) return transactions(context, "B2s", Durability::full);
    const auto shim = folder_of_programs() / "sqlane_bench_slow_flush.so";
    if (!std::filesystem::exists(shim)) {
        std::cout << "B2s is left out: there is no sqlane_bench_slow_flush.so beside this program\n";
        return;
    }
    const auto json = context.files.none("slow.json");
    std::vector<std::string> arguments{(folder_of_programs() / "sqlane_bench").string(),
                                       "--only=B2s",
                                       "--rounds=" + std::to_string(context.settings.rounds),
                                       "--seconds=" + std::to_string(context.settings.seconds),
                                       "--dir=" + context.files.folder().string(),
                                       "--json=" + json.string(),
                                       "--silent"};
    if (context.settings.quick) arguments.emplace_back("--quick");
    run_program(arguments, "LD_PRELOAD=" + shim.string());
    context.results.merge(read_json(json).at("results"));
}

}  // namespace bench
