#include "handle/platform.hpp"
#include "lanes/lane.hpp"

#include <algorithm>
#include <utility>

/// The lane as others see it: reports, upkeep and closing.
namespace sqlane::detail {
namespace {

/// An interrupt that comes between two statements is lost, so a call past its deadline gets another one.
constexpr std::chrono::milliseconds between_interrupts{10};

Holder describe(const Handle& handle, Clock::time_point now) {
    return {.at = handle.info.at,
            .label = std::string{handle.info.label},
            .thread = handle.info.thread,
            .system_thread = handle.info.system_thread,
            .thread_name = {},
            .held = now - handle.info.since,
            .transaction_depth = handle.depth(),
            .sql = handle.running_sql(),
            .sharing = handle.sharing(),
            .stepping = handle.stepping()};
}

}  // namespace

LaneReport Lane::report_locked(const Waiter* ahead_of) const {
    const auto now = Clock::now();
    LaneReport report{.name = name_,
                      .open = static_cast<int>(places_.size() - vacant_.size()),
                      .idle = static_cast<int>(idle_.size()) + cooling_,
                      .limit = limits_.max + limits_.overflow,
                      .holders = {},
                      .waiting = {}};
    for (const Handle* handle : held_)
        if (!handle->info.cooling) report.holders.push_back(describe(*handle, now));
    for (const Waiter* waiter : line_) {
        if (waiter == ahead_of) break;
        report.waiting.push_back({.at = waiter->request.at,
                                  .label = std::string{waiter->request.label},
                                  .thread = waiter->thread,
                                  .waited = now - waiter->since});
    }
    return report;
}

LaneReport Lane::report() const {
    std::unique_lock lock{mutex_};
    auto report = report_locked();
    lock.unlock();
    name_threads(report.holders);
    return report;
}

void name_threads(std::vector<Holder>& holders) {
    for (auto& holder : holders) holder.thread_name = platform::thread_name(holder.system_thread);
}

LaneStats Lane::stats() const {
    const std::lock_guard lock{mutex_};
    LaneStats stats = counters_;
    stats.open = static_cast<int>(places_.size() - vacant_.size());
    stats.idle = static_cast<int>(idle_.size()) + cooling_;
    stats.in_use = static_cast<int>(held_.size()) - cooling_;
    stats.waiting = static_cast<int>(line_.size());
    stats.limit = limits_.max + limits_.overflow;
    return stats;
}

bool Lane::in_use() const {
    const std::lock_guard lock{mutex_};
    return static_cast<int>(held_.size()) > cooling_;
}

bool Lane::has_idle_above_minimum() const {
    const std::lock_guard lock{mutex_};
    return static_cast<int>(idle_.size()) > limits_.min_idle;
}

void Lane::refuse_new() {
    const std::lock_guard lock{mutex_};
    open_for_new_ = false;
}

bool Lane::wait_until_empty(Clock::time_point deadline) {
    std::unique_lock lock{mutex_};
    const auto empty = [this] { return held_.empty() && line_.empty(); };
    if (deadline == Clock::time_point::max()) {
        emptied_.wait(lock, empty);
        return true;
    }
    return emptied_.wait_until(lock, deadline, empty);
}

std::size_t Lane::refuse_waiting() {
    const std::lock_guard lock{mutex_};
    // Out of the line at once: a handle that comes back now must not go to somebody who was sent away.
    const auto sent_away = std::exchange(line_, {});
    for (Waiter* waiter : sent_away) {
        waiter->refused = true;
        waiter->wake.notify_one();
    }
    if (held_.empty()) emptied_.notify_all();
    return sent_away.size();
}

std::size_t Lane::interrupt_all() {
    const std::lock_guard lock{mutex_};
    for (Handle* handle : held_) handle->interrupt_from_outside(Stop::closing);
    return held_.size();
}

Clock::time_point Lane::interrupt_expired(Clock::time_point now) noexcept {
    // Under the mutex, so that the handle cannot be lent to somebody else in between. sqlite3_interrupt stores a flag.
    const std::lock_guard lock{mutex_};
    auto earliest = Clock::time_point::max();
    for (Handle* handle : held_) {
        const auto deadline = handle->interrupt().deadline();
        if (deadline <= now) handle->interrupt_from_outside(Stop::deadline);
        earliest = std::min(earliest, std::max(deadline, now + between_interrupts));
    }
    return earliest;
}

std::vector<Holder> Lane::newly_older_than(std::chrono::nanoseconds age, Clock::time_point now) {
    std::unique_lock lock{mutex_};
    std::vector<Holder> found;
    for (Handle* handle : held_) {
        if (handle->info.warned || handle->info.cooling || now - handle->info.since < age) continue;
        handle->info.warned = true;
        found.push_back(describe(*handle, now));
    }
    lock.unlock();
    name_threads(found);
    return found;
}

void Lane::reap(Clock::time_point now) noexcept {
    std::unique_lock lock{mutex_};
    while (static_cast<int>(idle_.size()) > limits_.min_idle) {
        // The bottom of the stack has been idle for the longest.
        if (now - idle_.front()->info.since < limits_.idle_timeout) return;
        close_oldest_idle(lock);
    }
}

bool Lane::pause(Clock::time_point deadline) {
    std::unique_lock lock{mutex_};
    paused_ = true;
    return emptied_.wait_until(lock, deadline, [this] { return held_.empty(); });
}

void Lane::resume() {
    const std::lock_guard lock{mutex_};
    paused_ = false;
    lend_again();
}

/// Those who still wait look for rings now.
void Lane::lend_again() {
    serve_line();
    if (is_held_back()) return;
    for (Waiter* waiter : line_) waiter->wake.notify_one();
}

Clock::time_point Lane::cool(Clock::time_point idle_since) noexcept {
    std::unique_lock lock{mutex_};
    for (;;) {
        // The bottom of the stack has been idle for the longest.
        const auto warm = std::ranges::find_if(idle_, [](const Handle* handle) { return handle->is_warm(); });
        if (warm == idle_.end()) return Clock::time_point::max();
        Handle& handle = **warm;
        if (handle.info.since > idle_since) return handle.info.since;
        idle_.erase(warm);
        handle.info.cooling = true;
        ++cooling_;
        held_.push_back(&handle);
        lock.unlock();
        handle.cool();
        lock.lock();
        handle.info.cooling = false;
        --cooling_;
        if (close_returning_) {
            close_and_vacate(handle, lock);
        } else {
            std::erase(held_, &handle);
            idle_.insert(idle_.begin(), &handle);
        }
        lend_again();
        note_emptied();
    }
}

void Lane::close_oldest_idle(std::unique_lock<std::mutex>& lock) noexcept {
    Handle& oldest = *idle_.front();
    idle_.erase(idle_.begin());
    close_and_vacate(oldest, lock);
}

void Lane::with_idle(FunctionRef<void(Handle&)> work) {
    std::unique_lock lock{mutex_};
    if (idle_.empty()) return;
    Handle& handle = *idle_.back();
    lock.unlock();
    work(handle);
}

void Lane::close_idle() noexcept {
    std::unique_lock lock{mutex_};
    close_returning_ = true;
    while (!idle_.empty()) close_oldest_idle(lock);
}

}  // namespace sqlane::detail
