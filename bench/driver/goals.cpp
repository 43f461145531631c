#include "driver/goals.hpp"

#include "contenders/contender.hpp"

#include <algorithm>
#include <array>

namespace bench {
namespace {

using enum Goal::Than;

constexpr double growth_allowed = 2.0;

constexpr std::array all{
    Goal{"B1", "1 thread", ours, "per_second", at_least, 4, bare},
    Goal{"B1", "1 thread", ours, "per_second", at_least, 8, "SOCI"},
    Goal{"B1", "1 thread", ours, "per_second", at_least, 8, "POCO"},
    Goal{"B1", "8 threads", ours, "per_second", at_least, 1.5, bare},

    Goal{"B2", "1 thread", ours, "per_second", at_least, 0.95, bare},
    Goal{"B2", "8 threads", ours, "per_second", at_least, 2.5, best_other},
    Goal{"B2", "32 threads", ours, "per_second", at_least, 5, best_other},
    Goal{"B2", "8 threads", ours, "worst_ms", at_most, 1.0 / 50, best_other},
    Goal{"B2", "32 threads", ours, "worst_ms", at_most, 1.0 / 50, best_other},
    Goal{"B2", "8 threads", ours, "fairness", at_least, 0.8, {}},
    Goal{"B2", "32 threads", ours, "fairness", at_least, 0.8, {}},

    Goal{"B2s", "1 thread", ours, "per_second", at_least, 0.95, bare},
    Goal{"B2s", "8 threads", ours, "per_second", at_least, 5, bare},
    Goal{"B2s", "32 threads", ours, "per_second", at_least, 20, bare},
    Goal{"B2s", "8 threads", ours, "worst_ms", at_most, 1.0 / 20, bare},
    Goal{"B2s", "32 threads", ours, "worst_ms", at_most, 1.0 / 20, bare},

    Goal{"B3", "1 thread", ours, "per_second", at_least, 0.95, bare},
    Goal{"B3", "8 threads", ours, "per_second", at_least, 0.9, best_other},
    Goal{"B3", "32 threads", ours, "per_second", at_least, 0.9, best_other},
    Goal{"B3", "8 threads", ours, "worst_ms", at_most, 1.0 / 5, best_other},
    Goal{"B3", "32 threads", ours, "worst_ms", at_most, 1.0 / 5, best_other},

    Goal{"B4", "synchronous=FULL", ours, "wal_mb", at_most, 8, {}},
    Goal{"B4", "synchronous=FULL", ours, "reader_wait_ms", at_most, 50, {}},
    Goal{"B4", "synchronous=NORMAL", ours, "wal_mb", at_most, 8, {}},
    Goal{"B4", "synchronous=NORMAL", ours, "reader_wait_ms", at_most, 50, {}},

    Goal{"B5", "the window", ours, "p99_ms", at_most, 5, {}},
    Goal{"B5", "the window", ours, "worst_ms", at_most, 16, {}},

    Goal{"B6", "empty execute, 1 thread", ours, "time_ns", at_most, 150, {}},

    Goal{"B7", "one transaction", ours, "rows_per_second", at_least, 0.9, bare},

    Goal{"B8", "explode", "plm", "per_second", at_least, 0.8, bare},
    Goal{"B8", "where used", "plm", "per_second", at_least, 0.8, bare},

    Goal{"B9", "open, first query", ours, "time_us", at_most, 2, bare},
    Goal{"B9", "open, first query", "sqlane, migrate first", "time_us", at_most, 2, bare},

    Goal{"B10 growth", "growth over log(parts)", "read by key", "factor", at_most, growth_allowed, {}},
    Goal{"B10 growth", "growth over log(parts)", "search", "factor", at_most, growth_allowed, {}},
    Goal{"B10 growth", "growth over log(parts)", "BOM of 100", "factor", at_most, growth_allowed, {}},
};

std::optional<double> best_of_others(const Goal& goal, const Results& results) {
    std::optional<double> best;
    for (const auto& contender : results.contenders(goal.workload)) {
        if (contender == goal.contender) continue;
        const auto value = results.find(goal.workload, goal.scenario, contender, goal.metric);
        if (!value) continue;
        const bool higher = metric(goal.metric).better == Metric::Better::higher;
        if (!best || (higher ? *value > *best : *value < *best)) best = value;
    }
    return best;
}

std::optional<double> reached(const Goal& goal, const Results& results) {
    const auto value = results.find(goal.workload, goal.scenario, goal.contender, goal.metric);
    if (!value || goal.against.empty()) return value;
    const auto other = goal.against == best_other
                           ? best_of_others(goal, results)
                           : results.find(goal.workload, goal.scenario, goal.against, goal.metric);
    if (!other || *other <= 0) return std::nullopt;
    return *value / *other;
}

}  // namespace

std::span<const Goal> goals() { return all; }

Outcome outcome(const Goal& goal, const Results& results) {
    const auto value = reached(goal, results);
    if (!value) return {};
    return {value, goal.than == at_least ? *value >= goal.bound : *value <= goal.bound};
}

std::string to_string(const Goal& goal) {
    const std::string than = goal.than == at_least ? "at least " : "at most ";
    if (goal.against.empty()) return than + in_short(goal.bound);
    return than + as_ratio(goal.bound) + " " + std::string{goal.against};
}

}  // namespace bench
