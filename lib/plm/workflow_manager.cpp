#include <plm/workflow_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>
#include <set>

template <>
struct sqlane::RowReader<plm::WorkflowTransition> {
    static plm::WorkflowTransition read(const Row& row) {
        return {.id = row.get<plm::TransitionId>(0),
                .name = row.get<std::string>(1),
                .from = row.get<std::string>(2),
                .to = row.get<std::string>(3)};
    }
};

template <>
struct sqlane::RowReader<plm::WorkflowState> {
    static plm::WorkflowState read(const Row& row) {
        return {.id = row.get<plm::StateId>(0), .name = row.get<std::string>(1), .is_initial = row.get<bool>(2)};
    }
};

namespace plm {
namespace {

const std::string transitions =
    "SELECT transition_id, t.name, f.name, s.name FROM WorkflowTransitions AS t "
    "JOIN WorkflowStates AS f ON f.state_id = t.from_state_id JOIN WorkflowStates AS s ON s.state_id = t.to_state_id ";

Workflow read(sqlane::Reader& r, WorkflowId id) {
    auto name = r.maybe<std::string>("SELECT name FROM Workflows WHERE workflow_id = ?", id);
    if (!name) throw NotFound{"workflow", "with id " + std::to_string(id.value)};
    return {
        .id = id,
        .name = *std::move(name),
        .states = r.all<WorkflowState>(
            "SELECT state_id, name, is_initial FROM WorkflowStates WHERE workflow_id = ? ORDER BY state_id", id),
        .transitions = r.all<WorkflowTransition>(transitions + "WHERE t.workflow_id = ? ORDER BY transition_id", id)};
}

/// All that can be reached from the first state.
std::set<std::string> reachable(const NewWorkflow& workflow) {
    std::set<std::string> reached{workflow.states.front()};
    for (std::size_t before = 0; before != reached.size();) {
        before = reached.size();
        for (const auto& transition : workflow.transitions)
            if (reached.contains(transition.from)) reached.insert(transition.to);
    }
    return reached;
}

void require_sound(const NewWorkflow& workflow) {
    require_text("name", workflow.name);
    if (workflow.states.empty()) throw InvalidValue{"states", "a workflow needs at least one"};
    const std::set<std::string> states{workflow.states.begin(), workflow.states.end()};
    if (states.size() != workflow.states.size()) throw InvalidValue{"states", "one is named twice"};
    for (const auto& name : states) require_text("state", name);
    for (const auto& [name, from, to] : workflow.transitions) {
        require_text("transition", name);
        for (const auto& end : {from, to})
            if (!states.contains(end)) throw InvalidValue{name, "'" + end + "' is no state of this workflow"};
        if (from == to) throw InvalidValue{name, "leads from " + from + " to itself"};
    }
    const auto reached = reachable(workflow);
    for (const auto& name : workflow.states)
        if (!reached.contains(name))
            throw InvalidValue{"states", "no transition leads from " + workflow.states.front() + " to " + name};
}

std::string list_of(const std::vector<WorkflowTransition>& all) {
    std::string names;
    for (const auto& transition : all) names += (names.empty() ? "" : ", ") + transition.name;
    return names.empty() ? "nothing" : names;
}

}  // namespace

WorkflowId WorkflowManager::add(const NewWorkflow& workflow, const Actor& by) const {
    require_sound(workflow);
    return db_.transaction([&](sqlane::Transaction& tx) {
        const WorkflowId id = unless_taken("the workflow '" + workflow.name + "'", [&] {
            return WorkflowId{tx.insert("INSERT INTO Workflows(name) VALUES (?)", workflow.name)};
        });
        for (const auto& state : workflow.states)
            tx.run("INSERT INTO WorkflowStates(workflow_id, name, is_initial) VALUES (?, ?, ?)", id, state,
                   state == workflow.states.front());
        for (const auto& transition : workflow.transitions) {
            auto what = "the transition '" + transition.name + "' from ";
            what += transition.from;
            unless_taken(what, [&] {
                return tx.run(
                    "INSERT INTO WorkflowTransitions(workflow_id, name, from_state_id, to_state_id) VALUES (?1, ?2, "
                    "(SELECT state_id FROM WorkflowStates WHERE workflow_id = ?1 AND name = ?3), "
                    "(SELECT state_id FROM WorkflowStates WHERE workflow_id = ?1 AND name = ?4))",
                    id, transition.name, transition.from, transition.to);
            });
        }
        HistoryManager{db_}.record(by, Subject::workflow, id.value, "created", {}, workflow.name);
        return id;
    });
}

void WorkflowManager::remove(WorkflowId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto workflow = read(tx, id);
        if (tx.maybe<int>("SELECT 1 FROM Revisions WHERE workflow_id = ? LIMIT 1", id))
            throw Conflict{"there are revisions under the workflow '" + workflow.name + "', so it stays"};
        if (id == WorkflowId{1})
            throw Conflict{"'" + workflow.name + "' is what new revisions begin with, so it stays"};
        tx.run("DELETE FROM Workflows WHERE workflow_id = ?", id);
        HistoryManager{db_}.record(by, Subject::workflow, id.value, "removed", workflow.name);
    });
}

