#include <sqlane/connection_manager.hpp>

#include "handle/platform.hpp"
#include "handle/scopes.hpp"
#include "lanes/held.hpp"
#include "lanes/lease.hpp"
#include "lanes/refusal.hpp"
#include "upkeep/checkpointer.hpp"
#include "upkeep/upkeep.hpp"
#include "watch/health.hpp"
#include "watch/text.hpp"
#include "watch/warnings.hpp"

#include <sqlane/errors.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <functional>
#include <limits>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace sqlane {

using namespace detail;  // NOLINT(google-build-using-namespace): the door is where the rooms meet

namespace {

/// What SQLite runs stops within milliseconds; this is for the closure's own code to notice.
constexpr std::chrono::milliseconds grace_after_interrupt{500};

OpenRecipe recipe_for(Role role, const std::filesystem::path& file, const Options& options) {
    return {.path = platform::utf8(file),
            .name = platform::utf8(file.filename()),
            .vfs = options.vfs,
            .role = role,
            .synchronous = options.synchronous,
            .cache_kib = options.cache_kib,
            .statement_cache = options.statement_cache};
}

/// The writer lane is a lane of one handle, which stays open: the last handle to close would end the log.
PoolLimits one_handle(const PoolLimits& limits) {
    return {.min_idle = 1,
            .max = 1,
            .overflow = 0,
            .max_waiters = limits.max_waiters,
            .idle_timeout = std::chrono::milliseconds::max(),
            .max_lifetime = std::chrono::milliseconds::max()};
}

using Hooks = std::vector<std::function<void()>>;

template <class F>
class AtEnd {
public:
    explicit AtEnd(F what) : what_(std::move(what)) {}
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;
    ~AtEnd() { what_(); }

private:
    F what_;
};

/// A call that is not nested, from its first look at the manager to its last.
class Guest {
public:
    explicit Guest(std::atomic<int>& guests) : guests_(guests) { guests_.fetch_add(1, std::memory_order_relaxed); }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest() { guests_.fetch_sub(1, std::memory_order_release); }

private:
    std::atomic<int>& guests_;
};

}  // namespace

class ConnectionManager::Impl {
public:
    Impl(std::unique_ptr<platform::PrivateFolder> folder_given, const std::filesystem::path& path,
         Options options_given, const std::source_location& at);
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() = default;

    void require_this_process(const std::source_location& at) const;
    [[nodiscard]] bool forked() const noexcept { return generation != platform::process_generation(); }
    Clock::time_point wait_until(const Call& call) const;
    /// Lends, or throws what the caller of the verb is to see.
    Lease lend(Lane& lane, const Request& request);
    void watch_over(const Call& call);
    void on_writer(const Call& call, const std::source_location& at, Verb verb, FunctionRef<void(Handle&)> body);
    void require_no_reader(const Held& outer, Verb verb, const std::source_location& at) const;
    static void run(const Hooks& hooks);
    void run_quietly(const Hooks& hooks, const std::source_location& at) noexcept;
    [[nodiscard]] Report report() const;
    CloseReport close(Clock::time_point deadline);
    std::size_t interrupt_until_empty(Clock::time_point end);
    void close_handles();
    bool wait_until_empty(Clock::time_point deadline);
    void wait_for_guests() const;
    void close_writer();
    [[nodiscard]] std::filesystem::path log_path() const { return file.path().string() + "-wal"; }

    const Options options;
    const std::unique_ptr<platform::PrivateFolder> folder;
    const platform::ClaimedFile file;
    const OpenRecipe reader_recipe;
    const OpenRecipe writer_recipe;
    const std::uint64_t generation = platform::process_generation();
    Warnings warnings;
    Lane readers;
    Lane writer;
    Checkpointer checkpointer;
    Upkeep upkeep;
    std::mutex closing;
    std::atomic<std::thread::id> closer{};
    std::atomic<bool> closed{false};
    std::atomic<int> guests{0};
};

ConnectionManager::Impl::Impl(std::unique_ptr<platform::PrivateFolder> folder_given, const std::filesystem::path& path,
                              Options options_given, const std::source_location& at)
    : options(std::move(options_given)),
      folder(std::move(folder_given)),
      file(path),
      reader_recipe(recipe_for(Role::reader, file.path(), options)),
      writer_recipe(recipe_for(Role::writer, file.path(), options)),
      warnings(options.on_warning),
      readers("readers", reader_recipe, options.readers),
      writer("writer", writer_recipe, one_handle(options.readers)),
      checkpointer(readers, writer, warnings, writer_recipe, options),
      upkeep(readers, writer, warnings, options) {
    // The writer comes first: it finds out whether the file can be used, and gives it its log.
    const Call call{.label = "open"};
    const Request request{.at = at, .label = call.label, .deadline = wait_until(call), .stop = call.stop};
    { const Lease first{writer, warnings, request}; }
    if (!options.upkeep_thread) return;
    checkpointer.start();
    upkeep.start();
}

