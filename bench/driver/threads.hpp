#pragma once

#include "contenders/contender.hpp"
#include "driver/histogram.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace bench {

using Clock = std::chrono::steady_clock;

[[nodiscard]] std::uint64_t nanoseconds_since(Clock::time_point then);
[[nodiscard]] double seconds_since(Clock::time_point then);

/// Numbers without a pattern, the same in each run.
class Random {
public:
    explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15 + 1) {}
    /// From 1 to `highest`.
    std::int64_t up_to(std::int64_t highest);

private:
    std::uint64_t state_;
};

/// What one thread did.
struct Tally {
    /// Until time was up; what was under way then is in `all` and in `latency`.
    std::uint64_t done = 0;
    std::uint64_t all = 0;
    std::uint64_t wrong = 0;
    Histogram latency;
    std::string error;
};

struct Run {
    double seconds = 0;
    std::vector<Tally> threads;

    [[nodiscard]] double per_second() const;
    [[nodiscard]] Histogram latency() const;
    /// The slowest thread's count over the mean. Nothing when so little was done that chance would decide.
    [[nodiscard]] std::optional<double> fairness() const;
    [[nodiscard]] std::uint64_t all() const;
    [[nodiscard]] std::uint64_t wrong() const;
    /// Of the first thread that failed; empty when none did.
    [[nodiscard]] std::string error() const;
};

/// One piece of work of thread number `thread`; false when its result was wrong.
using Step = std::function<bool(Session& session, int thread, Random& random)>;

/// Lets that many threads work at the same time until time is up. One step in `timed_every` is timed, for a clock costs
/// as much as a small read.
[[nodiscard]] Run run_threads(Contender& contender, int threads, double seconds, int timed_every, const Step& step);

/// "1 thread", "8 threads".
[[nodiscard]] std::string thread_count(int threads);

}  // namespace bench
