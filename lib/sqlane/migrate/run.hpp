#pragma once

#include "migrate/plan.hpp"

#include <sqlane/migrator.hpp>

#include <filesystem>
#include <functional>

namespace sqlane::detail {

/// Decides what to run from the history as it is: asked once without a lock, and once more holding it.
using Choose = std::function<Plan(const std::vector<AppliedRow>&)>;

/// Runs the chosen steps in one transaction (or one per file). A plan without steps takes no write lock and changes no byte.
MigrationResult run_plan(const std::filesystem::path& file, const MigrationOptions& options, const Choose& choose);

/// The file at its absolute path, opened to look at; null when there is none.
std::unique_ptr<MigrationConnection> open_to_look(const std::filesystem::path& file, const MigrationOptions& options);

/// Throws when the database says that it belongs to another application.
void require_own_database(MigrationConnection& db, const MigrationOptions& options);

/// Runs the `up` section of what `history` says was applied, on an empty database.
void replay(MigrationConnection& db, std::vector<AppliedRow> history, const MigrationSet& set);

}  // namespace sqlane::detail
