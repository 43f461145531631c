#pragma once

#include "handle/migration_connection.hpp"

#include <sqlane/migrator.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sqlane::detail {

/// A row of `_schema_migrations`.
struct AppliedRow {
    std::string version;
    std::string name;
    std::string checksum;
    std::string applied_at;
    std::int64_t duration_ms = 0;
    /// The oldest version whose build can use the database; empty for any.
    std::string min_compatible;
    std::string down_sql;
    std::string schema_hash;
    /// In the order in which they were applied, which is another one after an `out-of-order`.
    std::size_t place = 0;

    [[nodiscard]] std::uint64_t number() const;
};

inline constexpr const char* history_table = "_schema_migrations";

[[nodiscard]] bool has_history(MigrationConnection& db);
/// In the order of versions; empty when there is no table.
[[nodiscard]] std::vector<AppliedRow> read_history(MigrationConnection& db);
void make_history(MigrationConnection& db);
void record(MigrationConnection& db, const Migration& migration, const AppliedRow& row, int statements,
            const std::string& app_version);
void forget(MigrationConnection& db, const std::string& version);
/// The schema is the one that the last run left, going by the hash that it recorded.
[[nodiscard]] bool is_as_left(MigrationConnection& db);
/// As if the migration had been applied as it is now.
void accept(MigrationConnection& db, const std::string& version, const Migration& migration);

/// The number of a version in digits.
[[nodiscard]] std::uint64_t version_number(const std::string& version);

}  // namespace sqlane::detail
