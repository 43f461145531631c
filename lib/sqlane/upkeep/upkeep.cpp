#include "upkeep/upkeep.hpp"

#include "handle/error_translation.hpp"
#include "lanes/lease.hpp"
#include "watch/text.hpp"

#include <sqlane/errors.hpp>

#include <algorithm>
#include <exception>
#include <source_location>
#include <stop_token>
#include <utility>

namespace sqlane::detail {
namespace {

using std::chrono::milliseconds;

/// While a handle is in use the thread looks this often at the most.
constexpr milliseconds longest_nap{1000};
constexpr milliseconds shortest_nap{10};

}  // namespace

Upkeep::Upkeep(Lane& readers, Lane& writer, Warnings& warnings, const OpenRecipe& recipe, const Options& options)
    : readers_(readers), writer_(writer), warnings_(warnings), recipe_(recipe), options_(options) {}

Upkeep::~Upkeep() { stop(); }

void Upkeep::start() {
    thread_ = std::thread{[this] { run(); }};
}

void Upkeep::stop() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
        wake_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
}

void Upkeep::wake() {
    const std::lock_guard lock{mutex_};
    asleep_.store(false, std::memory_order_relaxed);
    woken_ = true;
    wake_.notify_one();
}

void Upkeep::watch_deadline(Clock::time_point deadline) {
    const std::lock_guard lock{mutex_};
    if (deadline >= next_deadline_) return;
    next_deadline_ = deadline;
    woken_ = true;
    wake_.notify_one();
}

void Upkeep::note_log(const Connection& writer) {
    const auto bytes = std::int64_t{writer.wal_frames()} * writer.page_size();
    const auto before = log_bytes_.exchange(bytes, std::memory_order_relaxed);
    // A log that shrank was begun anew.
    if (bytes < before) log_bytes_done_.store(0, std::memory_order_relaxed);
    if (bytes > options_.wal_soft_limit && before <= options_.wal_soft_limit) wake();
}

void Upkeep::run() {
    std::unique_lock lock{mutex_};
    while (!stopping_) {
        // Before the look at the lanes: a handle lent after it finds the thread asleep and wakes it.
        asleep_.store(true, std::memory_order_relaxed);
        woken_ = false;
        next_deadline_ = Clock::time_point::max();
        lock.unlock();
        const auto next = guarded_round();
        lock.lock();
        if (next != Clock::time_point::max()) asleep_.store(false, std::memory_order_relaxed);
        const auto due = [this] { return stopping_ || woken_; };
        const auto until = std::min(next, next_deadline_);
        if (until == Clock::time_point::max())
            wake_.wait(lock, due);
        else
            wake_.wait_until(lock, until, due);
    }
}

/// Out of memory, say, must not end the program from a thread that nobody watches.
Clock::time_point Upkeep::guarded_round() noexcept {
    try {
        return round(Clock::now());
    } catch (const std::exception& error) {
        warn(error.what());
        return Clock::now() + longest_nap;
    }
}

Clock::time_point Upkeep::round(Clock::time_point now) {
    const bool busy = readers_.in_use() || writer_.in_use();
    auto next = std::min(readers_.interrupt_expired(now), writer_.interrupt_expired(now));
    warn_of_long_leases(readers_, now);
    warn_of_long_leases(writer_, now);
    readers_.reap(now);
    if (checkpoint_due(busy)) checkpoint_under_writer();
    const bool log_pending =
        log_bytes_.load(std::memory_order_relaxed) > log_bytes_done_.load(std::memory_order_relaxed);
    if (!busy && !log_pending && !readers_.has_idle_above_minimum()) return next;
    const auto nap = std::clamp(std::min({options_.leak_after, readers_.limits().idle_timeout, longest_nap}) / 2,
                                shortest_nap, longest_nap);
    return std::min(next, Clock::now() + nap);
}

void Upkeep::warn_of_long_leases(Lane& lane, Clock::time_point now) {
    for (const auto& holder : lane.newly_older_than(options_.leak_after, now))
        warnings_.add(
            {.kind = Warning::Kind::held_long,
             .message = "still held after " + duration_text(options_.leak_after) + ":" + holders_text({holder}),
             .at = holder.at,
             .label = holder.label});
}

/// Above the limit at once; below it when nobody needs a handle, so that a quiet database has a short log.
bool Upkeep::checkpoint_due(bool busy) const noexcept {
    const auto bytes = log_bytes_.load(std::memory_order_relaxed);
    if (bytes <= log_bytes_done_.load(std::memory_order_relaxed)) return false;
    return bytes > options_.wal_soft_limit || !busy;
}

void Upkeep::checkpoint_under_writer() {
    static const std::stop_token nobody{};
    const auto here = std::source_location::current();
    const Request request{.at = here, .label = "checkpoint", .deadline = Clock::now() + longest_nap, .stop = nobody};
    try {
        const Lease lease{writer_, warnings_, request};
        checkpoint_on(lease.handle().connection());
    } catch (const Refusal&) {
        skipped_.fetch_add(1,
                           std::memory_order_relaxed);  // the writer is in use: there will be another round
    } catch (const std::exception& error) {
        skipped_.fetch_add(1, std::memory_order_relaxed);
        warn(error.what());
    }
}

void Upkeep::checkpoint_on(Connection& writer) {
    Patience patience{.wait_until = Clock::now()};  // if another process writes, it will do for another time
    interrupt_.push(patience);
    struct Pop {
        Interrupt& interrupt;
        ~Pop() { interrupt.pop(); }
    } pop{interrupt_};
    if (!second_) second_ = std::make_unique<Connection>(recipe_, interrupt_, watch_);
    const auto result = checkpoint(writer, *second_);
    if (result.outcome == CheckpointResult::Outcome::skipped) {
        skipped_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    if (result.outcome != CheckpointResult::Outcome::done)
        warn(result.outcome == CheckpointResult::Outcome::failed
                 ? "checkpoint failed: " + result.message
                 : "a checkpoint copied more than the log held: another program checkpoints this file "
                   "unsafely; check "
                   "it");
    checkpoints_.fetch_add(1, std::memory_order_relaxed);
    log_bytes_done_.store(std::int64_t{result.frames_checkpointed} * writer.page_size(), std::memory_order_relaxed);
}

void Upkeep::round_without_thread() {
    if (!options_.upkeep_thread) guarded_round();
}

void Upkeep::checkpoint_at_close(Connection& writer) { checkpoint_on(writer); }

void Upkeep::warn(const std::string& message) {
    warnings_.add({.kind = Warning::Kind::checkpoint, .message = recipe_.name + ": " + message, .at = {}, .label = {}});
}

}  // namespace sqlane::detail
