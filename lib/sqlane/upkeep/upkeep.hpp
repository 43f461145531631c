#pragma once

#include "handle/connection.hpp"
#include "lanes/lane.hpp"
#include "watch/warnings.hpp"

#include <sqlane/options.hpp>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

namespace sqlane::detail {

/// The one background thread of a manager: closes idle handles, warns of leases held for long, interrupts calls past
/// their deadline and brings the write-ahead log back into the database. Sleeps without waking while nothing is in use.
///
/// Thread safety: all members.
class Upkeep {
public:
    Upkeep(Lane& readers, Lane& writer, Warnings& warnings, const OpenRecipe& recipe, const Options& options);
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
    /// The log holds this many frames after a commit.
    void note_log(const Connection& writer);
    /// Without the thread: what is due, after a handle came back.
    void round_without_thread();

    /// Closing, after `stop`: brings everything into the database file.
    void checkpoint_at_close(Connection& writer);
    /// Closes the connection that checkpoints run on, after `stop`.
    void forget_connection() noexcept { second_.reset(); }

    [[nodiscard]] std::uint64_t checkpoints() const noexcept { return checkpoints_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t checkpoints_skipped() const noexcept {
        return skipped_.load(std::memory_order_relaxed);
    }

private:
    void run();
    void wake();
    /// Does what is due and returns when to look again; `max` when nothing is going on.
    Clock::time_point round(Clock::time_point now);
    Clock::time_point guarded_round() noexcept;
    void warn_of_long_leases(Lane& lane, Clock::time_point now);
    [[nodiscard]] bool checkpoint_due(bool busy) const noexcept;
    void checkpoint_under_writer();
    void checkpoint_on(Connection& writer);
    void warn(const std::string& message);

    Lane& readers_;
    Lane& writer_;
    Warnings& warnings_;
    const OpenRecipe& recipe_;
    const Options& options_;

    std::atomic<std::int64_t> log_bytes_{0};
    std::atomic<std::int64_t> log_bytes_done_{0};
    std::atomic<std::uint64_t> checkpoints_{0};
    std::atomic<std::uint64_t> skipped_{0};
    std::atomic<bool> asleep_{false};

    /// The second connection that checkpoint() needs. Guarded by holding the writer.
    Interrupt interrupt_;
    StatementWatch watch_;
    std::unique_ptr<Connection> second_;

    std::mutex mutex_;
    std::condition_variable wake_;
    // Guarded by mutex_:
    bool stopping_ = false;
    bool woken_ = false;
    Clock::time_point next_deadline_ = Clock::time_point::max();

    std::thread thread_;
};

}  // namespace sqlane::detail
