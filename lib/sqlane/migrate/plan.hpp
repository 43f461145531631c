#pragma once

#include "migrate/history.hpp"

#include <sqlane/migrator.hpp>

#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace sqlane::detail {

/// One file to run, forwards or backwards.
struct PlanStep {
    Migration migration;
    bool down = false;
};

struct Plan {
    std::vector<PlanStep> steps;
    std::vector<std::string> warnings;
};

/// Everything pending; throws what stands in the way. A newer, compatible database gives a warning and no step.
[[nodiscard]] Plan plan_up(const std::vector<AppliedRow>& history, const MigrationSet& set,
                           const MigrationOptions& options);
/// Back until `keep` says that a version stays.
[[nodiscard]] Plan plan_down(const std::vector<AppliedRow>& history, const MigrationSet& set, std::size_t count);
/// Undoes what is newer than `version`, the newest `at_most` of it.
[[nodiscard]] Plan plan_down_to(const std::vector<AppliedRow>& history, const MigrationSet& set,
                                const std::string& version,
                                std::size_t at_most = std::numeric_limits<std::size_t>::max());
[[nodiscard]] Plan plan_redo(const std::vector<AppliedRow>& history, const MigrationSet& set);

[[nodiscard]] std::vector<MigrationStatus> status_of(const std::vector<AppliedRow>& history, const MigrationSet& set);
/// Throws unless what was applied is there, unedited.
void require_known_history(const std::vector<AppliedRow>& history, const MigrationSet& set);

[[nodiscard]] std::string current_version(const std::vector<AppliedRow>& history);
[[nodiscard]] std::string title(const Migration& migration);

}  // namespace sqlane::detail
