#include "handle/group.hpp"

#include "handle/handle.hpp"
#include "handle/shield.hpp"

#include <sqlane/errors.hpp>

#include <sqlite3.h>

#include <exception>
#include <memory>
#include <new>
#include <utility>

/// Group commit on the handle; see group.hpp for the whole.
namespace sqlane::detail {
namespace {

Group::Cause cause_of(const std::exception_ptr& why) noexcept {
    if (!why) return {};
    try {
        std::rethrow_exception(why);
    } catch (const Error& error) {
        try {
            return {error.what(), error.where(), error.sqlite_code()};
        } catch (const std::bad_alloc&) {
            return {{}, error.where(), error.sqlite_code()};
        }
    } catch (...) {
        return {};
    }
}

}  // namespace

void Handle::begin_member() {
    require_mine();
    require_going_on({});
    require_no_open_write();
    if (group_) {
        control_or_fail(Control::savepoint);
        in_savepoint_ = true;
    } else {
        auto group = std::make_shared<Group>();
        connection_->turn().give_way(info.since);
        control_or_fail(Control::begin_immediate);
        group->begin(Clock::now());
        group_ = std::move(group);
    }
    depth_.store(1, std::memory_order_relaxed);
    closure_since_ = Clock::now();
}

void Handle::keep_member() {
    require_going_on({});  // a closure that swallowed the error is not committed
    require_no_open_write();
    // RELEASE lets them pass, and the COMMIT would fail for all.
    if (connection_->has_unresolved_foreign_keys())
        throw_failure({.code = SQLITE_CONSTRAINT_FOREIGNKEY,
                       .message = "FOREIGN KEY constraint failed",
                       .database = recipe_.name,
                       .at = at_});
    committed_.reserve(committed_.size() + pending_.size());  // nothing may fail once it stays
    if (in_savepoint_) control_or_fail(Control::release);
    in_savepoint_ = false;
    group_->add_member();
    sharing_.store(group_->size(), std::memory_order_relaxed);
    depth_.store(0, std::memory_order_relaxed);
    closure_took_ = Clock::now() - closure_since_;
    release_hooks();
}

void Handle::drop_member() noexcept {
    closure_took_ = Clock::now() - closure_since_;
    const bool alone_undone =
        std::exchange(in_savepoint_, false) && !aborted_ && connection_->in_transaction() && undo_savepoint();
    if (alone_undone) {
        depth_.store(0, std::memory_order_relaxed);
        ++counts_.rollbacks;
        pending_.clear();
        return;
    }
    const auto why = aborted_;
    rollback();
    abort_group(why);
}

bool Handle::can_be_handed_on() {
    if (!group_ || condemned_ || !connection_->in_transaction()) return false;
    connection_->move_compiled_effects(lease_effects_);
    return !lease_effects_.any() && group_->size() < recipe_.group_max &&
           Clock::now() - group_->begun() < recipe_.group_window;
}

std::exception_ptr Handle::commit_group() noexcept {
    try {
        const Shield shield{interrupt_};
        control_or_fail(Control::commit);
    } catch (...) {
        auto why = std::current_exception();
        rollback();
        abort_group(why);
        return why;
    }
    counts_.note_commit(static_cast<std::uint64_t>(group_->size()));
    sharing_.store(0, std::memory_order_relaxed);
    std::exchange(group_, nullptr)->end_committed();
    return nullptr;
}

void Handle::abort_group(const std::exception_ptr& why) noexcept {
    sharing_.store(0, std::memory_order_relaxed);
    std::exchange(group_, nullptr)->end_aborted(cause_of(why));
}

}  // namespace sqlane::detail
