#include "handle/handle.hpp"

#include <exception>
#include <utility>

/// Giving a handle back: prove that the next borrower sees nothing of this one. Repair, and say who left it, because
/// silent repair hides bugs; what cannot be proved clean is replaced.
namespace sqlane::detail {

/// A stepped SELECT pins the log although autocommit reads 1 (measured), and keeps a COMMIT from ending the snapshot.
std::string Handle::abandon_open_statements() {
    if (open_statements_.empty()) return {};
    std::string left = "an unfinished statement (" + shortened(open_statements_.front()->sql()) + ")";
    for (Statement* statement : std::exchange(open_statements_, {})) connection_->give_back(*statement);
    note_running();
    return left;
}

/// Temporary objects, attached files and pragmas are looked for only when the authorizer saw one being made.
std::string Handle::leftovers() {
    std::string left;
    const auto add = [&left](const std::string& what) { left += (left.empty() ? "" : ", ") + what; };
    if (lease_effects_.temporary)
        if (const auto objects = connection_->temporary_objects(); !objects.empty()) add("temporary " + objects);
    if (lease_effects_.attaches)
        if (const auto files = connection_->attached_files(); !files.empty()) add("attached " + files);
    if (lease_effects_.defers && connection_->defers_foreign_keys()) add("PRAGMA defer_foreign_keys changed");
    if (!lease_effects_.pragma.empty()) add("PRAGMA " + lease_effects_.pragma + " changed");
    return left;
}

/// Takes away what would outlive the lease, and says in `proof` what that was.
void Handle::prove_clean(Proof& proof) {
    proof.left_behind = abandon_open_statements();
    if (!warm_ && !group_ && (connection_->holds_locks() || connection_->in_transaction())) {
        const auto busy = connection_->reset_busy_statements();
        if (proof.left_behind.empty() && !busy.empty())
            proof.left_behind = "an unfinished statement (" + shortened(busy) + ")";
        else if (proof.left_behind.empty() && connection_->in_transaction())
            proof.left_behind = "an open transaction";
        // Of a virtual table that failed outside of a transaction SQLite keeps the read lock until the next one.
        if (!connection_->in_transaction()) connection_->control(Control::begin);
        rollback();
    }
    bury_failed_commit();  // of a statement that was its own
    connection_->move_compiled_effects(lease_effects_);
    if (lease_effects_.any()) {
        const auto left = leftovers();
        if (!left.empty()) proof.left_behind += (proof.left_behind.empty() ? "" : ", ") + left;
        proof.keep = left.empty();
        lease_effects_ = {};
    }
    if (condemned_ || (!warm_ && !group_ && connection_->holds_locks())) {
        proof.keep = false;
        proof.fault = condemned_ ? "it could not roll back, or met a damaged file or an I/O error"
                                 : "it would not let go of its locks";
    }
}

Proof Handle::end_lease() noexcept {
    Proof proof;
    try {
        if (connection_) prove_clean(proof);
    } catch (const std::exception&) {
        // Without memory or disk nothing can be proved. Closing undoes what may be left.
        proof.keep = false;
        proof.fault = "no clean proof";  // short enough to need no memory
        open_statements_.clear();
        note_running();
        lease_effects_ = {};
        warm_ = false;
    }
    depth_.store(0, std::memory_order_relaxed);
    aborted_ = nullptr;
    pending_.clear();
    ++lease_;
    owner_.store(0, std::memory_order_relaxed);
    return proof;
}

}  // namespace sqlane::detail
