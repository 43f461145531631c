#pragma once

#include "handle/connection.hpp"
#include "handle/error_translation.hpp"
#include "handle/group.hpp"
#include "handle/interrupt.hpp"

#include <sqlane/reader.hpp>
#include <sqlane/transaction.hpp>
#include <sqlane/writer.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sqlane::detail {

/// What the lane knows of a handle, and reports read: who has it and since when, or since when it is idle.
struct LaneInfo {
    std::source_location at;
    std::string_view label;
    std::uint64_t thread = 0;
    std::int64_t system_thread = 0;
    Clock::time_point since;
    /// Of whoever has it: how long he waits for another process's lock.
    Clock::time_point wait_until;
    bool warned = false;
    bool shares = false;
    /// A share of `max_lifetime` to add, so that handles opened together are not replaced together.
    double jitter = 0;
    /// Its snapshot is being ended: nobody has it, and nobody can be lent it.
    bool cooling = false;
};

/// What happened on a handle since it was last asked.
struct HandleCounts {
    std::uint64_t commits = 0;
    std::uint64_t groups = 0;
    std::uint64_t largest_group = 0;
    std::uint64_t rollbacks = 0;
    CacheCounts cache;
    std::uint64_t busy_waits = 0;

    /// Of so many transactions at once.
    void note_commit(std::uint64_t transactions) noexcept {
        commits += transactions;
        ++groups;
        largest_group = std::max(largest_group, transactions);
    }
};

/// Functions to call after a commit.
using Hooks = std::vector<std::function<void()>>;

/// What `end_lease` found.
struct Proof {
    bool keep = true;
    /// Why the handle is not kept; empty when it is, or when that is nobody's fault.
    std::string fault;
    /// What a closure left behind, and was undone.
    std::string left_behind;
};

/// The place at which a connection is lent, and what the closure's view talks to. Lives as long as the manager while
/// connections come and go in it, so that a Reader or a row kept too long meets a check and not freed memory.
///
/// Thread safety: `info` is guarded by the lane's mutex; `interrupt_from_outside`, `running_sql`, `stepping` and
/// `depth` may be called by any thread; everything else belongs to the thread that the handle is lent to.
class Handle {
public:
    explicit Handle(const OpenRecipe& recipe) : recipe_(recipe) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    LaneInfo info;

    // Opening and closing.
    [[nodiscard]] bool is_open() const noexcept { return connection_ != nullptr; }
    void open(Clock::time_point wait_until, const std::stop_token& stop, const std::source_location& at);
    void close() noexcept;
    [[nodiscard]] Clock::time_point opened_at() const noexcept { return opened_at_; }
    [[nodiscard]] Connection& connection() noexcept { return *connection_; }

    // Lending.
    void begin_lease(const std::source_location& at) noexcept;
    /// Undoes what the closure left and tells whether the handle can be lent again. Ends the lease.
    Proof end_lease() noexcept;
    Interrupt& interrupt() noexcept { return interrupt_; }
    /// The innermost verb's call site, for errors.
    void set_place(const std::source_location& at) noexcept { at_ = at; }
    [[nodiscard]] const std::source_location& at() const noexcept { return at_; }

    Reader& reader() noexcept { return reader_; }
    Writer& writer() noexcept { return writer_; }
    Transaction& transaction() noexcept { return transaction_; }

    // Scopes; see scopes.hpp. Each throws what went wrong.
    void begin_snapshot();
    /// With `keep`, a reader that is idle stays in it, warm for the next closure.
    void end_snapshot(bool keep) noexcept;
    [[nodiscard]] bool is_warm() const noexcept { return warm_; }
    /// Ends the snapshot of an idle handle, which pins the log.
    void cool() noexcept;
    void begin_transaction();
    void commit();
    void rollback() noexcept;
    void begin_savepoint();
    void release_savepoint();
    void rollback_savepoint() noexcept;
    // The same for a transaction that may share its COMMIT; see group.hpp.
    void begin_member();
    /// Its part stays.
    void keep_member();
    void drop_member() noexcept;
    /// Null when no group is open.
    [[nodiscard]] const std::shared_ptr<Group>& group() const noexcept { return group_; }
    [[nodiscard]] int sharing() const noexcept { return sharing_.load(std::memory_order_relaxed); }
    /// The next in line may go on in the open transaction.
    [[nodiscard]] bool can_be_handed_on();
    /// COMMIT for all members, to whom the group tells what comes of it. Returns what it failed with, or null.
    std::exception_ptr commit_group() noexcept;
    /// How long the last member's closure ran.
    [[nodiscard]] Clock::duration closure_took() const noexcept { return closure_took_; }
    [[nodiscard]] int depth() const noexcept { return depth_.load(std::memory_order_relaxed); }