void ConnectionManager::Impl::require_this_process(const std::source_location& at) const {
    if (forked())
        throw UsageError{writer_recipe.name +
                             ": the manager was made before this process was forked; SQLite's locks do not "
                             "survive a fork, so make managers after it, or run a program of its own in the child",
                         at};
}

Clock::time_point ConnectionManager::Impl::wait_until(const Call& call) const {
    return call.deadline.is_set() ? call.deadline.at() : Deadline{options.timeout}.at();
}

Lease ConnectionManager::Impl::lend(Lane& lane, const Request& request) {
    try {
        return Lease{lane, warnings, request};
    } catch (Refusal& refusal) {
        throw_refusal(std::move(refusal), report(), request);
    }
}

/// When the handle is lent and shows the deadline: told sooner, upkeep would look, find neither, and sleep on.
void ConnectionManager::Impl::watch_over(const Call& call) {
    upkeep.note_use();
    if (call.deadline.is_set()) upkeep.watch_deadline(call.deadline.at());
}

Report ConnectionManager::Impl::report() const {
    return {.database = writer_recipe.name,
            .writer = writer.report(),
            .readers = readers.report(),
            .warnings = warnings.latest()};
}

ConnectionManager::ConnectionManager(const std::filesystem::path& file, Options options) {
    options.validate();
    impl_ = std::make_unique<Impl>(nullptr, file, std::move(options), std::source_location{});
}

/// A write-ahead log file on a RAM disk and no flushes: it behaves as a file does, with all its lanes. SQLite's own
/// ":memory:" is one database per handle, its shared cache returns LOCKED at once, and memdb starves readers
/// (measured).
ConnectionManager::ConnectionManager(InMemory /*tag*/, Options options) {
    options.synchronous = Synchronous::off;
    options.validate();
    auto folder = std::make_unique<platform::PrivateFolder>();
    const auto file = folder->path() / "memory.db";
    impl_ = std::make_unique<Impl>(std::move(folder), file, std::move(options), std::source_location{});
}

ConnectionManager ConnectionManager::in_memory(Options options) {
    return ConnectionManager{InMemory{}, std::move(options)};
}

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
        impl_->warnings.add({.kind = Warning::Kind::checkpoint,
                             .message = std::string{"closing: "} + error.what(),
                             .at = {},
                             .label = {}});
    }
    impl_->wait_until_empty(Clock::time_point::max());
    impl_->wait_for_guests();
    impl_->close_handles();  // what stragglers gave back since
}

void ConnectionManager::read(const Call& call, const std::source_location& at, FunctionRef<void(Reader&)> body) {
    impl_->require_this_process(at);
    const auto wait_until = impl_->wait_until(call);
    if (const Held* outer = Held::innermost(impl_.get())) {
        Handle& handle = outer->handle();
        const Visit visit{impl_.get(), handle, Verb::execute, call, at, wait_until, impl_->options.timeout};
        impl_->watch_over(call);
        // In execute_mut there is none yet, but for the one that a statement which writes, and is being read, is in.
        std::optional<Snapshot> own;
        if (!handle.connection().in_transaction() && !handle.has_open_write()) own.emplace(handle);
        body(handle.reader());
        return;
    }
    const Guest guest{impl_->guests};
    {
        const Request request{.at = at, .label = call.label, .deadline = wait_until, .stop = call.stop};
        const Lease lease = impl_->lend(impl_->readers, request);
        const Visit visit{impl_.get(), lease.handle(), Verb::execute, call, at, wait_until, impl_->options.timeout};
        impl_->watch_over(call);
        const Snapshot snapshot{lease.handle()};
        body(lease.handle().reader());
    }
    impl_->upkeep.round_without_thread();
    impl_->checkpointer.run_without_thread();
}

void ConnectionManager::write(const Call& call, const std::source_location& at, FunctionRef<void(Writer&)> body) {
    impl_->on_writer(call, at, Verb::execute_mut, [&](Handle& handle) { body(handle.writer()); });
}

void ConnectionManager::transact(const Call& call, const std::source_location& at,
                                 FunctionRef<void(Transaction&)> body) {
    impl_->on_writer(call, at, Verb::transaction, [&](Handle& handle) {
        const auto run_in = [&](auto scope_type) {
            typename decltype(scope_type)::type scope{handle};
            body(handle.transaction());
            scope.commit();
        };
        if (handle.depth() > 0)
            run_in(std::type_identity<SavepointScope>{});
        else
            run_in(std::type_identity<TransactionScope>{});
    });
}

