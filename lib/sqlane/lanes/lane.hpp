#pragma once

#include "handle/handle.hpp"
#include "lanes/habits.hpp"
#include "lanes/wait_graph.hpp"

#include <sqlane/call.hpp>
#include <sqlane/options.hpp>
#include <sqlane/stats.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <source_location>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace sqlane::detail {

/// One request for a handle.
struct Request {
    const std::source_location& at;
    std::string_view label;
    Deadline deadline;
    /// Where there is no deadline.
    std::chrono::milliseconds timeout{};
    const std::stop_token& stop;
    /// A transaction that may share its COMMIT; see handle/group.hpp.
    bool shares = false;

    [[nodiscard]] Clock::time_point end(Clock::time_point begun) const noexcept {
        return deadline.is_set() ? deadline.at() : begun + timeout;
    }
};

/// Why a lane did not lend. The door turns it into the exception that the caller sees.
struct Refusal {
    enum class Why : std::uint8_t { timeout, saturated, cancelled, closed, deadlock };
    Why why{};
    std::chrono::nanoseconds waited{};
    /// As they were at that moment: who held the lane, and who was ahead.
    LaneReport lane;
    std::string ring;
};

/// What `give_back` tells of the lease that ended.
struct Returned {
    std::chrono::nanoseconds held{};
    /// It had been reported as held for long.
    bool warned = false;
};

/// Looks the names up. It reads files, so it is done without a lane's mutex.
void name_threads(std::vector<Holder>& holders);

/// A number of handles of one role, and the line of callers that wait for one. The reader lane has many, the writer
/// lane is a lane of one.
///
/// One mutex over one state. The line is first come, first served, and a handle that comes back goes straight to the
/// head of it: nobody who comes later can take it. Idle handles are a stack, so that the warmest cache is used first.
///
/// With one exception: turns. To wake a thread takes longer than a small transaction, so in a lane of one, where leases
/// are that short and there is no COMMIT to share, a thread may come back some times before the next one has its turn,
/// which is called in time to be awake by then. Nobody waits for more than the turns of those ahead. Only call sites
/// that are known to be short go on.
///
/// Thread safety: all members.
class Lane {
public:
    Lane(std::string name, const OpenRecipe& recipe, const PoolLimits& limits);

    /// Waits its turn and lends an open handle. Throws Refusal, or what opening a handle throws.
    Handle& lend(const Request& request);
    /// As `lend`, but null when that would mean to wait, or when the lane is closing.
    Handle* try_lend(const Request& request);
    /// Takes it back, to the head of the line, to the stack or to be closed.
    Returned give_back(Handle& handle, bool keep) noexcept;
    /// Within the open transaction to the head of the line; nothing when nobody is there who may share it.
    std::optional<Returned> hand_on(Handle& handle) noexcept;

    void configure(const PoolLimits& limits);

    // Closing, in this order.
    void refuse_new();
    bool wait_until_empty(Clock::time_point deadline);
    /// Callers in the line get Refusal::closed; returns how many there were.
    std::size_t refuse_waiting();
    /// Interrupts whatever runs; returns how many leases there were.
    std::size_t interrupt_all();
    /// Calls `work` with an open handle that nobody holds, if there is one. Only while closing: nobody waits.
    void with_idle(FunctionRef<void(Handle&)> work);
    /// Closes the handles that nobody holds, and from then on those that come back.
    void close_idle() noexcept;

    // For upkeep.
    /// Closes what has been idle for too long.
    void reap(Clock::time_point now) noexcept;
    /// Ends the snapshots of handles that have been idle since then or longer. Returns how long the next one has been
    /// idle: since when; `max` when none is left.
    Clock::time_point cool(Clock::time_point idle_since) noexcept;
    /// Lends nothing more until `resume`, and waits until everything is back. Returns false at the deadline.
    bool pause(Clock::time_point deadline);
    void resume();
    /// Interrupts the calls whose deadline has passed, because SQLite's own loops (a count over a table) ask nobody.
    /// Returns when to look again: at the earliest deadline.
    Clock::time_point interrupt_expired(Clock::time_point now) noexcept;
    /// Leases that have just passed `age`, each told once.
    std::vector<Holder> newly_older_than(std::chrono::nanoseconds age, Clock::time_point now);
    [[nodiscard]] bool in_use() const;
    [[nodiscard]] bool has_idle_above_minimum() const;

