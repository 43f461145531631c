#pragma once

#include "handle/handle.hpp"

/// What a verb opens on a handle, closed by leaving the scope whatever happens.
///
///             Snapshot                      TransactionScope                  SavepointScope
///   none --begin_snapshot--> reading     none --begin_transaction--> open     open --begin_savepoint--> nested
///   reading --end_snapshot--> none       open --commit--> none                nested --commit--> open
///                                        open --rollback (~)--> none          nested --rollback_savepoint (~)--> open
///
/// SQLite may take an arrow of its own: a full disk, an interrupt or ON CONFLICT ROLLBACK leads from open or nested to
/// none. Handle::fail notices, and from then on each statement and the commit throw that first error.
namespace sqlane::detail {

/// One consistent view of the database for a whole closure. Warm snapshots will sit here: keep the read transaction
/// of an idle handle open and begin anew only when the log's header has changed.
class Snapshot {
public:
    explicit Snapshot(Handle& handle) : handle_(handle) { handle_.begin_snapshot(); }
    Snapshot(const Snapshot&) = delete;
    Snapshot& operator=(const Snapshot&) = delete;
    ~Snapshot() { handle_.end_snapshot(); }

private:
    Handle& handle_;
};

/// BEGIN IMMEDIATE to COMMIT. Group commit will sit in `commit`.
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
