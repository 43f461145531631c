#include "manager.hpp"

#include "watch/text.hpp"

#include <sqlane/errors.hpp>

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>

/// How a manager ends: new calls are refused, accepted ones finish or are interrupted, and nothing is lost.
namespace sqlane {

using namespace detail;  // NOLINT(google-build-using-namespace): the door is where the rooms meet

namespace {

/// What SQLite runs stops within milliseconds; this is for the closure's own code to notice.
constexpr std::chrono::milliseconds grace_after_interrupt{500};

}  // namespace

ConnectionManager::~ConnectionManager() {
    // In a forked child the handles belong to the parent; inside a closure of its own they are in use. Either way
    // closing them would do harm, so they are left as they are.
    if (impl_->forked() || Held::innermost(impl_.get()) != nullptr) {
        static_cast<void>(impl_.release());
        return;
    }
    try {
        static_cast<void>(impl_->close(Deadline{impl_->options.close_timeout}.at()));
    } catch (const std::exception& error) {
        impl_->warnings.add_made([&] {
            return Warning{.kind = Warning::Kind::checkpoint,
                           .message = std::string{"closing: "} + error.what(),
                           .at = {},
                           .label = {}};
        });
    }
    impl_->wait_until_empty(Clock::time_point::max());
    impl_->wait_for_guests();
    impl_->close_handles();  // what stragglers gave back since
}

CloseReport ConnectionManager::close(std::source_location at) {
    return close(Deadline{impl_->options.close_timeout}, at);
}

CloseReport ConnectionManager::close(Deadline deadline, std::source_location at) {
    impl_->require_this_process(at);
    if (const Held* inside = Held::innermost(impl_.get()))
        throw UsageError{impl_->writer_recipe.name + ": close at " + place_and_function(at) +
                             " was called inside the closure at " + place_and_function(inside->at()) +
                             ", which it would wait for; call it after that",
                         at};
    if (impl_->upkeep.is_this_thread() || impl_->checkpointer.is_this_thread())
        throw UsageError{impl_->writer_recipe.name + ": close at " + place_and_function(at) +
                             " was called from on_warning on a thread of the manager's own; tell another thread to",
                         at};
    return impl_->close(deadline.is_set() ? deadline.at() : Clock::time_point::max());
}

/// Refuse new calls; let accepted ones finish; at the deadline send away those in line and interrupt those who run;
/// then checkpoint, and close what was given back.
CloseReport ConnectionManager::Impl::close(Clock::time_point deadline) {
    const auto begun = Clock::now();
    CloseReport report;
    readers.refuse_new();
    writer.refuse_new();
    closed.store(true, std::memory_order_relaxed);
    if (!wait_until_empty(deadline)) {
        report.refused = readers.refuse_waiting() + writer.refuse_waiting();
        report.interrupted = interrupt_until_empty(Clock::now() + grace_after_interrupt);
    }
    close_handles();
    report.still_held = readers.report().holders;
    for (auto& holder : writer.report().holders) report.still_held.push_back(std::move(holder));
    report.complete = report.still_held.empty();
    report.wal_bytes = platform::file_size(log_path());
    report.took = Clock::now() - begun;
    return report;
}

/// An interrupt that comes between two statements is lost, so it is sent again.
std::size_t ConnectionManager::Impl::interrupt_until_empty(Clock::time_point end) {
    constexpr std::chrono::milliseconds between_interrupts{10};
    const auto interrupted = readers.interrupt_all() + writer.interrupt_all();
    while (!wait_until_empty(std::min(end, Clock::now() + between_interrupts)) && Clock::now() < end) {
        readers.interrupt_all();
        writer.interrupt_all();
    }
    return interrupted;
}

void ConnectionManager::Impl::close_handles() {
    // An observer of the warnings that this gives may call close() itself.
    if (closer.load(std::memory_order_relaxed) == std::this_thread::get_id()) return;
    const std::lock_guard one_at_a_time{closing};
    closer.store(std::this_thread::get_id(), std::memory_order_relaxed);
    const AtEnd nobody{[this] { closer.store({}, std::memory_order_relaxed); }};
    checkpointer.stop();
    upkeep.stop();
    readers.close_idle();
    if (!writer.in_use()) close_writer();
}

bool ConnectionManager::Impl::wait_until_empty(Clock::time_point deadline) {
    return readers.wait_until_empty(deadline) && writer.wait_until_empty(deadline);
}

/// A call touches the manager for a moment after it has given its handle back, or was sent away from the line.
void ConnectionManager::Impl::wait_for_guests() const {
    while (guests.load(std::memory_order_acquire) != 0) std::this_thread::sleep_for(std::chrono::milliseconds{1});
}

/// The last connection of all processes to close removes the log; until then a checkpoint brings its content home.
void ConnectionManager::Impl::close_writer() {
    try {
        bool open = false;
        writer.with_idle([&](Handle& handle) {
            open = true;
            checkpointer.run_at_close(handle.connection());
        });
        // Replaced after its last call, and nobody has needed a new one. Once: the file may be gone since.
        if (!open && !brought_home) checkpointer.run_at_close();
        brought_home = true;
    } catch (const std::exception& error) {
        warnings.add_made([&] {
            return Warning{.kind = Warning::Kind::checkpoint,
                           .message = writer_recipe.name + ": no checkpoint at close: " + error.what() +
                                      "; what was committed is in the -wal file, keep it beside the database",
                           .at = {},
                           .label = {}};
        });
    }
    writer.close_idle();
}

}  // namespace sqlane