    [[nodiscard]] LaneReport report() const;
    [[nodiscard]] LaneStats stats() const;
    [[nodiscard]] PoolLimits limits() const;
    /// Whom `thread` waits for at this moment; nothing when it is not in the line.
    [[nodiscard]] std::optional<Blocked> blocked(std::uint64_t thread) const;

private:
    /// Guarded by mutex_, but for the atomics. Who waits without sleeping may be gone as soon as it has a handle.
    struct Waiter {
        const Request& request;
        std::uint64_t thread;
        std::int64_t system_thread;
        Clock::time_point since;
        std::condition_variable wake{};
        std::atomic<Handle*> handle{nullptr};
        bool refused = false;
        bool asleep = false;
        /// Has come to stand in front, or its turn is near: to wait without sleep for a moment.
        bool called = false;
        /// Stands in front and wakes by itself when the turn of who has the handle is over.
        bool has_timer = false;
    };

    [[nodiscard]] bool has_room() const noexcept;
    Handle& wait_in_line(std::unique_lock<std::mutex>& lock, const Request& request);
    /// `awake`: first without sleep.
    std::string sleep_unless_ring(Waiter& waiter, bool awake);
    void sleep_until_settled(Waiter& waiter, bool or_lending, bool awake);
    [[nodiscard]] bool is_for_one() const noexcept { return limits_.max + limits_.overflow == 1; }
    [[nodiscard]] bool leases_are_short() const noexcept;
    [[nodiscard]] bool takes_turns() const noexcept;
    [[nodiscard]] bool turn_is_on(Clock::time_point now) const noexcept;
    [[nodiscard]] bool may_go_on(const Request& request, Clock::time_point now) const noexcept;
    /// Wakes the next one while the one before it runs.
    void call_front() noexcept;
    /// Who waits now waits for a moment only, whatever the holders do.
    [[nodiscard]] bool is_held_back() const noexcept { return paused_ || cooling_ > 0; }
    void leave_line(Waiter& waiter) noexcept;
    [[noreturn]] void refuse_waiter(Waiter& waiter, const std::string& ring);
    [[noreturn]] void refuse(Refusal::Why why);
    void serve_line();
    void give(Handle& handle, Waiter& waiter);
    void lend_again();
    void note_emptied() noexcept;
    Handle& pick_handle(std::uint64_t thread);
    Handle& make_place();
    struct Taker {
        std::uint64_t thread;
        std::int64_t system_thread;
        Clock::time_point since;
    };
    void assign(Handle& handle, const Request& request, const Taker& taker, Clock::time_point now);
    void open(Handle& handle, const Request& request);
    Returned end_lease(Handle& handle, Clock::time_point now) noexcept;
    void count(const HandleCounts& counts, std::chrono::nanoseconds held) noexcept;
    void close_and_vacate(Handle& handle, std::unique_lock<std::mutex>& lock) noexcept;
    void close_oldest_idle(std::unique_lock<std::mutex>& lock) noexcept;
    [[nodiscard]] bool too_old(const Handle& handle, Clock::time_point now) const;
    [[nodiscard]] LaneReport report_locked(const Waiter* ahead_of = nullptr) const;

    const std::string name_;
    const OpenRecipe& recipe_;

    mutable std::mutex mutex_;
    // Guarded by mutex_:
    PoolLimits limits_;
    bool open_for_new_ = true;
    bool close_returning_ = false;
    bool paused_ = false;
    std::vector<std::unique_ptr<Handle>> places_;
    std::vector<Handle*> vacant_;
    std::vector<Handle*> idle_;
    std::vector<Handle*> held_;
    /// Of those in held_: nobody has them, their snapshots are being ended.
    int cooling_ = 0;
    std::deque<Waiter*> line_;
    std::condition_variable emptied_;
    LaneStats counters_;
    Habits habits_;
    /// How long leases have been of late.
    std::chrono::nanoseconds usual_hold_{0};
    std::uint64_t turn_owner_ = 0;
    Clock::time_point turn_end_{};
    int turn_leases_ = 0;
    std::minstd_rand random_;
};

}  // namespace sqlane::detail
