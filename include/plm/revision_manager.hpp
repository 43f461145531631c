#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plm {

struct Revision {
    RevisionId id;
    PartId part;
    /// Orders the revisions of a part; neither label nor clock does.
    std::int64_t sequence = 0;
    std::string label;
    State state{};
    UserId author;
    std::string change_note;
    std::int64_t version = 0;
    WorkflowId workflow;
    Time created;
    Time modified;
    std::optional<Time> released;
};

/// The revisions of parts.
/// Thread safety: all members.
class RevisionManager {
public:
    explicit RevisionManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// The next revision, a draft: with the BOM lines, properties and files of the last one.
    Revision create(PartId part, UserId author, const std::string& change_note = {}) const;
    /// A revision that has its label already, from an export: an empty draft. It takes its place among the others by
    /// its label where that is free, so that 2 comes before 3 whichever was adopted first.
    Revision adopt(PartId part, const std::string& label, UserId author) const;
    /// What the author says of it; Conflict when somebody changed it since, Locked when it is no draft.
    Revision set_change_note(const Revision& read_before, const std::string& note, const Actor& by = {}) const;
    /// Puts it under another workflow; its states must be those of a revision.
    void set_workflow(RevisionId id, WorkflowId workflow, const Actor& by = {}) const;
    /// A draft that is not wanted any more.
    void discard(RevisionId id, const Actor& by = {}) const;

    [[nodiscard]] Revision get(RevisionId id) const;
    [[nodiscard]] Revision find(PartId part, std::string_view label) const;
    /// Oldest first.
    [[nodiscard]] std::vector<Revision> list(PartId part) const;
    [[nodiscard]] std::optional<Revision> latest(PartId part) const;
    [[nodiscard]] std::optional<Revision> latest_released(PartId part) const;
    /// "12" after "11", "AA" after "Z", as the category of the part has it.
    [[nodiscard]] std::string next_label(PartId part) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
