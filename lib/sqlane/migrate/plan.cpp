#include "migrate/plan.hpp"

#include "migrate/stored_down.hpp"

#include <algorithm>
#include <set>

/// Decides from the history and the files alone, before anything runs, what there is to do.
namespace sqlane::detail {
namespace {

using State = MigrationStatus::State;

[[noreturn]] void refuse(MigrationProblem problem, const char* code, const std::string& what) {
    throw MigrationError{problem, code, what};
}

std::uint64_t newest_known(const MigrationSet& set) { return set.all().empty() ? 0 : set.all().back().number(); }

std::uint64_t newest_applied(const std::vector<AppliedRow>& history) {
    return history.empty() ? 0 : history.back().number();
}

bool is_applied(const std::vector<AppliedRow>& history, const Migration& migration) {
    return std::ranges::find(history, migration.number(), &AppliedRow::number) != history.end();
}

State state_of(const AppliedRow& row, const MigrationSet& set) {
    const Migration* file = set.find(row.version);
    if (file == nullptr) return row.number() > newest_known(set) ? State::future : State::missing;
    return file->checksum == row.checksum ? State::applied : State::modified;
}

std::string row_title(const AppliedRow& row) { return row.version + "_" + row.name; }

/// Rows that a newer build wrote, newest first.
std::vector<AppliedRow> unknown_rows(const std::vector<AppliedRow>& history, const MigrationSet& set) {
    std::vector<AppliedRow> unknown;
    std::ranges::copy_if(history, std::back_inserter(unknown),
                         [&](const AppliedRow& row) { return state_of(row, set) == State::future; });
    std::ranges::reverse(unknown);
    return unknown;
}

/// The floor below which no build can use the database.
std::uint64_t oldest_compatible(const std::vector<AppliedRow>& history) {
    std::uint64_t floor = 0;
    for (const auto& row : history) floor = std::max(floor, version_number(row.min_compatible));
    return floor;
}

/// Undone with the SQL that the newer build stored.
PlanStep undo_stored(const AppliedRow& row) {
    if (row.down_sql.empty())
        refuse(MigrationProblem::newer, "no-stored-down",
               "the database is at " + row_title(row) +
                   ", which this build does not know and which stored no way back: "
                   "update the app, or restore a backup");
    return {from_stored_down(row.version, row.name, row.down_sql), true};
}

PlanStep undo(const AppliedRow& row, const MigrationSet& set) {
    const Migration* file = set.find(row.version);
    if (file == nullptr) return undo_stored(row);
    if (!file->down)
        refuse(MigrationProblem::refused, "no-down",
               file->file + " has no migrate:down section, so it cannot be undone; write one, or restore a backup");
    return {*file, true};
}

Plan plan_newer(const std::vector<AppliedRow>& history, const MigrationSet& set, const MigrationOptions& options,
                const std::vector<AppliedRow>& unknown) {
    Plan plan;
    const auto words = "the database is at " + row_title(unknown.front()) + ", this build knows " +
                       (set.newest().empty() ? "none" : set.newest());
    if (options.downgrade) {
        for (const auto& row : unknown) plan.steps.push_back(undo_stored(row));
        return plan;
    }
    if (oldest_compatible(history) > newest_known(set))
        refuse(MigrationProblem::newer, "newer-database", words + ": update the app");
    plan.warnings.push_back(words + "; it says that this build can use it, so it is left as it is");
    return plan;
}

void require_sqlite(const Migration& migration) {
    if (migration.requires_sqlite.empty()) return;
    if (parse_sqlite_version(migration.requires_sqlite) > sqlite_version_number())
        refuse(MigrationProblem::refused, "sqlite-too-old",
               migration.file + " needs SQLite " + migration.requires_sqlite + ", this is " + sqlite_version() +
                   ": update the app");
}

void require_in_order(const Migration& migration, const std::vector<AppliedRow>& history) {
    if (migration.out_of_order || migration.number() > newest_applied(history)) return;
    refuse(MigrationProblem::refused, "out-of-order",
           migration.file + " is older than " + row_title(history.back()) +
               ", which is applied already; give it a newer version, or mark it: -- migrate: out-of-order");
}

/// "0" stands for none. What a newer build applied can be gone back to as well.
void require_known_target(const std::string& version, const std::vector<AppliedRow>& history, const MigrationSet& set) {
    const bool digits = !version.empty() && version.find_first_not_of("0123456789") == std::string::npos;
    const bool none = digits && version.find_first_not_of('0') == std::string::npos;
    const bool applied = std::ranges::find(history, version_number(version), &AppliedRow::number) != history.end();
    if (none || (digits && (applied || set.find(version) != nullptr))) return;
    refuse(MigrationProblem::refused, "unknown-version", "there is no migration '" + version + "'; see status");
}

}  // namespace

std::string title(const Migration& migration) { return migration.version + "_" + migration.name; }

std::string current_version(const std::vector<AppliedRow>& history) {
    return history.empty() ? std::string{} : history.back().version;
}

void require_known_history(const std::vector<AppliedRow>& history, const MigrationSet& set) {
    for (const auto& row : history) {
        const auto state = state_of(row, set);
        if (state == State::missing)
            refuse(MigrationProblem::refused, "missing-file",
                   row_title(row) + ".sql is applied, and its file is not there; bring it back");
        if (state == State::modified)
            refuse(MigrationProblem::refused, "checksum-mismatch",
                   set.find(row.version)->file + " was edited after it was applied: applied " + row.checksum +
                       ", file " + set.find(row.version)->checksum +
                       "; undo the edit and write a new migration, or accept it: sqlane migrate validate --accept " +
                       row.version);
    }
}

Plan plan_up(const std::vector<AppliedRow>& history, const MigrationSet& set, const MigrationOptions& options) {
    require_known_history(history, set);
    if (!options.to.empty()) require_known_target(options.to, history, set);
    Plan plan;
    if (const auto unknown = unknown_rows(history, set); !unknown.empty())
        plan = plan_newer(history, set, options, unknown);
    if (!plan.steps.empty()) return plan;
    for (const auto& migration : set.all()) {
        if (is_applied(history, migration)) continue;
        if (!options.to.empty() && migration.number() > version_number(options.to)) break;
        require_in_order(migration, history);
        require_sqlite(migration);
        plan.steps.push_back({migration, false});
    }
    return plan;
}

Plan plan_down(const std::vector<AppliedRow>& history, const MigrationSet& set, std::size_t count) {
    require_known_history(history, set);
    if (count > history.size())
        refuse(MigrationProblem::refused, "too-few-applied",
               "asked to undo " + std::to_string(count) + " migrations, and " + std::to_string(history.size()) +
                   " are applied");
    Plan plan;
    for (std::size_t i = 0; i < count; ++i) plan.steps.push_back(undo(history[history.size() - 1 - i], set));
    return plan;
}

Plan plan_down_to(const std::vector<AppliedRow>& history, const MigrationSet& set, const std::string& version,
                  std::size_t at_most) {
    require_known_target(version, history, set);
    const auto stays = version_number(version);
    const auto count = std::ranges::count_if(history, [&](const AppliedRow& row) { return row.number() > stays; });
    return plan_down(history, set, std::min(static_cast<std::size_t>(count), at_most));
}

Plan plan_redo(const std::vector<AppliedRow>& history, const MigrationSet& set) {
    auto plan = plan_down(history, set, 1);
    if (set.find(history.back().version) == nullptr)
        refuse(MigrationProblem::newer, "newer-database",
               "the database is at " + row_title(history.back()) +
                   ", which this build does not know and so cannot apply again: update the app");
    plan.steps.push_back({plan.steps.front().migration, false});
    return plan;
}

std::vector<MigrationStatus> status_of(const std::vector<AppliedRow>& history, const MigrationSet& set) {
    std::vector<MigrationStatus> all;
    all.reserve(history.size() + set.all().size());
    for (const auto& row : history)
        all.push_back({.version = row.version,
                       .name = row.name,
                       .state = state_of(row, set),
                       .applied_at = row.applied_at,
                       .duration = std::chrono::milliseconds{row.duration_ms}});
    for (const auto& migration : set.all()) {
        if (is_applied(history, migration)) continue;
        const bool late = migration.number() < newest_applied(history) && !migration.out_of_order;
        all.push_back({.version = migration.version,
                       .name = migration.name,
                       .state = late ? State::out_of_order : State::pending,
                       .applied_at = {},
                       .duration = {}});
    }
    std::ranges::stable_sort(all, {}, [](const MigrationStatus& status) { return version_number(status.version); });
    return all;
}

}  // namespace sqlane::detail