/// Runs `body` on the writer handle: this thread's own when it is in a closure already, else one from the lane.
void ConnectionManager::Impl::on_writer(const Call& call, const std::source_location& at, Verb verb,
                                        FunctionRef<void(Handle&)> body) {
    require_this_process(at);
    const auto until = wait_until(call);
    if (const Held* outer = Held::innermost(this)) {
        require_no_reader(*outer, verb, at);
        const Visit visit{this, outer->handle(), verb, call, at, until, options.timeout};
        watch_over(call);
        body(outer->handle());
        return;
    }
    Hooks hooks;
    std::optional<Guest> guest{guests};
    try {
        const Request request{.at = at, .label = call.label, .deadline = until, .stop = call.stop};
        const Lease lease = lend(writer, request);
        const AtEnd collect{[&] {
            hooks = lease.handle().take_committed();
            checkpointer.note_log(lease.handle().connection());
        }};
        const Visit visit{this, lease.handle(), verb, call, at, until, options.timeout};
        watch_over(call);
        body(lease.handle());
    } catch (...) {
        run_quietly(hooks, at);  // of transactions inside an execute_mut that failed later: they are committed
        throw;
    }
    upkeep.round_without_thread();
    checkpointer.run_without_thread();
    guest.reset();  // what follows may destroy the manager
    run(hooks);
}

void ConnectionManager::Impl::require_no_reader(const Held& outer, Verb verb, const std::source_location& at) const {
    if (outer.verb() != Verb::execute) return;
    const char* name = verb == Verb::transaction ? "transaction" : "execute_mut";
    throw UsageError{writer_recipe.name + ": " + name + " at " + place_and_function(at) +
                         " was called inside execute at " + place_and_function(outer.at()) +
                         ", whose reader cannot become a writer; make the outer call a transaction",
                     at};
}

/// All of them run, whatever one of them throws; the caller sees the first exception.
void ConnectionManager::Impl::run(const Hooks& hooks) {
    std::exception_ptr first;
    for (const auto& hook : hooks) {
        try {
            hook();
        } catch (...) {
            if (!first) first = std::current_exception();
        }
    }
    if (first) std::rethrow_exception(first);
}

/// While another exception is on its way to the caller.
void ConnectionManager::Impl::run_quietly(const Hooks& hooks, const std::source_location& at) noexcept {
    const auto warn = [&](const char* what) {
        warnings.add({.kind = Warning::Kind::observer_failed,
                      .message = std::string{"an on_commit function failed: "} + what,
                      .at = at,
                      .label = {}});
    };
    try {
        run(hooks);
    } catch (const std::exception& error) {
        warn(error.what());
    } catch (...) {
        warn("not a std::exception");
    }
}

void ConnectionManager::configure(const PoolLimits& limits) {
    impl_->require_this_process({});
    validate(limits);
    impl_->readers.configure(limits);
    impl_->writer.configure(one_handle(limits));
    impl_->upkeep.note_use();
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
        writer.with_idle([this](Handle& handle) { checkpointer.run_at_close(handle.connection()); });
    } catch (const std::exception& error) {
        warnings.add({.kind = Warning::Kind::checkpoint,
                      .message = writer_recipe.name + ": no checkpoint at close: " + error.what() +
                                 "; what was committed is in the -wal file, keep it beside the database",
                      .at = {},
                      .label = {}});
    }
    writer.close_idle();
}

Report ConnectionManager::report() const {
    impl_->require_this_process({});
    return impl_->report();
}

Stats ConnectionManager::stats() const {
    // A thread that is not here any more may have held the mutex that this would wait for.
    impl_->require_this_process({});
    return {.database = impl_->writer_recipe.name,
            .writer = impl_->writer.stats(),
            .readers = impl_->readers.stats(),
            .wal_bytes = platform::file_size(impl_->log_path()),
            .checkpoints = impl_->checkpointer.done(),
            .checkpoints_skipped = impl_->checkpointer.skipped(),
            .warnings = impl_->warnings.count(),
            .sqlite_memory = sqlite_memory_used()};
}

Health ConnectionManager::health() const {
    return assess(stats(), impl_->writer.limits().max_waiters, impl_->closed.load(std::memory_order_relaxed));
}

Options ConnectionManager::options() const {
    impl_->require_this_process({});
    Options options = impl_->options;
    options.readers = impl_->readers.limits();
    return options;
}

const std::filesystem::path& ConnectionManager::path() const noexcept { return impl_->file.path(); }

}  // namespace sqlane
