#include "handle/scopes.hpp"

#include "handle/shield.hpp"

#include <sqlane/errors.hpp>

#include <sqlite3.h>

#include <algorithm>

namespace sqlane::detail {
void Handle::control_or_fail(Control which) {
    const int code = connection_->control(which);
    if (code == SQLITE_OK || code == SQLITE_DONE) return;
    fail(code, {});
}

void Handle::begin_snapshot() {
    require_going_on({});
    if (warm_ && take_warm_snapshot()) return;
    if (recipe_.snapshot_idle.count() > 0) {
        has_header_ = connection_->log_header_if_seen().copy(header_);
        snapshot_since_ = info.since;
    }
    control_or_fail(Control::begin);
}

/// One that is kept in use all the time would pin the log as one that is idle does, so it has an age too. After that
/// there are none for a while: a program that waits for the log by looking again and again would never hit the moment.
bool Handle::take_warm_snapshot() noexcept {
    warm_ = false;
    const bool old = info.since - snapshot_since_ >= recipe_.snapshot_idle;
    if (!old && connection_->log_header_if_seen().is_still(header_)) return true;
    if (old) cold_until_ = info.since + recipe_.snapshot_idle / 10;
    end_snapshot(false);
    return false;
}

bool Handle::can_stay_warm() noexcept {
    if (recipe_.snapshot_idle.count() == 0) return false;
    if (info.since < cold_until_) return false;
    if (aborted_ || condemned_ || has_open_statements() || !connection_->in_transaction()) return false;
    return connection_->log_header().is_there() && has_header_;
}

void Handle::cool() noexcept {
    if (!warm_) return;
    warm_ = false;
    end_snapshot(false);
    if (connection_->in_transaction()) condemned_ = true;  // the next lease finds out, and replaces it
    aborted_ = nullptr;
}

void Handle::end_snapshot(bool keep) noexcept {
    if (keep && can_stay_warm()) {
        warm_ = true;
        return;
    }
    const Shield shield{interrupt_};
    connection_->control(Control::commit);
    // An interrupt that was sent just before the shield ends the first try only.
    for (int tries = 0; tries < 3 && connection_->in_transaction(); ++tries) connection_->control(Control::rollback);
    if (connection_->in_transaction())  // nothing may go on in a transaction that nobody will commit
        aborted_ = std::make_exception_ptr(Aborted{prefix() + "a snapshot could not be ended; run it again", at_});
}

void Handle::begin_transaction() {
    require_mine();
    require_going_on({});
    require_no_open_write();
    connection_->turn().give_way(info.since);
    control_or_fail(Control::begin_immediate);
    depth_.store(1, std::memory_order_relaxed);
}

void Handle::commit() {
    require_going_on({});  // a closure that swallowed the error or outlived its deadline is not committed
    require_no_open_write();
    committed_.reserve(committed_.size() + pending_.size());  // nothing may fail once it is committed
    {
        const Shield shield{interrupt_};
        control_or_fail(Control::commit);
    }
    depth_.store(0, std::memory_order_relaxed);
    counts_.note_commit(1);
    release_hooks();
}

/// Room was made for them before.
void Handle::release_hooks() noexcept {
    for (auto& hook : pending_) committed_.push_back(std::move(hook.then));
    pending_.clear();
}

void Handle::require_transaction() const {
    if (depth() == 0)
        throw UsageError{prefix() + "a Transaction was used after its closure had ended; nothing was run", at_};
}

bool Handle::has_open_write() const noexcept {
    return std::ranges::any_of(open_statements_, [](const Statement* statement) { return !statement->only_reads(); });
}

void Handle::require_no_open_write() {
    for (const Statement* statement : open_statements_)
        if (!statement->only_reads())
            throw UsageError{prefix() +
                                 "a transaction, or a part of one, begins or ends while a statement that writes is "
                                 "still being read; "
                                 "finish its loop first: " +
                                 shortened(statement->sql()),
                             at_};
}

void Handle::rollback() noexcept {
    {
        const Shield shield{interrupt_};
        // An interrupt that another thread had sent just before the shield ends the first try only.
        for (int tries = 0; tries < 3 && connection_->in_transaction(); ++tries)
            connection_->control(Control::rollback);
    }
    condemned_ |= connection_->in_transaction();
    depth_.store(0, std::memory_order_relaxed);
    ++counts_.rollbacks;
    aborted_ = nullptr;
    pending_.clear();
    bury_failed_commit();
}

/// A COMMIT whose flush fails has written its frames already, and they lie behind the end of the log until the next
/// commit writes over them. Did the program end before, recovery would find them whole, and bring back what the caller
/// was told is undone. So a commit that changes nothing is put there; should its flush fail too, it may come back.
void Handle::bury_failed_commit() noexcept {
    if (!commit_may_come_back_ || connection_->in_transaction()) return;
    commit_may_come_back_ = false;
    const Shield shield{interrupt_};
    connection_->commit_nothing();
}

void Handle::begin_savepoint() {
    require_mine();
    require_going_on({});
    require_transaction();
    require_no_open_write();
    control_or_fail(Control::savepoint);
    depth_.fetch_add(1, std::memory_order_relaxed);
}

void Handle::release_savepoint() {
    require_going_on({});
    require_no_open_write();
    control_or_fail(Control::release);
    const int outer = depth_.fetch_sub(1, std::memory_order_relaxed) - 1;
    for (auto& hook : pending_) hook.depth = std::min(hook.depth, outer);
}

void Handle::rollback_savepoint() noexcept {
    const int inner = depth_.fetch_sub(1, std::memory_order_relaxed);
    std::erase_if(pending_, [inner](const CommitHook& hook) { return hook.depth >= inner; });
    if (!connection_->in_transaction()) return;  // SQLite rolled everything back; the outer scopes will say so
    if (undo_savepoint() || !connection_->in_transaction()) return;
    // The part could not be undone alone, so the whole must not be kept.
    condemned_ = true;
    aborted_ = std::make_exception_ptr(
        Aborted{prefix() + "a savepoint could not be rolled back, so the whole transaction is; run it again", at_});
}

/// False when it could not be undone alone.
bool Handle::undo_savepoint() noexcept {
    const Shield shield{interrupt_};
    int code = SQLITE_INTERRUPT;
    // An interrupt that another thread had sent just before the shield ends the first try only.
    for (int tries = 0; tries < 3 && (code & 0xff) == SQLITE_INTERRUPT && connection_->in_transaction(); ++tries)
        code = connection_->control(Control::rollback_to);
    if (code == SQLITE_OK || code == SQLITE_DONE) code = connection_->control(Control::release);
    return code == SQLITE_OK || code == SQLITE_DONE;
}

}  // namespace sqlane::detail
