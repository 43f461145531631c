#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

namespace sqlane {

struct Warning;

/// How many reader handles there are, and for how long. `ConnectionManager::configure` changes it while in use.
struct PoolLimits {
    /// Idle handles that `idle_timeout` leaves open.
    int min_idle = 1;
    /// Handles that are kept for the next caller.
    int max = 5;
    /// Handles beyond `max` for a rush; closed when they come back.
    int overflow = 10;
    /// Callers that may wait; the next one is refused with `Saturated`. Also bounds the writer's queue.
    int max_waiters = 256;
    /// An idle handle above `min_idle` is closed after this long.
    std::chrono::milliseconds idle_timeout = std::chrono::minutes{1};
    /// A handle this old (give or take a tenth) is replaced when it comes back.
    std::chrono::milliseconds max_lifetime = std::chrono::minutes{30};
};

/// What a commit waits for. https://www.sqlite.org/pragma.html#pragma_synchronous
enum class Synchronous : std::uint8_t {
    /// Commits survive a crash of the program, not of the machine. For data that can be made again.
    off,
    /// Power loss may undo the last commits; the file stays whole. No flush per commit.
    normal,
    /// A commit that returned is on the disk.
    full,
    /// As `full`, and the directory entry too (matters for rollback journals).
    extra
};

struct Options {
    PoolLimits readers{};
    /// How long a call without a deadline of its own waits for a lane or for another process's lock.
    std::chrono::milliseconds timeout = std::chrono::seconds{30};
    /// How long `close()` and the destructor let accepted calls finish before they are interrupted.
    std::chrono::milliseconds close_timeout = std::chrono::seconds{5};
    /// A lease older than this is reported to `on_warning`, once.
    std::chrono::milliseconds leak_after = std::chrono::seconds{30};
    /// Durability of commits. FULL costs one flush per commit; the user's only copy is worth it.
    Synchronous synchronous = Synchronous::full;
    /// Prepared statements kept per handle; the least recently used one goes first.
    int statement_cache = 128;
    /// SQLite's page cache per handle, in KiB, taken as it is filled.
    int cache_kib = 8000;
    /// The write-ahead log is copied back into the database in the background once it is longer than this.
    std::int64_t wal_soft_limit = std::int64_t{4} << 20;
    /// How long a reader keeps its snapshot after a call, which makes the next read faster when nobody has
    /// committed in between. A snapshot that is kept holds up checkpoints for as long; 0 keeps none.
    std::chrono::milliseconds snapshot_idle{50};
    /// Transactions that wait in line anyway share one COMMIT, and so one flush of the disk, where commits are durable
    /// (`full`, `extra`): this many at the most. 1: each has its own.
    int group_max = 64;
    /// And no longer than this: how long a transaction that is done waits for others. A call whose closure ran longer
    /// lately is not let in.
    std::chrono::milliseconds group_window{5};
    /// Off: no background thread. What it does then happens as handles are given back.
    bool upkeep_thread = true;
    /// The SQLite VFS to open with; empty for the platform's own.
    std::string vfs{};
    /// Told of leaks, of what a closure left behind and of handles replaced; also kept in `report()`.
    /// Called from the thread that noticed, upkeep's own among them: be quick, and leave closing to another thread.
    std::function<void(const Warning&)> on_warning{};

    /// `base` with what the environment says: SQLANE_POOL_MIN, SQLANE_POOL_MAX, SQLANE_POOL_OVERFLOW,
    /// SQLANE_POOL_QUEUE, SQLANE_POOL_TIMEOUT, SQLANE_POOL_IDLE, SQLANE_POOL_RECYCLE, SQLANE_CLOSE_TIMEOUT,
    /// SQLANE_LEAK_AFTER, SQLANE_SYNCHRONOUS, SQLANE_STATEMENT_CACHE, SQLANE_CACHE_KIB, SQLANE_WAL_SOFT_LIMIT,
    /// SQLANE_SNAPSHOT_IDLE, SQLANE_GROUP_MAX, SQLANE_GROUP_WINDOW, SQLANE_UPKEEP_THREAD. Times are seconds, or carry a
    /// unit: 500ms, 30s, 5m, 1h. Throws UsageError naming variable, value and range.
    [[nodiscard]] static Options from_env(Options base);
    [[nodiscard]] static Options from_env() { return from_env(Options{}); }

    /// Throws UsageError naming the option, its value and its range.
    void validate() const;
};

/// Throws UsageError naming the limit, its value and its range.
void validate(const PoolLimits& limits);

/// One `name = value` line per option, with the variable that sets it.
[[nodiscard]] std::string to_string(const Options& options);
[[nodiscard]] const char* to_string(Synchronous synchronous) noexcept;

}  // namespace sqlane
