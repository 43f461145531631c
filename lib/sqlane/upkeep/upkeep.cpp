#include "upkeep/upkeep.hpp"

#include "watch/text.hpp"

#include <algorithm>
#include <exception>

namespace sqlane::detail {
namespace {

using std::chrono::milliseconds;

/// While a handle is in use the thread looks this often at the most.
constexpr milliseconds longest_nap{1000};
constexpr milliseconds shortest_nap{10};

}  // namespace

Upkeep::Upkeep(Lane& readers, Lane& writer, Warnings& warnings, const Options& options)
    : readers_(readers), writer_(writer), warnings_(warnings), options_(options) {}

Upkeep::~Upkeep() { stop(); }

void Upkeep::start() {
    thread_ = std::thread{[this] { run(); }};
}

void Upkeep::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Upkeep::wake() {
    const std::lock_guard lock{mutex_};
    asleep_.store(false, std::memory_order_relaxed);
    woken_ = true;
    wake_.notify_one();
}

void Upkeep::watch_deadline(Clock::time_point deadline) {
    const std::lock_guard lock{mutex_};
    if (deadline >= next_deadline_) return;
    next_deadline_ = deadline;
    woken_ = true;
    wake_.notify_one();
}

void Upkeep::run() {
    std::unique_lock lock{mutex_};
    while (!stopping_) {
        // Before the look at the lanes: a handle lent after it finds the thread asleep and wakes it.
        asleep_.store(true, std::memory_order_relaxed);
        woken_ = false;
        next_deadline_ = Clock::time_point::max();
        lock.unlock();
        const auto next = guarded_round();
        lock.lock();
        if (is_soon(next)) asleep_.store(false, std::memory_order_relaxed);
        const auto due = [this] { return stopping_ || woken_; };
        const auto until = std::min(next, next_deadline_);
        if (until == Clock::time_point::max())
            wake_.wait(lock, due);
        else
            wake_.wait_until(lock, until, due);
    }
}

/// In time for a snapshot that is kept from now on. While it is not, the next call wakes the thread.
bool Upkeep::is_soon(Clock::time_point next) const {
    if (next == Clock::time_point::max()) return false;
    return options_.snapshot_idle.count() == 0 || next <= Clock::now() + options_.snapshot_idle;
}

/// Out of memory, say, must not end the program from a thread that nobody watches.
Clock::time_point Upkeep::guarded_round() noexcept {
    try {
        return round(Clock::now());
    } catch (const std::exception& error) {
        warn(error.what());
        return Clock::now() + longest_nap;
    }
}

Clock::time_point Upkeep::round(Clock::time_point now) {
    const bool busy = readers_.in_use() || writer_.in_use();
    auto next = std::min(readers_.interrupt_expired(now), writer_.interrupt_expired(now));
    warn_of_long_leases(readers_, now);
    warn_of_long_leases(writer_, now);
    readers_.reap(now);
    next = std::min(next, cool(now, busy));
    if (!busy && !readers_.has_idle_above_minimum()) return next;
    const auto nap = std::clamp(std::min({options_.leak_after, readers_.limits().idle_timeout, longest_nap}) / 2,
                                shortest_nap, longest_nap);
    return std::min(next, Clock::now() + nap);
}

/// Where something is in use now, a handle may be idle, and warm, in a moment.
Clock::time_point Upkeep::cool(Clock::time_point now, bool busy) {
    const auto keep = options_.snapshot_idle;
    if (keep.count() == 0) return Clock::time_point::max();
    const auto oldest = readers_.cool(now - keep);
    if (oldest != Clock::time_point::max()) return oldest + keep;
    return busy ? now + keep : Clock::time_point::max();
}

void Upkeep::warn_of_long_leases(Lane& lane, Clock::time_point now) {
    for (const auto& holder : lane.newly_older_than(options_.leak_after, now))
        warnings_.add(
            {.kind = Warning::Kind::held_long,
             .message = "still held after " + duration_text(options_.leak_after) + ":" + holders_text({holder}),
             .at = holder.at,
             .label = holder.label});
}

void Upkeep::round_without_thread() {
    if (!options_.upkeep_thread) guarded_round();
}

void Upkeep::warn(const std::string& message) {
    warnings_.add({.kind = Warning::Kind::observer_failed, .message = "upkeep: " + message, .at = {}, .label = {}});
}

}  // namespace sqlane::detail
