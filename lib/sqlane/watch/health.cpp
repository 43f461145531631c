#include "watch/health.hpp"

#include <string>

namespace sqlane {
namespace detail {
namespace {

/// Over four in five readers lent.
bool is_crowded(const LaneStats& lane) { return lane.in_use * 5 > lane.limit * 4; }

Health::State state_of(const Stats& stats, int max_waiters, bool closed) {
    if (closed) return Health::State::closed;
    const bool all_lent = stats.readers.in_use >= stats.readers.limit;
    const bool line_is_full = stats.writer.waiting > 0 && stats.writer.waiting >= max_waiters;
    if (all_lent || line_is_full) return Health::State::exhausted;
    if (is_crowded(stats.readers) || stats.readers.waiting > 0 || stats.writer.waiting > 0) return Health::State::busy;
    return Health::State::healthy;
}

}  // namespace

Health assess(const Stats& stats, int max_waiters, bool closed) {
    Health health{.state = state_of(stats, max_waiters, closed), .summary = {}};
    const auto number = [](auto value) { return std::to_string(value); };
    health.summary = stats.database + ": " + to_string(health.state) + ", " + number(stats.readers.in_use) + " of " +
                     number(stats.readers.limit) + " readers lent, " + number(stats.readers.waiting) +
                     " waiting; writer " + (stats.writer.in_use > 0 ? "lent" : "free") + ", " +
                     number(stats.writer.waiting) + " waiting";
    return health;
}

}  // namespace detail

const char* to_string(Health::State state) noexcept {
    switch (state) {
        case Health::State::healthy: return "healthy";
        case Health::State::busy: return "busy";
        case Health::State::exhausted: return "exhausted";
        case Health::State::closed: return "closed";
    }
    return "?";
}

std::string to_string(const Health& health) { return health.summary; }

}  // namespace sqlane
