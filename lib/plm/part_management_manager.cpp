#include <plm/approval_manager.hpp>
#include <plm/part_management_manager.hpp>
#include <plm/workflow_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>

namespace plm {
namespace {

/// Children that a released assembly cannot have: those pinned to what is not released, and those without any release.
std::vector<std::string> unreleased_children(sqlane::Reader& r, RevisionId revision) {
    return r.all<std::string>(
        "SELECT number || coalesce(' rev ' || pinned.label, '') "
        "FROM Relationships JOIN Parts ON Parts.part_id = child_part_id "
        "LEFT JOIN Revisions AS pinned ON pinned.revision_id = child_revision_id "
        "WHERE parent_revision_id = ? AND kind = 'bom' AND CASE WHEN pinned.revision_id IS NULL "
        "    THEN NOT EXISTS (SELECT 1 FROM Revisions WHERE part_id = child_part_id AND state = 'Released') "
        "    ELSE pinned.state <> 'Released' END "
        "ORDER BY 1",
        revision);
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace

bool PartManagementManager::has_right(Role role, Right right, OwnWork own) noexcept {
    switch (right) {
        case Right::read: return true;
        case Right::create_parts:
        case Right::edit_own_drafts:
        case Right::decide: return role != Role::viewer;
        case Right::edit_others_drafts:
        case Right::manage_users: return role == Role::admin;
        case Right::decide_own: return role == Role::admin && own == OwnWork::allowed;
    }
    return false;
}

void PartManagementManager::require(UserId by, Right right, const std::string& what, OwnWork own) const {
    const auto user = UserManager{db_}.get(by);
    if (user.active && has_right(user.role, right, own)) return;
    const auto who =
        user.name + " (" + std::string{to_text(user.role)} + (user.active ? "" : ", no longer active") + ")";
    throw PermissionDenied{who + " may not " + what +
                           (right == Right::decide_own ? ": it is " + user.name + "'s own work" : "")};
}

void PartManagementManager::require_may_edit(RevisionId id, UserId by) const {
    db_.execute([&](sqlane::Reader& r) {
        const auto revision = RevisionManager{db_}.get(id);
        require(by, revision.author == by ? Right::edit_own_drafts : Right::edit_others_drafts,
                "edit " + title_of(r, id));
        plm::require_draft(r, id);
    });
}

void PartManagementManager::require_may_create(UserId by) const { require(by, Right::create_parts, "create parts"); }

void PartManagementManager::require_may_decide(const Revision& revision, UserId by, const std::string& what,
                                               OwnWork own) const {
    require(by, Right::decide, what);
    if (revision.author == by) require(by, Right::decide_own, what, own);
}

CreatedPart PartManagementManager::create_part(const PartPackage& package, UserId by) const {
    return db_.transaction([&](sqlane::Transaction&) {
        require_may_create(by);
        auto part = PartManager{db_}.create(package.part, by);
        const auto revision = RevisionManager{db_}.create(part.id, by, package.change_note);
        for (const auto& line : package.bom) RelationshipManager{db_}.add(revision.id, line, by);
        for (const auto& property : package.properties) PropertyManager{db_}.set(part.id, property, by);
        return CreatedPart{std::move(part), revision};
    });
}

void PartManagementManager::submit(RevisionId revision, const std::vector<UserId>& reviewers, UserId by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const bool own = RevisionManager{db_}.get(revision).author == by;
        require(by, own ? Right::edit_own_drafts : Right::edit_others_drafts, "submit " + title_of(tx, revision));
        WorkflowManager{db_}.move(revision, "submit", by);
        ApprovalManager{db_}.request(revision, reviewers, by);
    });
}

void PartManagementManager::approve(RevisionId revision, UserId by, const std::string& comment, OwnWork own) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        require_may_decide(RevisionManager{db_}.get(revision), by, "approve " + title_of(tx, revision), own);
        ApprovalManager{db_}.approve(revision, by, comment);
    });
}

void PartManagementManager::reject(RevisionId revision, UserId by, const std::string& comment, OwnWork own) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        require_may_decide(RevisionManager{db_}.get(revision), by, "reject " + title_of(tx, revision), own);
        ApprovalManager{db_}.reject(revision, by, comment);
        WorkflowManager{db_}.move(revision, "reject", by);
    });
}

void PartManagementManager::withdraw(RevisionId revision, UserId by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const bool own = RevisionManager{db_}.get(revision).author == by;
        require(by, own ? Right::edit_own_drafts : Right::edit_others_drafts, "withdraw " + title_of(tx, revision));
        WorkflowManager{db_}.move(revision, "withdraw", by);
        ApprovalManager{db_}.withdraw(revision, by);
    });
}

void PartManagementManager::release(RevisionId id, UserId by, OwnWork own) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto revision = RevisionManager{db_}.get(id);
        const auto title = title_of(tx, id);
        require_may_decide(revision, by, "release " + title, own);
        const WorkflowManager workflows{db_};
        const auto ways = workflows.allowed(id);
        // What cannot be released at all is told that, and not what else is amiss.
        if (std::ranges::find(ways, "release", &WorkflowTransition::name) == ways.end())
            workflows.move(id, "release", by);
        if (revision.state == State::in_review && !ApprovalManager{db_}.is_approved(id))
            throw Conflict{title + " cannot be released: its review is not approved by all reviewers"};
        if (const auto children = unreleased_children(tx, id); !children.empty())
            throw Conflict{title + " cannot be released: it contains what is not: " + joined(children)};
        if (const auto other = RevisionManager{db_}.latest_released(revision.part); other && other->id != id) {
            if (other->sequence > revision.sequence)
                throw Conflict{title + " cannot be released: " + title_of(tx, other->id) + " is newer, and released"};
            workflows.move(other->id, "obsolete", by);
        }
        workflows.move(id, "release", by);
    });
}

void PartManagementManager::make_obsolete(RevisionId revision, UserId by, OwnWork own) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        require_may_decide(RevisionManager{db_}.get(revision), by, "make " + title_of(tx, revision) + " obsolete", own);
        WorkflowManager{db_}.move(revision, "obsolete", by);
    });
}

Revision PartManagementManager::new_revision(PartId part, UserId by, const std::string& change_note) const {
    return db_.transaction([&](sqlane::Transaction& tx) {
        require(by, Right::create_parts, "make a revision of " + number_of(tx, part));
        const RevisionManager revisions{db_};
        const auto last = revisions.latest(part);
        if (last && last->state != State::released && last->state != State::obsolete)
            throw Conflict{title_of(tx, last->id) + " is " + std::string{to_text(last->state)} +
                           "; release or discard it first"};
        return revisions.create(part, by, change_note);
    });
}

std::vector<std::string> PartManagementManager::warnings(RevisionId revision) const {
    return db_.execute([&](sqlane::Reader& r) {
        static_cast<void>(title_of(r, revision));
        return r.all<std::string>(
            "SELECT DISTINCT number || CASE WHEN retired_date IS NOT NULL THEN ' is retired' "
            "    ELSE ' is obsolete' END "
            "FROM Relationships JOIN Parts ON Parts.part_id = child_part_id "
            "WHERE parent_revision_id = ? AND kind = 'bom' AND (retired_date IS NOT NULL OR "
            "    (SELECT state FROM Revisions AS v WHERE v.part_id = child_part_id "
            "     ORDER BY sequence DESC LIMIT 1) = 'Obsolete') "
            "ORDER BY 1",
            revision);
    });
}

}  // namespace plm