Workflow WorkflowManager::get(WorkflowId id) const {
    return db_.execute([&](sqlane::Reader& r) { return read(r, id); });
}

Workflow WorkflowManager::find(std::string_view name) const {
    return db_.execute([&](sqlane::Reader& r) {
        const auto id = r.maybe<WorkflowId>("SELECT workflow_id FROM Workflows WHERE name = ?", name);
        if (!id) throw NotFound{"workflow", "'" + std::string{name} + "'"};
        return read(r, *id);
    });
}

std::vector<Workflow> WorkflowManager::list() const {
    return db_.execute([](sqlane::Reader& r) {
        std::vector<Workflow> all;
        for (const auto id : r.all<WorkflowId>("SELECT workflow_id FROM Workflows ORDER BY name"))
            all.push_back(read(r, id));
        return all;
    });
}

std::vector<WorkflowTransition> WorkflowManager::allowed(RevisionId revision) const {
    return db_.execute([&](sqlane::Reader& r) {
        static_cast<void>(title_of(r, revision));
        return r.all<WorkflowTransition>(
            transitions +
                "JOIN Revisions AS v ON v.workflow_id = t.workflow_id AND v.state = f.name "
                "WHERE v.revision_id = ? ORDER BY transition_id",
            revision);
    });
}

void WorkflowManager::move(RevisionId revision, std::string_view transition, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto ways = allowed(revision);
        const auto state = tx.one<State>("SELECT state FROM Revisions WHERE revision_id = ?", revision);
        const auto way = std::ranges::find(ways, transition, &WorkflowTransition::name);
        if (way == ways.end()) {
            std::vector<std::string> names;
            names.reserve(ways.size());
            for (const auto& other : ways) names.push_back(other.name);
            throw InvalidTransition{title_of(tx, revision) + " is " + std::string{to_text(state)} +
                                        ", from where there is no '" + std::string{transition} +
                                        "'; allowed: " + list_of(ways),
                                    std::string{to_text(state)}, std::string{transition}, std::move(names)};
        }
        const auto to = from_text<State>(way->to);
        tx.run(
            "UPDATE Revisions SET state = ?1, version = version + 1, modified_date = max(?2, created_date), "
            "released_date = CASE WHEN ?1 = 'Released' THEN max(?2, created_date) ELSE released_date END "
            "WHERE revision_id = ?3",
            to, now(), revision);
        HistoryManager{db_}.record(by, Subject::revision, revision.value, "state", way->from, way->to);
    });
}

std::vector<HistoryEntry> WorkflowManager::moves(RevisionId revision) const {
    auto entries = HistoryManager{db_}.of(revision);
    std::erase_if(entries, [](const HistoryEntry& entry) { return entry.action != "state"; });
    return entries;
}

}  // namespace plm
