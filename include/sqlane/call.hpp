#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string_view>

namespace sqlane {

/// The one clock of every deadline: it neither jumps with the wall clock nor with the time zone.
using Clock = std::chrono::steady_clock;

/// The moment by which a call must be over. Made from a duration (counted from now) or from a point in time.
class Deadline {
public:
    constexpr Deadline() noexcept = default;
    constexpr Deadline(Clock::time_point at) noexcept : at_(at) {}  // NOLINT(google-explicit-constructor)

    template <class Rep, class Period>
    Deadline(std::chrono::duration<Rep, Period> from_now)  // NOLINT(google-explicit-constructor)
        : at_(after(std::chrono::duration<double>(from_now))) {}

    [[nodiscard]] constexpr bool is_set() const noexcept { return at_.has_value(); }
    [[nodiscard]] constexpr Clock::time_point at() const noexcept { return *at_; }

private:
    /// `Deadline{hours::max()}` must mean "never", not an overflow into the past.
    static Clock::time_point after(std::chrono::duration<double> from_now) {
        const auto now = Clock::now();
        if (from_now >= std::chrono::duration<double>((Clock::time_point::max)() - now))
            return (Clock::time_point::max)();
        return now + std::chrono::duration_cast<Clock::duration>(from_now);
    }

    std::optional<Clock::time_point> at_;
};

/// What one call may say of itself: `db.execute({.label = "search", .deadline = 600ms}, ...)`.
struct Call {
    /// Shown in reports and errors. Must outlive the call, as a literal does.
    std::string_view label{};
    /// Covers everything: the queue, another process's file lock, and the running of the statements.
    /// Without one, `Options::timeout` covers the waiting only.
    Deadline deadline{};
    /// A request to stop ends the waiting and the running with `Cancelled`.
    std::stop_token stop{};
    /// For `transaction`: may run twice. Should the COMMIT that it shared with others fail for a reason of theirs, it runs
    /// again, alone, instead of throwing `Aborted`.
    bool replay = false;
    /// For `transaction`: a COMMIT of its own. So has every call with a deadline or a stop token.
    bool solo = false;
};

}  // namespace sqlane
