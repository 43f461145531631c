#include "upkeep/checkpointer.hpp"

#include "lanes/lease.hpp"

#include <chrono>
#include <exception>
#include <optional>
#include <source_location>
#include <string_view>
#include <utility>

namespace sqlane::detail {
namespace {

/// How long a database is left alone before its log is brought home, and how long a log that a reader pins is left.
constexpr std::chrono::milliseconds quiet_time{500};
constexpr std::string_view label = "checkpoint";

/// Overlapping readers can keep a log from beginning anew for ever (measured: 42 MB in 8 s), so above the limit new ones
/// wait until those that are there are done, but no longer than this; and where that was not enough, they are left
/// alone for a while.
constexpr std::chrono::milliseconds longest_window{40};
constexpr std::chrono::seconds between_vain_windows{5};

/// A time without readers.
class Window {
public:
    Window(Lane& readers, Clock::time_point deadline) : readers_(readers), without_readers_(readers.pause(deadline)) {}
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
    ~Window() { readers_.resume(); }
    [[nodiscard]] bool without_readers() const noexcept { return without_readers_; }

private:
    Lane& readers_;
    bool without_readers_;
};

}  // namespace

Checkpointer::Checkpointer(Lane& readers, Lane& writer, Warnings& warnings, const OpenRecipe& recipe,
                           const Options& options)
    : readers_(readers), writer_(writer), warnings_(warnings), recipe_(recipe), options_(options) {}

void Checkpointer::start() {
    thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
}

void Checkpointer::stop() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

bool Checkpointer::is_long() const noexcept {
    return log_bytes_.load(std::memory_order_relaxed) > options_.wal_soft_limit;
}

void Checkpointer::note_log(Connection& writer) {
    if (!writer.take_committed()) return;
    log_bytes_.store(std::int64_t{writer.wal_frames()} * writer.page_size(), std::memory_order_relaxed);
    if (pending_.exchange(true, std::memory_order_relaxed) && !is_long()) return;
    const std::lock_guard lock{mutex_};
    wake_.notify_one();
}

void Checkpointer::run(const std::stop_token& stop) {
    while (wait_until_due(stop)) {
        if (run_in_line(stop)) continue;
        // What could not be brought home yet (a reader pins it, another process writes) is left for a while.
        std::unique_lock lock{mutex_};
        wake_.wait_for(lock, stop, quiet_time, [this] { return !pending_.load(std::memory_order_relaxed); });
    }
}

bool Checkpointer::wait_until_due(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    const auto pending = [this] { return pending_.load(std::memory_order_relaxed); };
    const auto urgent = [this, pending] { return pending() && is_long(); };
    while (wake_.wait(lock, stop, pending) && !stop.stop_requested()) {
        const bool is_urgent = wake_.wait_for(lock, stop, quiet_time, urgent);
        if (stop.stop_requested()) return false;
        if (is_urgent) return true;
        lock.unlock();
        const bool quiet = !readers_.in_use() && !writer_.in_use();
        lock.lock();
        if (quiet && pending()) return true;
    }
    return false;
}

bool Checkpointer::run_in_line(const std::stop_token& stop) {
    const auto here = std::source_location::current();
    const Request request{.at = here, .label = label, .deadline = Clock::time_point::max(), .stop = stop};
    try {
        const Lease lease{writer_, warnings_, request};
        return run_on(lease.handle().connection());
    } catch (const Refusal&) {
        skipped_.fetch_add(1, std::memory_order_relaxed);  // closing: it happens there
    } catch (const std::exception& error) {
        skipped_.fetch_add(1, std::memory_order_relaxed);
        warn(error.what());
    }
    return false;
}

void Checkpointer::run_without_thread() {
    if (options_.upkeep_thread || !pending_.load(std::memory_order_relaxed) || !is_long()) return;
    static const std::stop_token nobody{};
    const auto here = std::source_location::current();
    const Request request{.at = here, .label = label, .deadline = Clock::now(), .stop = nobody};
    try {
        Handle* handle = writer_.try_lend(request);
        if (handle == nullptr) return;  // in use: whoever has it comes by here too
        const Lease lease{writer_, warnings_, request, *handle};
        run_on(lease.handle().connection());
    } catch (const std::exception& error) {
        skipped_.fetch_add(1, std::memory_order_relaxed);
        warn(error.what());
    }
}

void Checkpointer::run_at_close(Connection& writer) {
    run_on(writer);
    second_.reset();
}

void Checkpointer::run_at_close() {
    Connection writer{recipe_, interrupt_, watch_, std::source_location{}};
    run_at_close(writer);
}

bool Checkpointer::run_on(Connection& writer) {
    Patience patience{.wait_until = Clock::now()};  // if another process writes, it will do for another time
    interrupt_.push(patience);
    struct Pop {
        Interrupt& interrupt;
        ~Pop() { interrupt.pop(); }
    } pop{interrupt_};
    if (!second_) second_ = std::make_unique<Connection>(recipe_, interrupt_, watch_, std::source_location{});
    std::optional<Window> window;
    if (is_long() && Clock::now() >= next_window_) window.emplace(readers_, Clock::now() + longest_window);
    if (window && !window->without_readers()) next_window_ = Clock::now() + between_vain_windows;
    readers_.cool(Clock::time_point::max());  // what idle readers see need not be kept
    return checkpoint_now(writer);
}

bool Checkpointer::checkpoint_now(Connection& writer) {
    const auto result = checkpoint(writer, *second_);
    if (result.outcome == CheckpointResult::Outcome::skipped) {
        skipped_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    if (result.outcome == CheckpointResult::Outcome::failed) warn("checkpoint failed: " + result.message);
    if (result.outcome == CheckpointResult::Outcome::race_suspected)
        warn("a checkpoint copied more than the log held: another program checkpoints this file unsafely; check it");
    done_.fetch_add(1, std::memory_order_relaxed);
    log_bytes_.store(std::int64_t{result.frames_in_log} * writer.page_size(), std::memory_order_relaxed);
    const bool incomplete = result.frames_checkpointed < result.frames_in_log;
    pending_.store(incomplete, std::memory_order_relaxed);
    held_up_.store(incomplete, std::memory_order_relaxed);
    return result.outcome == CheckpointResult::Outcome::done && !incomplete;
}

bool Checkpointer::is_checkpoint(const Holder& holder) noexcept {
    return holder.label == label &&
           std::string_view{holder.at.file_name()} == std::source_location::current().file_name();
}

void Checkpointer::warn(const std::string& message) noexcept {
    warnings_.add_made([&] {
        return Warning{
            .kind = Warning::Kind::checkpoint, .message = recipe_.name + ": " + message, .at = {}, .label = {}};
    });
}

}  // namespace sqlane::detail
