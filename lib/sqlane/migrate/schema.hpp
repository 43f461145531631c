#pragma once

#include "handle/migration_connection.hpp"

#include <sqlane/migrator.hpp>

#include <string>
#include <vector>

namespace sqlane::detail {

/// One object of the application's schema: not SQLite's own, not our history, not the shadow tables of a virtual one.
struct SchemaObject {
    std::string type;
    std::string name;
    std::string table;
    std::string sql;

    [[nodiscard]] std::string title() const { return type + " " + name; }
};

/// Sorted by type (tables, indexes, views, triggers) and name.
[[nodiscard]] std::vector<SchemaObject> read_schema(MigrationConnection& db);
[[nodiscard]] std::string schema_hash(const std::vector<SchemaObject>& objects);
[[nodiscard]] std::string schema_text(const std::vector<SchemaObject>& objects);
[[nodiscard]] std::vector<SchemaDifference> compare_schemas(const std::vector<SchemaObject>& expected,
                                                            const std::vector<SchemaObject>& found);

/// "Children.17 -> Parents", each as often as it occurs, sorted; a table whose foreign key refers to what is no key is one
/// too. Only of these tables, as far as they are there; of all when none is named.
[[nodiscard]] std::vector<std::string> foreign_key_violations(MigrationConnection& db,
                                                              const std::vector<std::string>& tables);

}  // namespace sqlane::detail
