#include <sqlane/connection_manager.hpp>

#include "handle/scopes.hpp"
#include "lanes/refusal.hpp"
#include "manager.hpp"
#include "watch/health.hpp"
#include "watch/text.hpp"

#include <sqlane/errors.hpp>

#include <algorithm>
#include <exception>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace sqlane {

using namespace detail;  // NOLINT(google-build-using-namespace): the door is where the rooms meet

namespace {

OpenRecipe recipe_for(Role role, const std::filesystem::path& file, const Options& options) {
    return {.path = platform::utf8(file),
            .name = platform::utf8(file.filename()),
            .vfs = options.vfs,
            .role = role,
            .synchronous = options.synchronous,
            .cache_kib = options.cache_kib,
            .statement_cache = options.statement_cache,
            .log_limit = options.wal_soft_limit,
            // Without the thread nobody would end it, and the writer's ends with its call.
            .snapshot_idle =
                role == Role::reader && options.upkeep_thread ? options.snapshot_idle : std::chrono::milliseconds{},
            // Otherwise there is no flush to share, and a commit of one's own is the sooner one.
            .group_max = options.synchronous >= Synchronous::full ? options.group_max : 1,
            .group_window = options.group_window};
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

}  // namespace

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
    const auto request = request_of(call, at);
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

Request ConnectionManager::Impl::request_of(const Call& call, const std::source_location& at) const noexcept {
    return {.at = at, .label = call.label, .deadline = call.deadline, .timeout = options.timeout, .stop = call.stop};
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
    Report report{.database = writer_recipe.name,
                  .writer = writer.report(),
                  .readers = readers.report(),
                  .wal_bytes = platform::file_size(log_path()),
                  .wal_pinned_by = {},
                  .warnings = warnings.latest()};
    const auto& holders = report.readers.holders;
    const auto oldest = std::ranges::max_element(holders, {}, &Holder::held);
    if (oldest != holders.end() && checkpointer.is_held_up()) report.wal_pinned_by = *oldest;
    return report;
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

void ConnectionManager::read(const Call& call, const std::source_location& at, FunctionRef<void(Reader&)> body) {
    impl_->require_this_process(at);
    if (const Held* outer = Held::innermost(impl_.get())) {
        Handle& handle = outer->handle();
        const Visit visit{impl_.get(), handle, Verb::execute, call, at, impl_->options.timeout};
        impl_->watch_over(call);
        // In execute_mut there is none yet, but for the one that a statement which writes, and is being read, is in.
        std::optional<Snapshot> own;
        if (!handle.connection().in_transaction() && !handle.has_open_write()) own.emplace(handle);
        body(handle.reader());
        return;
    }
    const Guest guest{impl_->guests};
    {
        const auto request = impl_->request_of(call, at);
        const Lease lease = impl_->lend(impl_->readers, request);
        const Visit visit{impl_.get(), lease.handle(), Verb::execute, call, at, impl_->options.timeout};
        impl_->watch_over(call);
        Snapshot snapshot{lease.handle()};
        body(lease.handle().reader());
        snapshot.keep();
    }
    impl_->upkeep.round_without_thread();
    impl_->checkpointer.run_without_thread();
}

void ConnectionManager::write(const Call& call, const std::source_location& at, FunctionRef<void(Writer&)> body) {
    impl_->on_writer(call, at, Verb::execute_mut, [&](Handle& handle) {
        if (handle.depth() == 0) handle.connection().turn().give_way(handle.info.since);
        body(handle.writer());
    });
}

void ConnectionManager::transact(const Call& call, const std::source_location& at,
                                 FunctionRef<void(Transaction&)> body) {
    if (impl_->may_share(call)) {
        const auto undone = impl_->transact_shared(call, at, body);
        if (!undone) return;
        if (!call.replay) throw *undone;
    }
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

/// What waits for a shared COMMIT must hold nothing that another member may want, and end for no reason of its own.
bool ConnectionManager::Impl::may_share(const Call& call) const noexcept {
    return writer_recipe.group_max > 1 && !call.solo && !call.deadline.is_set() && !call.stop.stop_possible() &&
           !Held::any();
}

/// A member of a group: see handle/group.hpp. Returns why, when it was undone for a reason of another member's.
std::optional<Aborted> ConnectionManager::Impl::transact_shared(const Call& call, const std::source_location& at,
                                                                FunctionRef<void(Transaction&)> body) {
    require_this_process(at);
    std::optional<Guest> guest{guests};
    std::shared_ptr<Group> group;
    std::exception_ptr own_failure;
    Hooks hooks;
    {
        auto request = request_of(call, at);
        request.shares = true;
        Lease lease = lend(writer, request);
        const AtEnd go_on{[&] {
            if (lease.hand_on()) return;
            if (lease.handle().group()) own_failure = lease.handle().commit_group();
            checkpointer.note_log(lease.handle().connection());
        }};
        const Visit visit{this, lease.handle(), Verb::transaction, call, at, options.timeout};
        watch_over(call);
        MemberScope scope{lease.handle()};
        group = lease.handle().group();
        body(lease.handle().transaction());
        scope.commit();
        hooks = lease.handle().take_committed();
    }
    if (own_failure) std::rethrow_exception(own_failure);
    if (!group->wait()) return undone(group->cause(), at);
    upkeep.round_without_thread();
    checkpointer.run_without_thread();
    guest.reset();  // what follows may destroy the manager
    run(hooks);
    return std::nullopt;
}

Aborted ConnectionManager::Impl::undone(const Group::Cause& cause, const std::source_location& at) const {
    auto text = writer_recipe.name +
                ": the transaction was undone together with the one that it would have shared its COMMIT with; "
                "nothing of it was kept, run it again or say Call::replay";
    if (!cause.what.empty()) text += "; the other, at " + place(cause.at) + ": " + cause.what;
    return Aborted{text, at, cause.sqlite_code};
}

/// Runs `body` on the writer handle: this thread's own when it is in a closure already, else one from the lane.
void ConnectionManager::Impl::on_writer(const Call& call, const std::source_location& at, Verb verb,
                                        FunctionRef<void(Handle&)> body) {
    require_this_process(at);
    if (const Held* outer = Held::innermost(this)) {
        require_no_reader(*outer, verb, at);
        const Visit visit{this, outer->handle(), verb, call, at, options.timeout};
        watch_over(call);
        body(outer->handle());
        return;
    }
    Hooks hooks;
    std::optional<Guest> guest{guests};
    try {
        const auto request = request_of(call, at);
        const Lease lease = lend(writer, request);
        const AtEnd collect{[&] {
            hooks = lease.handle().take_committed();
            checkpointer.note_log(lease.handle().connection());
        }};
        const Visit visit{this, lease.handle(), verb, call, at, options.timeout};
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
