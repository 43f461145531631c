#include "domain_text.hpp"
#include "lifecycle.hpp"

#include <iostream>

namespace cli {
namespace {

// ---- the workflows ----

Json to_json(const plm::Workflow& workflow) {
    Json states = Json::array();
    for (const auto& state : workflow.states) states.push_back({{"name", state.name}, {"initial", state.is_initial}});
    Json transitions = Json::array();
    for (const auto& one : workflow.transitions)
        transitions.push_back({{"name", one.name}, {"from", one.from}, {"to", one.to}});
    return {{"name", workflow.name}, {"states", states}, {"transitions", transitions}};
}

int show_workflows(Workplace& workplace, bool json) {
    Json list = Json::array();
    for (const auto& workflow : workplace->workflows().list()) {
        list.push_back(to_json(workflow));
        if (json) continue;
        Rows rows{{"transition", "from", "to"}};
        for (const auto& one : workflow.transitions)
            rows.push_back({printable(one.name), printable(one.from), printable(one.to)});
        std::cout << paint(Paint::bold, printable(workflow.name)) << '\n' << table(rows, "lll");
    }
    if (json) print(Json{{"workflows", list}});
    return done;
}

// ---- one revision in its own ----

Json to_json(Workplace& workplace, const plm::HistoryEntry& move) {
    return {{"from", as_json(move.from)},
            {"to", as_json(move.to)},
            {"by", move.by ? Json(workplace.name_of(*move.by)) : Json(nullptr)},
            {"at", iso_time(move.at)}};
}

void print_moves(Workplace& workplace, const plm::Revision& revision, const std::string& workflow,
                 const std::vector<plm::WorkflowTransition>& allowed) {
    std::string ways;
    for (const auto& way : allowed)
        ways += (ways.empty() ? "" : ", ") + printable(way.name) + " to " + printable(way.to);
    std::cout << workplace.title_of(revision) << " is " << paint(Paint::bold, plm::to_text(revision.state)) << " in "
              << printable(workflow) << "; allowed: " << (ways.empty() ? "nothing" : ways) << '\n';
    Rows rows{{"at (UTC)", "by", "from", "to"}};
    for (const auto& move : workplace->workflows().moves(revision.id))
        rows.push_back({shown_time(move.at), printable(workplace.name_of(move.by)), printable(move.from.value_or("")),
                        printable(move.to.value_or(""))});
    if (rows.size() > 1) std::cout << table(rows, "llll");
}

int show_revision(Workplace& workplace, const plm::Revision& revision, bool json) {
    const auto workflow = workplace->workflows().get(revision.workflow).name;
    const auto allowed = workplace->workflows().allowed(revision.id);
    if (!json) {
        print_moves(workplace, revision, workflow, allowed);
        return done;
    }
    Json ways = Json::array();
    for (const auto& way : allowed) ways.push_back({{"name", way.name}, {"to", way.to}});
    Json moves = Json::array();
    for (const auto& move : workplace->workflows().moves(revision.id)) moves.push_back(to_json(workplace, move));
    print(
        Json{{"revision", as_json(workplace, revision)}, {"workflow", workflow}, {"allowed", ways}, {"moves", moves}});
    return done;
}

int run_show(Workplace& workplace, const LifecycleOptions& options, bool json) {
    if (options.revision.empty()) return show_workflows(workplace, json);
    return show_revision(workplace, workplace.revision(options.revision), json);
}

}  // namespace

Command workflow_command(CLI::App& app) {
    Group group{app, "workflow", "Release revisions, and see where they are in their workflow",
                "workflow show AS-10002\nworkflow move AS-10002 release"};
    const auto options = std::make_shared<LifecycleOptions>();
    auto& o = *options;
    group
        .add("show", "Show where a revision is and what is allowed, or the workflows there are",
             "workflow show\nworkflow show AS-10002@1", o, in_workplace(options, run_show))
        ->add_option("revision", o.revision, "NUMBER@LABEL, or NUMBER for its latest revision")
        ->type_name("REVISION");

    auto* move = group.add("move", "Move a revision along a transition",
                           "workflow move AS-10002 submit --reviewer bo\nworkflow move AS-10002 release\n"
                           "workflow move AS-10002@1 obsolete --yes",
                           o, in_workplace(options, run_move));
    add_revision(*move, o);
    move->add_option("transition", o.transition, "Which")
        ->required()
        ->check(CLI::IsMember({"submit", "reject", "withdraw", "release", "obsolete"}));
    add_reviewers(*move, o, false);
    add_comment(*move, o, false);
    add_own_work(*move, o);
    add_yes(*move, o);
    return group.command();
}

}  // namespace cli
