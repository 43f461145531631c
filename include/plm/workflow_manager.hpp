#pragma once

#include <plm/history_manager.hpp>
#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace plm {

struct WorkflowState {
    StateId id;
    std::string name;
    bool is_initial = false;
};

struct WorkflowTransition {
    TransitionId id;
    std::string name;
    std::string from;
    std::string to;
};

struct Workflow {
    WorkflowId id;
    std::string name;
    std::vector<WorkflowState> states;
    std::vector<WorkflowTransition> transitions;
};

/// A workflow as it is made: the first state is the initial one.
struct NewWorkflow {
    struct Transition {
        std::string name;
        std::string from;
        std::string to;
    };
    std::string name;
    std::vector<std::string> states;
    std::vector<Transition> transitions;
};

/// The lifecycle of a revision is its workflow: there is no transition outside of the table.
/// Thread safety: all members.
class WorkflowManager {
public:
    explicit WorkflowManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// One initial state, from which every other can be reached; both ends of a transition are among the states.
    WorkflowId add(const NewWorkflow& workflow, const Actor& by = {}) const;
    void remove(WorkflowId id, const Actor& by = {}) const;
    [[nodiscard]] Workflow get(WorkflowId id) const;
    [[nodiscard]] Workflow find(std::string_view name) const;
    [[nodiscard]] std::vector<Workflow> list() const;

    /// What can be done with the revision now.
    [[nodiscard]] std::vector<WorkflowTransition> allowed(RevisionId revision) const;
    /// Moves the revision along the transition of that name. Knows nothing of rights and approvals: PartManagementManager
    /// does.
    void move(RevisionId revision, std::string_view transition, const Actor& by = {}) const;
    /// The moves of the revision, oldest first.
    [[nodiscard]] std::vector<HistoryEntry> moves(RevisionId revision) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
