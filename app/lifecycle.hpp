#pragma once

#include "workplace.hpp"

#include <string>
#include <vector>

namespace cli {

/// What `review`, `approve` and `workflow move` take beside the revision.
struct LifecycleOptions : CommonOptions {
    /// Where one is meant, and where there can be several.
    std::string revision;
    std::vector<std::string> revisions;
    std::string transition;
    std::vector<std::string> reviewers;
    std::string comment;
    bool own_work = false;
};

/// Each goes through PartManagementManager, with the rights of the user, in one transaction for all the revisions, and
/// prints where they are then.
int run_submit(Workplace& workplace, const LifecycleOptions& options, bool json);
int run_withdraw(Workplace& workplace, const LifecycleOptions& options, bool json);
int run_approve(Workplace& workplace, const LifecycleOptions& options, bool json);
int run_reject(Workplace& workplace, const LifecycleOptions& options, bool json);
/// By the name of the transition.
int run_move(Workplace& workplace, const LifecycleOptions& options, bool json);

void add_revision(CLI::App& verb, LifecycleOptions& options);
void add_revisions(CLI::App& verb, LifecycleOptions& options);
void add_reviewers(CLI::App& verb, LifecycleOptions& options, bool required);
void add_comment(CLI::App& verb, LifecycleOptions& options, bool required);
void add_own_work(CLI::App& verb, LifecycleOptions& options);

}  // namespace cli
