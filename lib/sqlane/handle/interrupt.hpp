#pragma once

#include <sqlane/call.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <limits>
#include <stop_token>
#include <utility>

struct sqlite3;

namespace sqlane::detail {

class Turn;

/// Why a call must not go on.
enum class Stop : std::uint8_t { none, requested, deadline, closing };

/// What one verb allowed: how long to wait, how long to run, and who may stop it. Verbs nest, and so do these.
struct Patience {
    /// For another process's lock, until the first statement has run: the line in front of the lane counted too.
    Clock::time_point wait_until = Clock::time_point::max();
    /// From then on, for each lock anew, so that a long closure does not lose its patience. 0 with a deadline.
    std::chrono::milliseconds wait_each{};
    /// For everything; unset means that running takes as long as it takes.
    Deadline run_until{};
    std::stop_token stop{};
    /// Rows of an outer closure are open. An interrupt from outside would end them too, so only the handlers end this.
    bool from_inside_only = false;
    const Patience* outer = nullptr;
};

/// Ends waiting and running on one handle, on one clock: SQLite's busy handler and progress handler both ask here.
/// Thread safety: `close_down`, `deadline` and `interrupt_unless_shielded` from any thread; the rest belongs to the thread
/// that the handle is lent to.
class Interrupt {
public:
    /// Becomes the connection's busy and progress handler. For a writer, other processes are told when it waits.
    void attach_to(sqlite3* db, Turn* turn);

    void push(Patience& patience) noexcept;
    void pop() noexcept;

    /// The manager is closing: whatever runs on this handle ends.
    void close_down() noexcept { closing_.store(true, std::memory_order_relaxed); }
    /// The handle goes to somebody new.
    void reopen() noexcept { closing_.store(false, std::memory_order_relaxed); }

    /// A statement has run.
    void note_progress() noexcept { waited_for_first_ = true; }

    /// While shielded nothing is interrupted: for COMMIT and ROLLBACK, which must not stop half-way.
    void raise_shield() noexcept;
    void lower_shield() noexcept { shielded_.store(false, std::memory_order_release); }
    /// By another thread. Calls `interrupt` unless shielded; the shield is not up before it has returned.
    template <class F>
    void interrupt_unless_shielded(F&& interrupt) noexcept {
        interrupting_.fetch_add(1);
        if (!shielded_.load()) interrupt();
        interrupting_.fetch_sub(1);
    }

    [[nodiscard]] Stop reason() const noexcept;
    /// Of the running call, as another thread sees it; `max` for none, and while shielded.
    [[nodiscard]] Clock::time_point deadline() const noexcept;
    /// How often SQLite waited for another process since the last call.
    [[nodiscard]] std::uint64_t take_busy_waits() noexcept { return std::exchange(busy_waits_, 0); }

private:
    static int on_busy(void* self, int attempts);
    static int on_progress(void* self);
    [[nodiscard]] Clock::time_point patience_end() const noexcept;
    void publish_deadline() noexcept;

    Turn* turn_ = nullptr;
    const Patience* patience_ = nullptr;
    std::uint64_t busy_waits_ = 0;
    bool waited_for_first_ = false;
    Clock::time_point busy_until_{};
    Clock::time_point earliest_ = Clock::time_point::max();
    std::atomic<Clock::rep> deadline_{std::numeric_limits<Clock::rep>::max()};
    std::atomic<bool> closing_{false};
    std::atomic<bool> shielded_{false};
    std::atomic<int> interrupting_{0};
};

}  // namespace sqlane::detail
