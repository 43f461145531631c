#pragma once

#include <sqlane/call.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
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
/// Thread safety: `wait` and `failure` from any thread; the rest belongs to the thread that the handle is lent to.
class Group {
public:
    Group() = default;
    Group(const Group&) = delete;
    Group& operator=(const Group&) = delete;

    void begin(Clock::time_point now) noexcept { begun_ = now; }
    [[nodiscard]] Clock::time_point begun() const noexcept { return begun_; }
    /// Members so far whose part stays.
    [[nodiscard]] int size() const noexcept { return size_; }
    void add_member() noexcept { ++size_; }

    void end_committed() noexcept { end(State::committed); }
    /// By the call of this thread, or by the COMMIT that it made for all.
    void end_aborted(std::exception_ptr why, std::uint64_t thread) noexcept {
        why_ = std::move(why);
        culprit_ = thread;
        end(State::aborted);
    }

    /// For a member whose closure has returned: true when the COMMIT is done.
    [[nodiscard]] bool wait() const noexcept {
        state_.wait(State::running, std::memory_order_acquire);
        return state_.load(std::memory_order_acquire) == State::committed;
    }
    /// Of one that was aborted.
    [[nodiscard]] const std::exception_ptr& failure() const noexcept { return why_; }
    [[nodiscard]] std::uint64_t culprit() const noexcept { return culprit_; }

private:
    enum class State : std::uint32_t { running, committed, aborted };

    void end(State state) noexcept {
        state_.store(state, std::memory_order_release);
        state_.notify_all();
    }

    Clock::time_point begun_;
    int size_ = 0;
    std::exception_ptr why_;
    std::uint64_t culprit_ = 0;
    std::atomic<State> state_{State::running};
};

}  // namespace sqlane::detail
