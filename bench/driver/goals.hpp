#pragma once

#include "driver/results.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bench {

/// What the project wants to reach, as data.
struct Goal {
    enum class Than : std::uint8_t { at_least, at_most };

    std::string_view workload;
    std::string_view scenario;
    std::string_view contender;
    std::string_view metric;
    Than than;
    /// A factor of `against`, or the value itself where that is empty.
    double bound;
    /// A contender, or `best_other`.
    std::string_view against;
};

inline constexpr std::string_view best_other = "the best other";

[[nodiscard]] std::span<const Goal> goals();

struct Outcome {
    /// Nothing when it was not measured.
    std::optional<double> reached;
    bool is_met = false;
};

[[nodiscard]] Outcome outcome(const Goal& goal, const Results& results);

/// "at least 4x bare sqlite3".
[[nodiscard]] std::string to_string(const Goal& goal);

}  // namespace bench
