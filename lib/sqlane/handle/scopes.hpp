#pragma once

#include "handle/handle.hpp"

/// What a verb opens on a handle, closed by leaving the scope whatever happens.
///
///             TransactionScope                  SavepointScope
///   none --begin_transaction--> open     open --begin_savepoint--> nested
///   open --commit--> none                nested --commit--> open
///   open --rollback (~)--> none          nested --rollback_savepoint (~)--> open
///
///             Snapshot: taking and dropping the log's read lock costs most of a small read, so a reader keeps it.
///   none --begin_snapshot--> reading              copies the log's header BEFORE it begins: a commit that slips in
///                                                 between costs one needless refresh, never a stale read
///   reading --end_snapshot(keep)--> warm          the closure returned, and the log's header can be seen
///   reading --end_snapshot--> none                it threw, or left something open
///   warm --begin_snapshot, header the same--> reading     nobody has committed since, in any process
///   warm --begin_snapshot, header another one--> none --> reading
///   warm --cool--> none                           idle for too long, or a checkpoint wants the log
///
/// SQLite may take an arrow of its own: a full disk, an interrupt or ON CONFLICT ROLLBACK leads from open or nested to
/// none. Handle::fail notices, and from then on each statement and the commit throw that first error.
namespace sqlane::detail {

/// One consistent view of the database for a whole closure.
class Snapshot {
public:
    explicit Snapshot(Handle& handle) : handle_(handle) { handle_.begin_snapshot(); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() { handle_.end_snapshot(keep_); }
    /// The closure returned.
    void keep() noexcept { keep_ = true; }

private:
    Handle& handle_;
    bool keep_ = false;
};

/// From `begin` to `commit`; `undo` when it is left before.
template <void (Handle::*begin)(), void (Handle::*end)(), void (Handle::*undo)() noexcept>
class Scope {
public:
    explicit Scope(Handle& handle) : handle_(handle) { (handle_.*begin)(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
        if (!done_) (handle_.*undo)();
    }
    void commit() {
        (handle_.*end)();
        done_ = true;
    }

private:
    Handle& handle_;
    bool done_ = false;
};

/// BEGIN IMMEDIATE to COMMIT.
using TransactionScope = Scope<&Handle::begin_transaction, &Handle::commit, &Handle::rollback>;
/// A transaction that may share its COMMIT; see group.hpp.
using MemberScope = Scope<&Handle::begin_member, &Handle::keep_member, &Handle::drop_member>;
using SavepointScope = Scope<&Handle::begin_savepoint, &Handle::release_savepoint, &Handle::rollback_savepoint>;

}  // namespace sqlane::detail
