#pragma once

#include "lanes/lane.hpp"
#include "watch/warnings.hpp"

#include <sqlane/options.hpp>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace sqlane::detail {

/// Looks after the lanes: closes idle handles, ends their snapshots, warns of leases held for long, and interrupts calls past their deadline.
/// Waits for nobody, so that a deadline is kept. Sleeps without waking while nothing is in use.
///
/// Thread safety: all members.
class Upkeep {
public:
    Upkeep(Lane& readers, Lane& writer, Warnings& warnings, const Options& options);
    Upkeep(const Upkeep&) = delete;
    Upkeep& operator=(const Upkeep&) = delete;
    ~Upkeep();

    void start();
    void stop();

    /// A handle was lent: one relaxed load unless the thread is asleep.
    void note_use() {
        if (asleep_.load(std::memory_order_relaxed)) wake();
    }
    /// Wakes in time to interrupt a call with this deadline.
    void watch_deadline(Clock::time_point deadline);
    /// Without the thread: what is due, after a handle came back.
    void round_without_thread();

    [[nodiscard]] bool is_this_thread() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }

private:
    void run();
    void wake();
    /// Does what is due and returns when to look again; `max` when nothing is going on.
    Clock::time_point round(Clock::time_point now);
    Clock::time_point guarded_round() noexcept;
    /// Ends snapshots that have been kept for long enough; returns when to look again.
    Clock::time_point cool(Clock::time_point now, bool busy);
    [[nodiscard]] bool is_soon(Clock::time_point next) const;
    void warn_of_long_leases(Lane& lane, Clock::time_point now);
    void warn(const std::string& message);

    Lane& readers_;
    Lane& writer_;
    Warnings& warnings_;
    const Options& options_;

    std::atomic<bool> asleep_{false};

    std::mutex mutex_;
    std::condition_variable wake_;
    // Guarded by mutex_:
    bool stopping_ = false;
    bool woken_ = false;
    Clock::time_point next_deadline_ = Clock::time_point::max();

    std::thread thread_;
};

}  // namespace sqlane::detail
