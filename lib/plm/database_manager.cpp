#include <plm/database_manager.hpp>

#include <plm_migrations.hpp>

namespace plm {
namespace {

sqlane::MigrationOptions with_our_id(sqlane::MigrationOptions options) {
    options.application_id = application_id;
    return options;
}

}  // namespace

const sqlane::MigrationSet& schema() { return plm_migrations(); }

DatabaseManager::DatabaseManager(const std::filesystem::path& file, const sqlane::Options& options,
                                 sqlane::MigrationOptions migration)
    : migration_(sqlane::migrate(file, schema(), with_our_id(std::move(migration)))), db_(file, options) {}

}  // namespace plm
