#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <optional>
#include <string>
#include <vector>

namespace plm {

struct Approval {
    ApprovalId id;
    RevisionId revision;
    int round = 0;
    UserId reviewer;
    Decision decision{};
    std::string comment;
    Time requested;
    std::optional<Time> decided;
};

/// Reviews of revisions, in rounds: after a rejection or a withdrawal a new one begins, and the old one is kept.
/// Thread safety: all members.
class ApprovalManager {
public:
    explicit ApprovalManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// Begins a round and tells its number. At least one reviewer is not the author, and none is named twice.
    int request(RevisionId revision, const std::vector<UserId>& reviewers, const Actor& by = {}) const;
    void approve(RevisionId revision, UserId reviewer, const std::string& comment = {}) const;
    /// Ends the round.
    void reject(RevisionId revision, UserId reviewer, const std::string& comment) const;
    /// Takes the request back.
    void withdraw(RevisionId revision, const Actor& by = {}) const;

    /// All rounds, oldest first.
    [[nodiscard]] std::vector<Approval> list(RevisionId revision) const;
    [[nodiscard]] std::vector<Approval> pending_for(UserId reviewer) const;
    /// Every reviewer of the last round approved.
    [[nodiscard]] bool is_approved(RevisionId revision) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
