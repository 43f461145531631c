#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

/// What `report()`, `stats()`, `health()`, `close()` and `Options::on_warning` tell. Plain data, safe to keep.
namespace sqlane {

/// A thread in a closure, and so a handle that is lent.
struct Holder {
    std::source_location at;
    std::string label;
    /// sqlane's number of the thread, from 1.
    std::uint64_t thread = 0;
    /// The operating system's number and name of it, where it has them.
    std::int64_t system_thread = 0;
    std::string thread_name;
    std::chrono::nanoseconds held{};
    /// 0 outside a transaction, 1 in one, more in savepoints.
    int transaction_depth = 0;
    /// The statement that is open, empty when the closure is between statements.
    std::string sql;
    /// Transactions that are done and wait for the COMMIT that they share with this one.
    int sharing = 0;
    /// Inside SQLite now; false while the closure's own code runs.
    bool stepping = false;
};

/// A thread in the queue.
struct Waiting {
    std::source_location at;
    std::string label;
    std::uint64_t thread = 0;
    std::chrono::nanoseconds waited{};
};

/// Something worth telling that failed no call.
struct Warning {
    enum class Kind : std::uint8_t {
        /// A lease passed `leak_after`.
        held_long,
        /// That lease came back.
        came_back,
        /// A closure left a statement, a temporary object, an attached file or a changed pragma behind; it was undone.
        left_behind,
        /// A handle could not be proved clean and was replaced.
        replaced,
        /// A checkpoint failed or found what must not be.
        checkpoint,
        /// `Options::on_warning` itself threw.
        observer_failed
    };
    Kind kind{};
    std::string message;
    std::source_location at;
    std::string label;
};

struct LaneReport {
    std::string name;
    int open = 0;
    int idle = 0;
    int limit = 0;
    std::vector<Holder> holders;
    std::vector<Waiting> waiting;
};

/// Who holds what, and who waits.
struct Report {
    std::string database;
    LaneReport writer;
    LaneReport readers;
    std::int64_t wal_bytes = 0;
    /// The reader that has kept the write-ahead log from shrinking for the longest, when it is above `wal_soft_limit`.
    std::optional<Holder> wal_pinned_by;
    /// The newest last; the 32 latest are kept.
    std::vector<Warning> warnings;
};

/// Durations by powers of two of a nanosecond.
struct Histogram {
    std::array<std::uint64_t, 44> buckets{};
    std::uint64_t count = 0;
    std::chrono::nanoseconds total{};
    std::chrono::nanoseconds longest{};

    void add(std::chrono::nanoseconds value) noexcept;
    /// The upper bound of the bucket that holds the given share (0 to 1) of all values; never above `longest`.
    [[nodiscard]] std::chrono::nanoseconds percentile(double share) const noexcept;
};

struct LaneStats {
    std::string name;
    int open = 0;
    int idle = 0;
    int in_use = 0;
    int waiting = 0;
    int limit = 0;
    std::uint64_t lent = 0;
    std::uint64_t queued = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t rejections = 0;
    std::uint64_t cancelled = 0;
    std::uint64_t deadlocks = 0;
    std::uint64_t opened = 0;
    std::uint64_t closed = 0;
    /// Closed because they were too old.
    std::uint64_t recycled = 0;
    /// Closed because they could not be proved clean.
    std::uint64_t replaced = 0;
    /// Transactions that were committed, and the COMMITs that it took: fewer where several shared one.
    std::uint64_t commits = 0;
    std::uint64_t groups = 0;
    std::uint64_t largest_group = 0;
    std::uint64_t rollbacks = 0;
    std::uint64_t cache_hits = 0;
    std::uint64_t cache_misses = 0;
    std::uint64_t cache_evictions = 0;
    /// Times SQLite waited for another process.
    std::uint64_t busy_waits = 0;
    Histogram wait;
    Histogram hold;
};

struct Stats {
    std::string database;
    LaneStats writer;
    LaneStats readers;
    std::int64_t wal_bytes = 0;
    std::uint64_t checkpoints = 0;
    std::uint64_t checkpoints_skipped = 0;
    std::uint64_t warnings = 0;
    /// All of SQLite's memory in this process, this database or not.
    std::int64_t sqlite_memory = 0;
};

struct Health {
    enum class State : std::uint8_t {
        healthy,
        /// Over 80 % of the readers are lent, or somebody waits.
        busy,
        /// Every reader is lent, or the queue is full.
        exhausted,
        closed
    };
    State state = State::healthy;
    /// One line for a status bar.
    std::string summary;
};

/// What `close()` achieved.
struct CloseReport {
    /// Every handle is closed.
    bool complete = false;
    /// Who would not let go. Call `close()` again when they have: it brings home what they wrote.
    std::vector<Holder> still_held;
    /// Calls that were in the queue at the deadline; each got `Closed`.
    std::size_t refused = 0;
    /// Closures that were interrupted at the deadline.
    std::size_t interrupted = 0;
    /// Bytes left in the write-ahead log: 0 when all is in the database file.
    std::int64_t wal_bytes = 0;
    std::chrono::nanoseconds took{};
};

[[nodiscard]] std::string to_string(const Report& report);
[[nodiscard]] std::string to_string(const Health& health);
[[nodiscard]] std::string to_string(const CloseReport& report);
[[nodiscard]] const char* to_string(Warning::Kind kind) noexcept;
[[nodiscard]] const char* to_string(Health::State state) noexcept;

[[nodiscard]] std::string to_json(const Report& report);
[[nodiscard]] std::string to_json(const Stats& stats);
[[nodiscard]] std::string to_json(const Health& health);

/// Prometheus text exposition format 0.0.4.
[[nodiscard]] std::string to_prometheus(const Stats& stats);

}  // namespace sqlane
