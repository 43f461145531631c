#include "handle/handle.hpp"

#include "handle/platform.hpp"

#include <sqlane/errors.hpp>
#include <sqlane/stats.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace sqlane::detail {
namespace {

/// While one of our own handles closes, SQLite lets none be opened for a moment. That is no other process's lock, so no
/// call is told Busy for it, however short its deadline.
constexpr std::chrono::milliseconds patience_with_ourselves{50};

}  // namespace

void Handle::open(Clock::time_point wait_until, const std::stop_token& stop, const std::source_location& at) {
    Patience patience{.wait_until = wait_until, .stop = stop};
    const auto end = std::max(wait_until, Clock::now() + patience_with_ourselves);
    interrupt_.push(patience);
    struct Pop {
        Interrupt& interrupt;
        ~Pop() { interrupt.pop(); }
    } pop{interrupt_};
    for (;;) {
        try {
            auto fresh = std::make_unique<Connection>(recipe_, interrupt_, watch_, at);
            const std::lock_guard lock{watch_.guard};
            connection_ = std::move(fresh);
            opened_at_ = Clock::now();
            condemned_ = false;
            return;
        } catch (const Busy&) {
            // Changing the journal mode does not ask the busy handler while another process opens the file too.
            if (stop.stop_requested())
                throw Cancelled{prefix() + "cancelled by the caller's stop token while a handle was opened", at};
            if (Clock::now() >= end) throw;
            std::this_thread::sleep_for(std::chrono::milliseconds{2});
        }
    }
}

void Handle::close() noexcept {
    std::unique_ptr<Connection> old;
    {
        const std::lock_guard lock{watch_.guard};
        watch_.running.store(nullptr, std::memory_order_relaxed);
        old = std::move(connection_);
        warm_ = false;
        has_header_ = false;
    }
    // Its statements are destroyed under the guard, the connection outside of it.
}

void Handle::begin_lease(const std::source_location& at) noexcept {
    ++lease_;
    at_ = at;
    owner_.store(platform::this_thread(), std::memory_order_relaxed);
}

bool Handle::is_mine() const noexcept { return owner_.load(std::memory_order_relaxed) == platform::this_thread(); }

void Handle::require_mine() const {
    const auto owner = owner_.load(std::memory_order_relaxed);
    if (owner == platform::this_thread()) return;
    if (owner == 0)
        throw UsageError{prefix() +
                         "a view was used after its closure had ended; return what you need from the closure"};
    throw UsageError{prefix() +
                     "a view was used on another thread than its closure's; call the manager from that thread instead"};
}

void Handle::require_going_on(std::string_view sql) {
    if (aborted_) std::rethrow_exception(aborted_);
    // Whatever ended the transaction: nothing may run in autocommit in its place.
    if (depth() > 0 && !connection_->in_transaction())
        throw Aborted{prefix() + "the transaction was rolled back by SQLite; nothing of it was kept, run it again",
                      at_};
    if (const auto reason = interrupt_.reason(); reason != Stop::none) stopped(reason, sql);
}

Statement& Handle::start(std::string_view sql, Rights rights) {
    require_mine();
    require_going_on(sql);
    if (rights == Rights::write_in_transaction) require_transaction();
    try {
        Statement& statement = connection_->take(sql, rights == Rights::read ? Role::reader : recipe_.role, at_);
        admit(statement, rights);
        enter(statement);
        return statement;
    } catch (const Error& error) {
        condemned_ |= condemns_handle(error.sqlite_code());
        require_not_interrupted(error.sqlite_code(), sql);
        throw;
    }
}

/// An interrupt ends the compiling of a statement, too.
void Handle::require_not_interrupted(int code, std::string_view sql) {
    const auto reason = interrupt_.reason();
    if ((code & 0xff) == SQLITE_INTERRUPT && reason != Stop::none) stopped(reason, sql);
}

void Handle::admit(Statement& statement, Rights rights) {
    const bool may_write = rights != Rights::read && recipe_.role == Role::writer;
    if (!may_write && !statement.only_reads()) {
        const auto sql = shortened(statement.sql());
        connection_->give_back(statement);
        throw UsageError{prefix() + "execute cannot write: " + sql + "; use transaction() or execute_mut()", at_};
    }
    if (statement.effects().any()) lease_effects_.add(statement.effects());
}

void Handle::finish(Statement& statement) noexcept {
    std::erase(open_statements_, &statement);
    note_running();
    connection_->give_back(statement);
}

void Handle::note_running() noexcept {
    watch_.running.store(open_statements_.empty() ? nullptr : open_statements_.back(), std::memory_order_release);
}

