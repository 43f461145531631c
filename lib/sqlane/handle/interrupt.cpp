#include "handle/interrupt.hpp"

#include "handle/platform.hpp"
#include "handle/turn.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace sqlane::detail {
namespace {

/// Instructions of SQLite's virtual machine between two looks at the clock: some 20 microseconds.
constexpr int instructions_between_looks = 1000;

/// Short enough to notice a lock that was freed, long enough not to burn a core. Not longer for who has waited longer:
/// those who have just begun to wait would ask more often, and be served first.
constexpr std::chrono::milliseconds between_attempts{1};

}  // namespace

void Interrupt::attach_to(sqlite3* db, Turn* turn) {
    turn_ = turn;
    sqlite3_busy_handler(db, &Interrupt::on_busy, this);
    sqlite3_progress_handler(db, instructions_between_looks, &Interrupt::on_progress, this);
}

void Interrupt::push(Patience& patience) noexcept {
    patience.outer = patience_;
    if (patience_ == nullptr) waited_for_first_ = false;
    patience_ = &patience;
    publish_deadline();
}

void Interrupt::pop() noexcept {
    patience_ = patience_->outer;
    publish_deadline();
}

/// Either an interrupt from outside sees the shield, or it is waited for here.
void Interrupt::raise_shield() noexcept {
    shielded_.store(true);
    while (interrupting_.load() != 0) platform::relax();
}

void Interrupt::publish_deadline() noexcept {
    auto for_others = Clock::time_point::max();
    earliest_ = Clock::time_point::max();
    for (const auto* p = patience_; p != nullptr; p = p->outer) {
        if (!p->run_until.is_set()) continue;
        earliest_ = std::min(earliest_, p->run_until.at());
        if (!p->from_inside_only) for_others = std::min(for_others, p->run_until.at());
    }
    deadline_.store(for_others.time_since_epoch().count(), std::memory_order_relaxed);
}

Clock::time_point Interrupt::deadline() const noexcept {
    if (shielded_.load(std::memory_order_relaxed)) return Clock::time_point::max();
    return Clock::time_point{Clock::duration{deadline_.load(std::memory_order_relaxed)}};
}

Stop Interrupt::reason() const noexcept {
    if (shielded_.load(std::memory_order_relaxed)) return Stop::none;
    if (closing_.load(std::memory_order_relaxed)) return Stop::closing;
    for (const auto* p = patience_; p != nullptr; p = p->outer)
        if (p->stop.stop_requested()) return Stop::requested;
    if (earliest_ != Clock::time_point::max() && Clock::now() >= earliest_) return Stop::deadline;
    return Stop::none;
}

Clock::time_point Interrupt::patience_end() const noexcept {
    const auto now = Clock::now();
    auto earliest = Clock::time_point::max();
    for (const auto* p = patience_; p != nullptr; p = p->outer)
        earliest = std::min(earliest, waited_for_first_ ? std::max(p->wait_until, now + p->wait_each) : p->wait_until);
    return earliest;
}

int Interrupt::on_busy(void* self, int attempts) {
    auto& interrupt = *static_cast<Interrupt*>(self);
    if (interrupt.patience_ == nullptr) return 0;  // upkeep's own work waits for nobody
    if (attempts == 0) interrupt.busy_until_ = interrupt.patience_end();
    const auto remaining = interrupt.busy_until_ - Clock::now();
    if (remaining <= Clock::duration::zero() || interrupt.reason() != Stop::none) return 0;
    ++interrupt.busy_waits_;
    if (interrupt.turn_ != nullptr) interrupt.turn_->wait();
    std::this_thread::sleep_for(std::min<Clock::duration>(between_attempts, remaining));
    return 1;
}

int Interrupt::on_progress(void* self) { return static_cast<Interrupt*>(self)->reason() == Stop::none ? 0 : 1; }

}  // namespace sqlane::detail
