#pragma once

#include <plm/approval_manager.hpp>
#include <plm/category_manager.hpp>
#include <plm/file_manager.hpp>
#include <plm/history_manager.hpp>
#include <plm/manufacturer_part_manager.hpp>
#include <plm/part_management_manager.hpp>
#include <plm/part_manager.hpp>
#include <plm/property_manager.hpp>
#include <plm/relationship_manager.hpp>
#include <plm/revision_manager.hpp>
#include <plm/user_manager.hpp>
#include <plm/workflow_manager.hpp>

#include <sqlane/connection_manager.hpp>
#include <sqlane/migrator.hpp>

#include <filesystem>

namespace plm {

/// The migrations that this build knows.
const sqlane::MigrationSet& schema();

/// Stands in the header of every database of this library: "PLM1".
inline constexpr std::int32_t application_id = 0x504C4D31;

/// One database: migrated, open, with all its managers. Make one per file and share it.
/// Thread safety: all members, except the destructor.
class DatabaseManager {
public:
    /// Brings the file to this build's schema, or makes it. Throws sqlane::MigrationError and leaves the file alone when
    /// a newer build has used it or another application owns it.
    explicit DatabaseManager(const std::filesystem::path& file, const sqlane::Options& options = {},
                             sqlane::MigrationOptions migration = {});

    /// What opening did to the schema.
    [[nodiscard]] const sqlane::MigrationResult& migration() const noexcept { return migration_; }
    [[nodiscard]] sqlane::ConnectionManager& connections() noexcept { return db_; }

    [[nodiscard]] PartManager parts() { return PartManager{db_}; }
    [[nodiscard]] CategoryManager categories() { return CategoryManager{db_}; }
    [[nodiscard]] RevisionManager revisions() { return RevisionManager{db_}; }
    [[nodiscard]] RelationshipManager relationships() { return RelationshipManager{db_}; }
    [[nodiscard]] PropertyManager properties() { return PropertyManager{db_}; }
    [[nodiscard]] ApprovalManager approvals() { return ApprovalManager{db_}; }
    [[nodiscard]] FileManager files() { return FileManager{db_}; }
    [[nodiscard]] ManufacturerPartManager manufacturer_parts() { return ManufacturerPartManager{db_}; }
    [[nodiscard]] WorkflowManager workflows() { return WorkflowManager{db_}; }
    [[nodiscard]] PartManagementManager management() { return PartManagementManager{db_}; }
    [[nodiscard]] HistoryManager history() { return HistoryManager{db_}; }
    [[nodiscard]] UserManager users() { return UserManager{db_}; }

private:
    sqlane::MigrationResult migration_;
    sqlane::ConnectionManager db_;
};

}  // namespace plm
