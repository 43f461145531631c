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
#include <stop_token>
#include <thread>

namespace sqlane::detail {

/// Brings the write-ahead log back into the database, off the threads that commit: at once when it is longer than
/// `wal_soft_limit`, else when nobody needs a handle. Has a thread of its own, because copying takes as long as it takes.
///
/// Thread safety: all members.
class Checkpointer {
public:
    Checkpointer(Lane& readers, Lane& writer, Warnings& warnings, const OpenRecipe& recipe, const Options& options);
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;
    ~Checkpointer() { stop(); }

    void start();
    void stop();
    [[nodiscard]] bool is_this_thread() const noexcept { return thread_.get_id() == std::this_thread::get_id(); }

    /// The writer is about to be given back.
    void note_log(Connection& writer);
    /// Without the thread: what is due, when the writer is free at this moment.
    void run_without_thread();
    /// Closing, after `stop`: brings everything home and closes the connection that this takes.
    void run_at_close(Connection& writer);
    /// The same when no writer is open.
    void run_at_close();

    /// The holder is no caller but a checkpoint of this class.
    [[nodiscard]] static bool is_checkpoint(const Holder& holder) noexcept;

    /// Somebody who reads keeps the log from being brought home, and it is long.
    [[nodiscard]] bool is_held_up() const noexcept { return held_up_.load(std::memory_order_relaxed) && is_long(); }
    [[nodiscard]] std::uint64_t done() const noexcept { return done_.load(std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t skipped() const noexcept { return skipped_.load(std::memory_order_relaxed); }

private:
    void run(const std::stop_token& stop);
    /// Returns false when it was told to stop.
    bool wait_until_due(const std::stop_token& stop);
    // Each returns whether all of the log is home.
    bool run_in_line(const std::stop_token& stop);
    bool run_on(Connection& writer);
    bool checkpoint_now(Connection& writer);
    void warn(const std::string& message) noexcept;
    [[nodiscard]] bool is_long() const noexcept;

    Lane& readers_;
    Lane& writer_;
    Warnings& warnings_;
    const OpenRecipe& recipe_;
    const Options& options_;

    /// Something was committed that is not in the database file yet; and how long the log is.
    std::atomic<bool> pending_{false};
    std::atomic<std::int64_t> log_bytes_{0};
    std::atomic<bool> held_up_{false};
    std::atomic<std::uint64_t> done_{0};
    std::atomic<std::uint64_t> skipped_{0};

    /// The second connection that `checkpoint` needs. Guarded by holding the writer.
    Interrupt interrupt_;
    StatementWatch watch_;
    /// When readers may be kept out again. Guarded by holding the writer.
    Clock::time_point next_window_{};
    std::unique_ptr<Connection> second_;

    std::mutex mutex_;
    std::condition_variable_any wake_;
    std::jthread thread_;
};

}  // namespace sqlane::detail