bool Handle::step(Statement& statement) {
    if (aborted_) std::rethrow_exception(aborted_);
    watch_.stepping.store(true, std::memory_order_relaxed);
    const int code = connection_->step(statement);
    watch_.stepping.store(false, std::memory_order_relaxed);
    interrupt_.note_progress();
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    fail(code, statement.sql());
}

void Handle::enter(Statement& statement) {
    open_statements_.push_back(&statement);
    note_running();
}

void Handle::run_script(Rights rights, std::string_view sql) {
    struct Finish {
        Handle& handle;
        Statement& statement;
        ~Finish() { handle.finish(statement); }
    };
    require_mine();
    if (rights == Rights::write_in_transaction) require_transaction();
    // A copy with its terminating NUL: else SQLite would copy all that is left for each statement.
    const std::string script{sql};
    connection_->require_no_nul(script, at_);
    for (std::string_view rest = script;;) {
        require_going_on(rest);
        Statement* statement = nullptr;
        try {
            statement = connection_->take_first(rest, at_);
        } catch (const Error& error) {
            require_not_interrupted(error.sqlite_code(), rest);
            throw;
        }
        if (statement == nullptr) return;
        admit(*statement, rights);
        enter(*statement);
        const Finish finish{*this, *statement};
        if (statement->parameters() > 0)
            throw UsageError{prefix() + "a script takes no parameters; use run(): " + shortened(statement->sql()), at_};
        while (step(*statement)) {
        }
    }
}

void Handle::fail(int code, std::string_view sql) {
    auto failure = last_failure(connection_->raw(), code, Doing::running, sql);
    failure.database = recipe_.name;
    failure.at = at_;
    if (!connection_->authorizer().refusal().empty()) {
        failure.message = connection_->authorizer().refusal();
        connection_->authorizer().forget_refusal();
    }
    condemned_ |= condemns_handle(code);
    // Of a COMMIT that fails so, all may have been written to the log before.
    commit_may_come_back_ |= recipe_.role == Role::writer && is_storage_failure(code);
    const bool transaction_gone = depth() > 0 && !connection_->in_transaction();
    try {
        const auto reason = interrupt_.reason();
        // The busy handler gives up too when it must stop. A lock that outlasts the deadline stays Busy.
        const bool told_to_stop =
            (code & 0xff) == SQLITE_BUSY && (reason == Stop::requested || reason == Stop::closing);
        if (told_to_stop || ((code & 0xff) == SQLITE_INTERRUPT && reason != Stop::none)) stopped(reason, sql);
        throw_failure(failure);
    } catch (...) {
        // Without this the next statement of the closure would run, and be kept, in autocommit.
        if (transaction_gone) aborted_ = std::current_exception();
        throw;
    }
}

void Handle::stopped(Stop reason, std::string_view sql) {
    const auto what = [&](const char* why) {
        return prefix() + why + (sql.empty() ? std::string{} : ", running: " + shortened(sql));
    };
    if (reason == Stop::requested) throw Cancelled{what("cancelled by the caller's stop token"), at_, SQLITE_INTERRUPT};
    if (reason == Stop::closing)
        throw Cancelled{what("interrupted because the manager is closing"), at_, SQLITE_INTERRUPT};
    Report report;
    report.database = recipe_.name;
    auto& lane = recipe_.role == Role::writer ? report.writer : report.readers;
    lane.name = recipe_.role == Role::writer ? "writer" : "readers";
    lane.holders.push_back({.at = at_,
                            .label = std::string{info.label},
                            .thread = platform::this_thread(),
                            .system_thread = platform::this_system_thread(),
                            .thread_name = platform::thread_name(platform::this_system_thread()),
                            .held = Clock::now() - info.since,
                            .transaction_depth = depth(),
                            .sql = std::string{sql},
                            .stepping = true});
    throw Timeout{what("the deadline passed while the closure ran") + "; allow more time or do less in one call", at_,
                  std::make_shared<const Report>(std::move(report))};
}

void Handle::interrupt_from_outside(Stop why) noexcept {
    if (why == Stop::closing) interrupt_.close_down();
    const std::lock_guard lock{watch_.guard};
    if (connection_) interrupt_.interrupt_unless_shielded([this] { connection_->interrupt(); });
}

std::string Handle::running_sql() const {
    const std::lock_guard lock{watch_.guard};
    const Statement* running = watch_.running.load(std::memory_order_acquire);
    return running == nullptr ? std::string{} : shortened(running->sql());
}

HandleCounts Handle::take_counts() noexcept {
    counts_.busy_waits = interrupt_.take_busy_waits();
    if (connection_) counts_.cache = connection_->take_cache_counts();
    return std::exchange(counts_, {});
}

void Handle::on_commit(std::function<void()> then) {
    require_mine();
    require_transaction();
    pending_.push_back({depth(), std::move(then)});
}

}  // namespace sqlane::detail
