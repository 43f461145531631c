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

/// BEGIN IMMEDIATE to COMMIT.
class TransactionScope {
public:
    explicit TransactionScope(Handle& handle) : handle_(handle) { handle_.begin_transaction(); }
    TransactionScope(const TransactionScope&) = delete;
    TransactionScope& operator=(const TransactionScope&) = delete;
    ~TransactionScope() {
        if (!done_) handle_.rollback();
    }
    void commit() {
        handle_.commit();
        done_ = true;
    }

private:
    Handle& handle_;
    bool done_ = false;
};

/// A transaction that may share its COMMIT: what `keep` returns is to be called when the group is committed.
class MemberScope {
public:
    explicit MemberScope(Handle& handle) : handle_(handle) { handle_.begin_member(); }
    MemberScope(const MemberScope&) = delete;
    MemberScope& operator=(const MemberScope&) = delete;
    ~MemberScope() {
        if (!done_) handle_.drop_member();
    }
    Hooks keep() {
        auto hooks = handle_.keep_member();
        done_ = true;
        return hooks;
    }

private:
    Handle& handle_;
    bool done_ = false;
};

class SavepointScope {
public:
    explicit SavepointScope(Handle& handle) : handle_(handle) { handle_.begin_savepoint(); }
    SavepointScope(const SavepointScope&) = delete;
    SavepointScope& operator=(const SavepointScope&) = delete;
    ~SavepointScope() {
        if (!done_) handle_.rollback_savepoint();
    }
    void commit() {
        handle_.release_savepoint();
        done_ = true;
    }

private:
    Handle& handle_;
    bool done_ = false;
};

}  // namespace sqlane::detail
