#pragma once

#include <plm/part_manager.hpp>
#include <plm/property_manager.hpp>
#include <plm/relationship_manager.hpp>
#include <plm/revision_manager.hpp>
#include <plm/user_manager.hpp>
#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <string>
#include <utility>
#include <vector>

namespace plm {

enum class Right : std::uint8_t {
    read,
    create_parts,
    /// And to submit and withdraw them.
    edit_own_drafts,
    edit_others_drafts,
    /// To approve, reject, release and make obsolete what somebody else made.
    decide,
    /// The same for one's own work; nobody has it unless the call says OwnWork::allowed, and then only an Admin.
    decide_own,
    manage_users
};

/// Whether an Admin may decide on his own work.
enum class OwnWork : std::uint8_t { refused, allowed };

/// All that a part begins with.
struct PartPackage {
    NewPart part;
    std::vector<BomLine> bom{};
    /// Of the part.
    std::vector<Property> properties{};
    std::string change_note{};
};

struct CreatedPart {
    Part part;
    Revision revision;
};

/// The work of a team, each step in one transaction and with the rights of its user.
/// Thread safety: all members.
class PartManagementManager {
public:
    explicit PartManagementManager(sqlane::ConnectionManager& db) : db_(db) {}

    CreatedPart create_part(const PartPackage& package, UserId by) const;
    /// Any change to a draft, if the user may edit it: one transaction around `change`.
    template <class F>
    auto edit(RevisionId revision, UserId by, F&& change) const {
        return db_.transaction([&](sqlane::Transaction&) {
            require_may_edit(revision, by);
            return std::forward<F>(change)();
        });
    }

    /// To review by those users.
    void submit(RevisionId revision, const std::vector<UserId>& reviewers, UserId by) const;
    void approve(RevisionId revision, UserId by, const std::string& comment = {}, OwnWork own = OwnWork::refused) const;
    /// Back to draft.
    void reject(RevisionId revision, UserId by, const std::string& comment, OwnWork own = OwnWork::refused) const;
    void withdraw(RevisionId revision, UserId by) const;
    /// Needs an approved round and released children; makes the older release obsolete.
    void release(RevisionId id, UserId by, OwnWork own = OwnWork::refused) const;
    void make_obsolete(RevisionId revision, UserId by, OwnWork own = OwnWork::refused) const;
    /// From the last revision, which must be released or obsolete.
    Revision new_revision(PartId part, UserId by, const std::string& change_note = {}) const;

    /// Of what the revision contains, the parts that no one should use any more: retired ones, and those whose latest
    /// revision is obsolete. A sentence each.
    [[nodiscard]] std::vector<std::string> warnings(RevisionId revision) const;

    [[nodiscard]] static bool has_right(Role role, Right right, OwnWork own = OwnWork::refused) noexcept;
    void require_may_edit(RevisionId id, UserId by) const;
    void require_may_create(UserId by) const;

private:
    void require(UserId by, Right right, const std::string& what, OwnWork own = OwnWork::refused) const;
    void require_may_decide(const Revision& revision, UserId by, const std::string& what, OwnWork own) const;

    sqlane::ConnectionManager& db_;
};

}  // namespace plm
