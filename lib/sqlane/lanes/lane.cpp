#include "lanes/lane.hpp"

#include "handle/platform.hpp"
#include "lanes/held.hpp"
#include "lanes/spin.hpp"

#include <algorithm>
#include <thread>
#include <utility>

namespace sqlane::detail {
namespace {

/// A turn: how often a thread may come back before the next one in line, and within what time.
constexpr int leases_of_turn = 48;
constexpr std::chrono::microseconds turn{600};
/// For it to wake up first. Where processors are scarce it takes longer; the turn counts from its first lease on.
constexpr std::chrono::microseconds waking{100};
/// So many leases before the end the next one is called: about as long as it takes to wake up.
constexpr int called_before_end = 3;

}  // namespace

Lane::Lane(std::string name, const OpenRecipe& recipe, const PoolLimits& limits)
    : name_(std::move(name)), recipe_(recipe), limits_(limits), random_(std::random_device{}()) {
    counters_.name = name_;
}

bool Lane::has_room() const noexcept {
    return !paused_ && static_cast<int>(held_.size()) < limits_.max + limits_.overflow;
}

void Lane::note_emptied() noexcept {
    if (held_.empty() && (line_.empty() || paused_)) emptied_.notify_all();
}

Handle& Lane::lend(const Request& request) {
    const auto now = Clock::now();
    auto lock = lock_soon(mutex_);
    if (!open_for_new_) refuse(Refusal::Why::closed);
    Handle* handle = nullptr;
    if (has_room() && (line_.empty() || may_go_on(request, now))) {
        handle = &pick_handle(platform::this_thread());
        assign(*handle, request, {platform::this_thread(), platform::this_system_thread(), now}, now);
        counters_.wait.add({});
        lock.unlock();
    } else {
        handle = &wait_in_line(lock, request);
    }
    if (!handle->is_open()) open(*handle, request);
    handle->begin_lease(request.at);
    return *handle;
}

Handle* Lane::try_lend(const Request& request) {
    std::unique_lock lock{mutex_};
    if (!open_for_new_ || !line_.empty() || !has_room()) return nullptr;
    Handle& handle = pick_handle(platform::this_thread());
    const auto now = Clock::now();
    assign(handle, request, {platform::this_thread(), platform::this_system_thread(), now}, now);
    lock.unlock();
    if (!handle.is_open()) open(handle, request);
    handle.begin_lease(request.at);
    return &handle;
}

/// The one that this thread used last, whose content is near its processor; else the last used of all, else a place to
/// open one at.
Handle& Lane::pick_handle(std::uint64_t thread) {
    auto& from = !idle_.empty() ? idle_ : vacant_;
    if (from.empty()) return make_place();
    const auto own = std::find_if(from.rbegin(), from.rend(),
                                  [thread](const Handle* handle) { return handle->info.thread == thread; });
    const auto picked = own == from.rend() ? std::prev(from.end()) : std::prev(own.base());
    Handle& handle = **picked;
    from.erase(picked);
    return handle;
}

/// With room in every list that it can stand in, so that moving it between them cannot fail.
Handle& Lane::make_place() {
    auto place = std::make_unique<Handle>(recipe_);
    const auto count = places_.size() + 1;
    for (auto* list : {&vacant_, &idle_, &held_})
        if (list->capacity() < count) list->reserve(2 * count);
    places_.push_back(std::move(place));
    return *places_.back();
}

void Lane::assign(Handle& handle, const Request& request, const Taker& taker, Clock::time_point now) {
    handle.info.at = request.at;
    handle.info.label = request.label;
    handle.info.thread = taker.thread;
    handle.info.system_thread = taker.system_thread;
    handle.info.since = now;
    handle.info.wait_until = request.end(taker.since);
    if (taker.thread != turn_owner_ || line_.empty()) {
        turn_owner_ = taker.thread;
        turn_end_ = now + turn + waking;
        turn_leases_ = 0;
    }
    ++turn_leases_;
    handle.info.warned = false;
    handle.info.shares = request.shares;
    handle.interrupt().reopen();
    held_.push_back(&handle);
    ++counters_.lent;
}

void Lane::open(Handle& handle, const Request& request) {
    try {
        handle.open(handle.info.wait_until, request.stop, request.at);
    } catch (...) {
        std::unique_lock lock{mutex_};
        std::erase(held_, &handle);
        vacant_.push_back(&handle);
        serve_line();  // the next in line may have more luck, or learns the same
        note_emptied();
        throw;
    }
    const std::lock_guard lock{mutex_};
    ++counters_.opened;
    handle.info.jitter = std::uniform_real_distribution{-0.1, 0.1}(random_);
}

Handle& Lane::wait_in_line(std::unique_lock<std::mutex>& lock, const Request& request) {
    if (line_.size() >= static_cast<std::size_t>(limits_.max_waiters)) {
        ++counters_.rejections;
        refuse(Refusal::Why::saturated);
    }
    Waiter waiter{.request = request,
                  .thread = platform::this_thread(),
                  .system_thread = platform::this_system_thread(),
                  .since = Clock::now()};
    line_.push_back(&waiter);
    ++counters_.queued;
    const bool awake = line_.size() == 1 && takes_turns() && turn_owner_ == platform::this_thread();
    lock.unlock();
    try {
        const auto ring = sleep_unless_ring(waiter, awake);
        if (Handle* handle = waiter.handle.load(std::memory_order_acquire)) return *handle;
        const std::lock_guard again{mutex_};
        if (waiter.handle == nullptr) refuse_waiter(waiter, ring);
        return *waiter.handle;
    } catch (...) {
        leave_line(waiter);
        throw;
    }
}

/// Whatever was thrown: who stays in the line would be handed a handle when it is long gone.
void Lane::leave_line(Waiter& waiter) noexcept {
    const std::lock_guard lock{mutex_};
    if (Handle* handle = waiter.handle) {  // at the last moment
        std::erase(held_, handle);
        (handle->is_open() ? idle_ : vacant_).push_back(handle);
    } else {
        std::erase(line_, &waiter);
    }
    serve_line();
    call_front();
    note_emptied();
}

/// Returns when the waiter was served, refused or has waited enough; or at once with the ring that waiting would close.
/// Called and left without the mutex: the graph's comes before it, and a stop callback that runs must be able to take
/// it.
std::string Lane::sleep_unless_ring(Waiter& waiter, bool awake) {
    if (!Held::any()) {
        sleep_until_settled(waiter, false, awake);
        return {};
    }
    struct Leave {
        std::uint64_t thread;
        ~Leave() { WaitGraph::instance().leave(thread); }
    } leave{waiter.thread};
    sleep_until_settled(waiter, true, false);  // whether there is a ring shows when the lane lends again
    auto ring = WaitGraph::instance().enter(waiter.thread, *this);
    if (ring.empty()) sleep_until_settled(waiter, false, false);
    return ring;
}

void Lane::sleep_until_settled(Waiter& waiter, bool or_lending, bool awake) {
    const std::stop_callback wake_on_stop{waiter.request.stop, [this, &waiter] {
                                              const std::lock_guard lock{mutex_};
                                              waiter.wake.notify_one();
                                          }};
    const auto until = waiter.request.end(waiter.since);
    for (;;) {
        if (awake && spin_until([&] { return waiter.handle.load(std::memory_order_acquire) != nullptr; })) return;
        std::unique_lock lock{mutex_};
        const auto settled = [&] {
            return waiter.handle != nullptr || waiter.refused || waiter.request.stop.stop_requested() ||
                   (or_lending && !is_held_back());
        };
        const auto settled_or_called = [&] { return settled() || waiter.called; };
        if (settled()) return;  // and may stand in the line no more
        const auto now = Clock::now();
        waiter.has_timer = line_.front() == &waiter && turn_is_on(now);
        if (!waiter.has_timer) serve_line();
        if (settled() || now >= until) return;
        const auto wake_at = waiter.has_timer ? std::min(until, turn_end_) : until;
        waiter.asleep = true;
        if (wake_at == Clock::time_point::max())
            waiter.wake.wait(lock, settled_or_called);
        else
            waiter.wake.wait_until(lock, wake_at, settled_or_called);
        waiter.asleep = false;
        awake = std::exchange(waiter.called, false);
    }
}

bool Lane::leases_are_short() const noexcept {
    constexpr std::chrono::microseconds short_lease{50};
    static const bool can_run_beside = std::thread::hardware_concurrency() > 1;
    return can_run_beside && is_for_one() && usual_hold_ < short_lease;
}

bool Lane::takes_turns() const noexcept { return recipe_.group_max == 1 && leases_are_short(); }

bool Lane::turn_is_on(Clock::time_point now) const noexcept {
    return takes_turns() && turn_leases_ < leases_of_turn && now < turn_end_;
}

bool Lane::may_go_on(const Request& request, Clock::time_point now) const noexcept {
    return turn_owner_ == platform::this_thread() && turn_is_on(now) && habits_.is_short(request.at);
}

void Lane::call_front() noexcept {
    if (line_.empty() || !leases_are_short()) return;
    Waiter& front = *line_.front();
    front.called = true;
    if (front.asleep) front.wake.notify_one();
}

void Lane::refuse_waiter(Waiter& waiter, const std::string& ring) {
    Refusal refusal{.why = Refusal::Why::timeout,
                    .waited = Clock::now() - waiter.since,
                    .lane = report_locked(&waiter),
                    .ring = ring};
    if (!ring.empty())
        refusal.why = Refusal::Why::deadlock;
    else if (waiter.refused)
        refusal.why = Refusal::Why::closed;
    else if (waiter.request.stop.stop_requested())
        refusal.why = Refusal::Why::cancelled;
    counters_.timeouts += refusal.why == Refusal::Why::timeout ? 1 : 0;
    counters_.cancelled += refusal.why == Refusal::Why::cancelled ? 1 : 0;
    counters_.deadlocks += refusal.why == Refusal::Why::deadlock ? 1 : 0;
    throw refusal;
}

void Lane::refuse(Refusal::Why why) { throw Refusal{.why = why, .waited = {}, .lane = report_locked(), .ring = {}}; }

/// Hands what is free to those in front. The handle is theirs from here on, awake or not.
void Lane::serve_line() {
    while (!line_.empty() && has_room()) {
        Waiter& next = *line_.front();
        if ((!next.asleep || next.has_timer || next.called) && turn_is_on(Clock::now())) {
            // Left to who has the turn. The next one comes by itself when that does not come back.
            if (turn_leases_ == leases_of_turn - called_before_end) call_front();
            return;
        }
        line_.pop_front();
        give(pick_handle(next.thread), next);
    }
}

void Lane::give(Handle& handle, Waiter& waiter) {
    const auto now = Clock::now();
    assign(handle, waiter.request, {waiter.thread, waiter.system_thread, waiter.since}, now);
    counters_.wait.add(now - waiter.since);
    const bool asleep = waiter.asleep;
    waiter.handle.store(&handle, std::memory_order_release);
    if (asleep) waiter.wake.notify_one();  // it cannot leave without the mutex
    call_front();
}

/// For the counters; the handle stays among those held.
Returned Lane::end_lease(Handle& handle, Clock::time_point now) noexcept {
    const Returned returned{.held = now - handle.info.since, .warned = handle.info.warned};
    count(handle.take_counts(), returned.held);
    usual_hold_ += (returned.held - usual_hold_) / 8;
    if (turn_leases_ == 1) turn_end_ = now + turn;
    if (is_for_one())
        habits_.note(handle.info.at, handle.info.shares ? handle.closure_took() : returned.held, recipe_.group_window);
    return returned;
}

std::optional<Returned> Lane::hand_on(Handle& handle) noexcept {
    const auto lock = lock_soon(mutex_);
    if (line_.empty() || paused_) return std::nullopt;
    Waiter& next = *line_.front();
    if (!next.request.shares || !habits_.is_short(next.request.at)) return std::nullopt;
    const auto returned = end_lease(handle, Clock::now());
    line_.pop_front();
    std::erase(held_, &handle);
    give(handle, next);
    return returned;
}

Returned Lane::give_back(Handle& handle, bool keep) noexcept {
    const auto now = Clock::now();
    auto lock = lock_soon(mutex_);
    const auto returned = end_lease(handle, now);
    // What is held now need not count: were it closed for that, a steady crowd above `max` would open and close all day.
    const bool spare = static_cast<int>(idle_.size()) >= limits_.max && line_.empty();
    const bool old = too_old(handle, now);
    if (!keep) ++counters_.replaced;
    if (keep && old) ++counters_.recycled;
    if (!keep || old || spare || close_returning_) {
        close_and_vacate(handle, lock);
    } else {
        std::erase(held_, &handle);
        handle.info.since = now;
        idle_.push_back(&handle);
    }
    serve_line();
    note_emptied();
    return returned;
}

void Lane::count(const HandleCounts& counts, std::chrono::nanoseconds held) noexcept {
    counters_.hold.add(held);
    counters_.commits += counts.commits;
    counters_.groups += counts.groups;
    counters_.largest_group = std::max(counters_.largest_group, counts.largest_group);
    counters_.rollbacks += counts.rollbacks;
    counters_.cache_hits += counts.cache.hits;
    counters_.cache_misses += counts.cache.misses;
    counters_.cache_evictions += counts.cache.evictions;
    counters_.busy_waits += counts.busy_waits;
}

/// Closing can take time and I/O, so it happens outside the mutex; until then the handle counts as held.
void Lane::close_and_vacate(Handle& handle, std::unique_lock<std::mutex>& lock) noexcept {
    lock.unlock();
    handle.close();
    lock.lock();
    ++counters_.closed;
    std::erase(held_, &handle);
    vacant_.push_back(&handle);
}

bool Lane::too_old(const Handle& handle, Clock::time_point now) const {
    if (!handle.is_open()) return false;
    const std::chrono::duration<double> age = now - handle.opened_at();
    return age >= std::chrono::duration<double>(limits_.max_lifetime) * (1.0 + handle.info.jitter);
}

void Lane::configure(const PoolLimits& limits) {
    std::unique_lock lock{mutex_};
    limits_ = limits;
    serve_line();
    while (static_cast<int>(idle_.size()) > limits_.max) close_oldest_idle(lock);
}

PoolLimits Lane::limits() const {
    const std::lock_guard lock{mutex_};
    return limits_;
}

std::optional<Blocked> Lane::blocked(std::uint64_t thread) const {
    const std::lock_guard lock{mutex_};
    const auto waiter = std::ranges::find(line_, thread, &Waiter::thread);
    if (waiter == line_.end() || is_held_back()) return std::nullopt;
    Blocked blocked{.lane = name_ + " of " + recipe_.name, .at = (*waiter)->request.at, .holders = {}};
    for (const Handle* handle : held_) blocked.holders.push_back({handle->info.thread, handle->info.at});
    return blocked;
}

}  // namespace sqlane::detail
