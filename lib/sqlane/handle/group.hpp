#pragma once

#include <sqlane/call.hpp>

#include <atomic>
#include <cstdint>
#include <source_location>
#include <string>
#include <utility>

namespace sqlane::detail {

/// The transactions that share one COMMIT, and so one flush of the disk. Each has the writer in turn, on its own thread;
/// all of them return when the COMMIT is done, and not before.
///
///   BEGIN IMMEDIATE --> running                                    the first member's closure
///   running --returned, the next in line may share--> SAVEPOINT --> running              the next member's closure
///   running --returned, nobody may--> COMMIT --> committed         every member returns
///   running --threw, and is not the first--> ROLLBACK TO           undoes that member only, then as if it had returned
///   running --threw, and is the first--> ROLLBACK                  there is no other
///   running --SQLite rolled back everything, or COMMIT failed--> aborted
///                                                                  who did it gets that error, the others `Aborted`
///
/// A member runs as if it were alone: a stop or a deadline of its own would interrupt a statement, and an interrupted
/// write rolls back the WHOLE transaction, savepoints included (measured). Calls with either do not share.
///
/// Thread safety: `wait` and, after it, `cause` from any thread; the rest belongs to the thread that the handle is lent to.
class Group {
public:
    /// What undid all of them, for those who did not do it. The exception itself stays with the thread that it was for.
    struct Cause {
        std::string what;
        std::source_location at;
        int sqlite_code = 0;
    };

    Group() = default;
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    void begin(Clock::time_point now) noexcept { begun_ = now; }
    [[nodiscard]] Clock::time_point begun() const noexcept { return begun_; }
    /// Members so far whose part stays.
    [[nodiscard]] int size() const noexcept { return size_; }
    void add_member() noexcept { ++size_; }

    void end_committed() noexcept { end(State::committed); }
    void end_aborted(Cause cause) noexcept {
        cause_ = std::move(cause);
        end(State::aborted);
    }

    /// For a member whose closure has returned: true when the COMMIT is done.
    [[nodiscard]] bool wait() const noexcept {
        state_.wait(State::running, std::memory_order_acquire);
        return state_.load(std::memory_order_acquire) == State::committed;
    }
    /// Of one that was aborted.
    [[nodiscard]] const Cause& cause() const noexcept { return cause_; }

private:
    enum class State : std::uint32_t { running, committed, aborted };

    void end(State state) noexcept {
        state_.store(state, std::memory_order_release);
        state_.notify_all();
    }

    Clock::time_point begun_;
    int size_ = 0;
    Cause cause_;
    std::atomic<State> state_{State::running};
};

}  // namespace sqlane::detail