    // Functions to call after the commit.
    void on_commit(std::function<void()> then);
    [[nodiscard]] Hooks take_committed() noexcept { return std::exchange(committed_, {}); }

    // Statements; see cursor.cpp.
    [[nodiscard]] std::uint64_t lease() const noexcept { return lease_; }
    /// Throws UsageError unless this thread is in a closure that was lent this handle.
    void require_mine() const;
    [[nodiscard]] bool is_mine() const noexcept;
    /// Throws when the transaction is gone, the deadline has passed or somebody asked to stop.
    void require_going_on(std::string_view sql);
    [[nodiscard]] bool has_open_write() const noexcept;
    [[nodiscard]] bool has_open_statements() const noexcept { return !open_statements_.empty(); }
    Statement& start(std::string_view sql, Rights rights);
    void admit(Statement& statement, Rights rights);
    void enter(Statement& statement);
    void finish(Statement& statement) noexcept;
    bool step(Statement& statement);
    void run_script(Rights rights, std::string_view sql);
    [[noreturn]] void fail(int code, std::string_view sql);
    [[nodiscard]] std::string prefix() const { return recipe_.name + ": "; }

    // For other threads.
    void interrupt_from_outside(Stop why) noexcept;
    [[nodiscard]] std::string running_sql() const;
    [[nodiscard]] bool stepping() const noexcept { return watch_.stepping.load(std::memory_order_relaxed); }

    [[nodiscard]] HandleCounts take_counts() noexcept;

private:
    void control_or_fail(Control which);
    bool undo_savepoint() noexcept;
    void release_hooks() noexcept;
    void bury_failed_commit() noexcept;
    void abort_group(const std::exception_ptr& why) noexcept;
    [[nodiscard]] bool take_warm_snapshot() noexcept;
    [[nodiscard]] bool can_stay_warm() noexcept;
    void require_no_open_write();
    void require_transaction() const;
    [[noreturn]] void stopped(Stop reason, std::string_view sql);
    void require_not_interrupted(int code, std::string_view sql);
    std::string abandon_open_statements();
    void prove_clean(Proof& proof);
    void note_running() noexcept;
    [[nodiscard]] std::string leftovers();

    const OpenRecipe& recipe_;
    Reader reader_{*this, Rights::read};
    Writer writer_{*this};
    Transaction transaction_{*this};
    StatementWatch watch_;
    Interrupt interrupt_;
    std::unique_ptr<Connection> connection_;
    Clock::time_point opened_at_{};

    std::atomic<std::uint64_t> owner_{0};
    std::atomic<int> depth_{0};
    std::uint64_t lease_ = 0;
    std::source_location at_;
    /// Why the open transaction is gone. While set, nothing more runs in this closure.
    std::exception_ptr aborted_;
    bool condemned_ = false;
    bool commit_may_come_back_ = false;

    /// Of the transaction that is open and shared.
    std::shared_ptr<Group> group_;
    bool in_savepoint_ = false;
    std::atomic<int> sharing_{0};
    Clock::time_point closure_since_{};
    Clock::duration closure_took_{};

    /// Of the open snapshot of a reader; see scopes.hpp.
    bool warm_ = false;
    bool has_header_ = false;
    LogHeader::Copy header_{};
    Clock::time_point snapshot_since_{};
    Clock::time_point cold_until_{};

    Effects lease_effects_;
    HandleCounts counts_;
    std::vector<Statement*> open_statements_;

    struct CommitHook {
        int depth;
        std::function<void()> then;
    };
    std::vector<CommitHook> pending_;
    Hooks committed_;
};

}  // namespace sqlane::detail
