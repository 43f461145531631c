#pragma once

#include "handle/platform.hpp"

#include <sqlane/call.hpp>

#include <string>

namespace sqlane::detail {

/// Turns between processes that write to one file. SQLite gives its write lock to whoever happens to look when it is free,
/// and a process whose callers stand in line takes it again within microseconds: another one got 24 commits while it made
/// 21,688 (measured). So who waits says so by a mark on the log file, and who has written for a while looks for marks
/// and lets the others go first. Programs without sqlane are neither seen nor see it.
///
///   writing --10 ms, nobody has a mark--> writing
///   writing --10 ms, somebody has--> giving way --the mark is gone: he has the lock--> writing, or waiting
///   waiting --lock taken, or given up--> writing, or nothing; the mark is taken back
///
/// Thread safety: belongs to the thread that the handle is lent to.
class Turn {
public:
    explicit Turn(std::string log_file) : mark_(std::move(log_file)) {}

    /// SQLite was told that another process has the lock.
    void wait() noexcept { mark_.set(); }
    void stop_waiting() noexcept;
    /// Before the lock is taken.
    void give_way(Clock::time_point now) noexcept;

private:
    platform::Mark mark_;
    Clock::time_point since_{};
};

}  // namespace sqlane::detail
