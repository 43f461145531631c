#include "domain_text.hpp"
#include "lifecycle.hpp"

#include <iostream>

namespace cli {
namespace {

constexpr const char* approve_example =
    "approve AS-10002 EL-RES-10000 --as bo\napprove AS-10002@2 --comment \"Well done\"";

Json to_json(Workplace& workplace, const plm::Approval& approval) {
    return {{"round", approval.round},
            {"reviewer", workplace.name_of(approval.reviewer)},
            {"decision", plm::to_text(approval.decision)},
            {"comment", approval.comment},
            {"requested", iso_time(approval.requested)},
            {"decided", as_json(approval.decided)}};
}

int run_list(Workplace& workplace, const LifecycleOptions& options, bool json) {
    const auto revision = workplace.revision(options.revision);
    Rows rows{{"round", "reviewer", "decision", "asked (UTC)", "decided (UTC)", "comment"}};
    Json list = Json::array();
    for (const auto& one : workplace->approvals().list(revision.id)) {
        rows.push_back({std::to_string(one.round), printable(workplace.name_of(one.reviewer)),
                        std::string{plm::to_text(one.decision)}, shown_time(one.requested),
                        one.decided ? shown_time(*one.decided) : "", printable(one.comment)});
        list.push_back(to_json(workplace, one));
    }
    if (json)
        print(Json{{"revision", as_json(workplace, revision)}, {"reviews", list}});
    else
        std::cout << (list.empty() ? workplace.title_of(revision) + " was never submitted\n" : table(rows, "rlllll"));
    return done;
}

int run_pending(Workplace& workplace, const LifecycleOptions& /*options*/, bool json) {
    const auto user = workplace.user();
    Rows rows{{"revision", "author", "asked (UTC)", "change note"}};
    Json list = Json::array();
    for (const auto& one : workplace->approvals().pending_for(user)) {
        const auto revision = workplace->revisions().get(one.revision);
        rows.push_back({workplace.title_of(revision), printable(workplace.name_of(revision.author)),
                        shown_time(one.requested), printable(revision.change_note)});
        list.push_back({{"revision", as_json(workplace, revision)}, {"requested", iso_time(one.requested)}});
    }
    const auto name = workplace.name_of(user);
    if (json)
        print(Json{{"reviewer", name}, {"pending", list}});
    else
        std::cout << (list.empty() ? "nothing waits for " + printable(name) + "\n" : table(rows, "llll"));
    return done;
}

void add_approve_options(CLI::App& verb, LifecycleOptions& options) {
    add_revisions(verb, options);
    add_comment(verb, options, false);
    add_own_work(verb, options);
}

}  // namespace

Command review_command(CLI::App& app) {
    Group group{app, "review", "Submit revisions to review, and decide",
                "review submit AS-10002 --reviewer bo\nreview pending --as bo\nreview approve AS-10002 --as bo"};
    const auto options = std::make_shared<LifecycleOptions>();
    auto& o = *options;

    auto* submit = group.add("submit", "Ask others to approve drafts",
                             "review submit AS-10002 EL-RES-10000 --reviewer bo --reviewer cy", o,
                             in_workplace(options, run_submit));
    add_revisions(*submit, o);
    add_reviewers(*submit, o, true);

    auto* withdraw = group.add("withdraw", "Take revisions back out of review", "review withdraw AS-10002", o,
                               in_workplace(options, run_withdraw));
    add_revisions(*withdraw, o);

    auto* approve = group.add("approve", "Approve revisions that are in review", "review approve AS-10002 --as bo", o,
                              in_workplace(options, run_approve));
    add_approve_options(*approve, o);

    auto* reject =
        group.add("reject", "Send revisions back to their author", "review reject AS-10002 --comment \"R7 is missing\"",
                  o, in_workplace(options, run_reject));
    add_revisions(*reject, o);
    add_comment(*reject, o, true);
    add_own_work(*reject, o);

    add_revision(*group.add("list", "List the rounds of review of a revision", "review list AS-10002", o,
                            in_workplace(options, run_list)),
                 o);
    group.add("pending", "List what waits for the user's approval", "review pending --as bo", o,
              in_workplace(options, run_pending));
    return group.command();
}

Command approve_command(CLI::App& app) {
    auto* approve = app.add_subcommand("approve", "Approve revisions that are in review");
    const auto options = std::make_shared<LifecycleOptions>();
    add_common_options(*approve, *options, approve_example);
    add_approve_options(*approve, *options);
    return {approve, in_workplace(options, run_approve)};
}

}  // namespace cli
