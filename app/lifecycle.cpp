#include "lifecycle.hpp"

#include "domain_text.hpp"

#include <algorithm>
#include <array>
#include <iostream>

namespace cli {
namespace {

plm::OwnWork own_work(const LifecycleOptions& options) {
    return options.own_work ? plm::OwnWork::allowed : plm::OwnWork::refused;
}

std::vector<plm::UserId> reviewers_of(Workplace& workplace, const LifecycleOptions& options) {
    if (options.reviewers.empty()) throw BadUsage{"nobody is asked to review it", "Name them: --reviewer USER ..."};
    std::vector<plm::UserId> ids;
    ids.reserve(options.reviewers.size());
    for (const auto& name : options.reviewers) ids.push_back(workplace->users().find(name).id);
    return ids;
}

/// Of the newest round, who has not decided.
std::vector<std::string> awaited(Workplace& workplace, plm::RevisionId id) {
    std::vector<std::string> names;
    for (const auto& approval : workplace->approvals().list(id))
        if (approval.decision == plm::Decision::pending) names.push_back(workplace.name_of(approval.reviewer));
    return names;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : ", ") + printable(word);
    return text;
}

/// What can be done now.
std::string next_step(const plm::Revision& revision, const std::vector<std::string>& waits_for) {
    if (revision.state != plm::State::in_review) return "";
    return waits_for.empty() ? "; approved by all, so it can be released" : "; waits for " + joined(waits_for);
}

Json state_of(Workplace& workplace, const plm::Revision& revision) {
    auto object = as_json(workplace, revision);
    object["waits_for"] = awaited(workplace, revision.id);
    object["warnings"] = workplace->management().warnings(revision.id);
    return object;
}

void print_state(Workplace& workplace, const plm::Revision& revision) {
    print_warnings(workplace->management().warnings(revision.id));
    std::cout << workplace.title_of(revision) << " is " << paint(Paint::bold, plm::to_text(revision.state))
              << next_step(revision, awaited(workplace, revision.id)) << '\n';
}

std::vector<std::string> names_of(const LifecycleOptions& options) {
    return options.revision.empty() ? options.revisions : std::vector{options.revision};
}

/// Does `step` with each revision, all or none, and prints where they are then.
template <class Step>
int for_each(Workplace& workplace, const LifecycleOptions& options, bool json, Step step) {
    const auto names = names_of(options);
    std::vector<plm::RevisionId> ids;
    ids.reserve(names.size());
    for (const auto& name : names) ids.push_back(workplace.revision(name).id);
    const auto by = workplace.user();
    workplace->connections().transaction([&](sqlane::Transaction&) {
        for (const auto id : ids) step(id, by);
    });
    Json list = Json::array();
    for (const auto id : ids) {
        const auto revision = workplace->revisions().get(id);
        if (json)
            list.push_back(state_of(workplace, revision));
        else
            print_state(workplace, revision);
    }
    if (json) print(Json{{"revisions", list}});
    return done;
}

int run_release(Workplace& workplace, const LifecycleOptions& options, bool json) {
    return for_each(workplace, options, json, [&](plm::RevisionId id, plm::UserId by) {
        workplace->management().release(id, by, own_work(options));
    });
}

int run_obsolete(Workplace& workplace, const LifecycleOptions& options, bool json) {
    require_consent("make " + joined(names_of(options)) + " obsolete for ever?", options.yes);
    return for_each(workplace, options, json, [&](plm::RevisionId id, plm::UserId by) {
        workplace->management().make_obsolete(id, by, own_work(options));
    });
}

}  // namespace

int run_submit(Workplace& workplace, const LifecycleOptions& options, bool json) {
    const auto reviewers = reviewers_of(workplace, options);
    return for_each(workplace, options, json,
                    [&](plm::RevisionId id, plm::UserId by) { workplace->management().submit(id, reviewers, by); });
}

int run_withdraw(Workplace& workplace, const LifecycleOptions& options, bool json) {
    return for_each(workplace, options, json,
                    [&](plm::RevisionId id, plm::UserId by) { workplace->management().withdraw(id, by); });
}

int run_approve(Workplace& workplace, const LifecycleOptions& options, bool json) {
    return for_each(workplace, options, json, [&](plm::RevisionId id, plm::UserId by) {
        workplace->management().approve(id, by, options.comment, own_work(options));
    });
}

int run_reject(Workplace& workplace, const LifecycleOptions& options, bool json) {
    if (options.comment.empty()) throw BadUsage{"a rejection has a reason", "Say it: --comment TEXT"};
    return for_each(workplace, options, json, [&](plm::RevisionId id, plm::UserId by) {
        workplace->management().reject(id, by, options.comment, own_work(options));
    });
}

int run_move(Workplace& workplace, const LifecycleOptions& options, bool json) {
    struct Way {
        const char* name;
        int (*run)(Workplace&, const LifecycleOptions&, bool);
    };
    constexpr std::array<Way, 5> ways{{{"submit", run_submit},
                                       {"reject", run_reject},
                                       {"withdraw", run_withdraw},
                                       {"release", run_release},
                                       {"obsolete", run_obsolete}}};
    const auto* way = std::ranges::find(ways, options.transition, &Way::name);
    return way->run(workplace, options, json);
}

void add_revision(CLI::App& verb, LifecycleOptions& options) {
    verb.add_option("revision", options.revision, "NUMBER@LABEL, or NUMBER for its latest revision")
        ->required()
        ->type_name("REVISION");
}

void add_revisions(CLI::App& verb, LifecycleOptions& options) {
    verb.add_option("revisions", options.revisions, "Each NUMBER@LABEL, or NUMBER for its latest; all of them or none")
        ->required()
        ->type_name("REVISION");
}

void add_reviewers(CLI::App& verb, LifecycleOptions& options, bool required) {
    // One name each: a list would swallow the revision behind it.
    verb.add_option("--reviewer", options.reviewers, "Who is to approve it; once for each")
        ->required(required)
        ->type_name("USER")
        ->expected(1)
        ->take_all();
}

void add_comment(CLI::App& verb, LifecycleOptions& options, bool required) {
    verb.add_option("--comment", options.comment, "Why")->required(required);
}

void add_own_work(CLI::App& verb, LifecycleOptions& options) {
    verb.add_flag("--own-work", options.own_work, "An Admin may do it with what is his own, if he says so");
}

}  // namespace cli
