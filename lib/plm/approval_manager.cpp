#include <plm/approval_manager.hpp>
#include <plm/history_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>

template <>
struct sqlane::RowReader<plm::Approval> {
    static plm::Approval read(const Row& row) {
        return {.id = row.get<plm::ApprovalId>(0),
                .revision = row.get<plm::RevisionId>(1),
                .round = row.get<int>(2),
                .reviewer = row.get<plm::UserId>(3),
                .decision = row.get<plm::Decision>(4),
                .comment = row.get<std::string>(5),
                .requested = row.get<plm::Time>(6),
                .decided = row.get<std::optional<plm::Time>>(7)};
    }
};

namespace plm {
namespace {

const std::string columns =
    "SELECT approval_id, revision_id, round, reviewer_id, decision, comment, requested_date, decided_date "
    "FROM Approvals ";

std::vector<Approval> last_round(sqlane::Reader& r, RevisionId revision) {
    return r.all<Approval>(columns +
                               "WHERE revision_id = ?1 AND round = (SELECT max(round) FROM Approvals "
                               "WHERE revision_id = ?1) ORDER BY approval_id",
                           revision);
}

bool is_open(const std::vector<Approval>& round) {
    return std::ranges::any_of(round, [](const Approval& a) { return a.decision == Decision::pending; });
}

std::string user_name(sqlane::Reader& r, UserId id) {
    auto name = r.maybe<std::string>("SELECT name FROM Users WHERE user_id = ?", id);
    if (!name) throw NotFound{"user", "with id " + std::to_string(id.value)};
    return *std::move(name);
}

void require_reviewers(sqlane::Reader& r, RevisionId revision, const std::vector<UserId>& reviewers) {
    if (reviewers.empty()) throw InvalidValue{"reviewers", "at least one is needed"};
    for (auto id = reviewers.begin(); id != reviewers.end(); ++id) {
        const auto name = user_name(r, *id);
        if (std::find(reviewers.begin(), id, *id) != id) throw InvalidValue{"reviewers", name + " is named twice"};
        if (!r.one<bool>("SELECT active FROM Users WHERE user_id = ?", *id))
            throw InvalidValue{"reviewers", name + " is no longer active"};
    }
    const auto author = r.one<UserId>("SELECT author_id FROM Revisions WHERE revision_id = ?", revision);
    if (reviewers == std::vector{author})
        throw InvalidValue{"reviewers", "at least one must be somebody else than the author, " + user_name(r, author)};
}

void decide(sqlane::ConnectionManager& db, sqlane::Writer& w, const Approval& approval, Decision decision,
            const std::string& comment, const Actor& by) {
    w.run("UPDATE Approvals SET decision = ?, comment = ?, decided_date = max(?, requested_date) WHERE approval_id = ?",
          decision, comment, now(), approval.id);
    HistoryManager{db}.record(by, Subject::revision, approval.revision.value,
                              "review by " + user_name(w, approval.reviewer), std::string{to_text(approval.decision)},
                              std::string{to_text(decision)});
}

/// The request that waits for this reviewer.
Approval pending(sqlane::Reader& r, RevisionId revision, UserId reviewer) {
    const auto title = title_of(r, revision);
    const auto name = user_name(r, reviewer);
    const auto round = last_round(r, revision);
    const auto found = std::ranges::find(round, reviewer, &Approval::reviewer);
    if (found == round.end()) throw NotFound{"review", "of " + title + " by " + name};
    if (found->decision != Decision::pending)
        throw Conflict{"the review of " + title + " by " + name +
                       " was decided already: " + std::string{to_text(found->decision)}};
    return *found;
}

/// What nobody has decided in the round needs no decision any more.
void close_round(sqlane::ConnectionManager& db, sqlane::Writer& w, RevisionId revision, const Actor& by) {
    for (const auto& approval : last_round(w, revision))
        if (approval.decision == Decision::pending) decide(db, w, approval, Decision::withdrawn, "", by);
}

}  // namespace

int ApprovalManager::request(RevisionId revision, const std::vector<UserId>& reviewers, const Actor& by) const {
    return db_.transaction([&](sqlane::Transaction& tx) {
        const auto title = title_of(tx, revision);
        require_reviewers(tx, revision, reviewers);
        const auto last = last_round(tx, revision);
        if (is_open(last))
            throw Conflict{"round " + std::to_string(last.front().round) + " of the review of " + title +
                           " is still open; withdraw it first"};
        const int round = last.empty() ? 1 : last.front().round + 1;
        for (const auto reviewer : reviewers)
            tx.run("INSERT INTO Approvals(revision_id, round, reviewer_id, requested_date) VALUES (?, ?, ?, ?)",
                   revision, round, reviewer, now());
        HistoryManager{db_}.record(by, Subject::revision, revision.value, "review requested", {},
                                   "round " + std::to_string(round));
        return round;
    });
}

void ApprovalManager::approve(RevisionId revision, UserId reviewer, const std::string& comment) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        decide(db_, tx, pending(tx, revision, reviewer), Decision::approved, comment, reviewer);
    });
}

void ApprovalManager::reject(RevisionId revision, UserId reviewer, const std::string& comment) const {
    require_text("comment", comment);
    db_.transaction([&](sqlane::Transaction& tx) {
        decide(db_, tx, pending(tx, revision, reviewer), Decision::rejected, comment, reviewer);
        close_round(db_, tx, revision, reviewer);
    });
}

void ApprovalManager::withdraw(RevisionId revision, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        static_cast<void>(title_of(tx, revision));
        close_round(db_, tx, revision, by);
    });
}

std::vector<Approval> ApprovalManager::list(RevisionId revision) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<Approval>(columns + "WHERE revision_id = ? ORDER BY round, approval_id", revision);
    });
}

std::vector<Approval> ApprovalManager::pending_for(UserId reviewer) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<Approval>(columns + "WHERE reviewer_id = ? AND decision = 'Pending' ORDER BY approval_id",
                               reviewer);
    });
}

bool ApprovalManager::is_approved(RevisionId revision) const {
    return db_.execute([&](sqlane::Reader& r) {
        const auto round = last_round(r, revision);
        return !round.empty() &&
               std::ranges::all_of(round, [](const Approval& a) { return a.decision == Decision::approved; });
    });
}

}  // namespace plm
