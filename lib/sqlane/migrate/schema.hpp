#pragma once

#include "handle/migration_connection.hpp"

#include <sqlane/migrator.hpp>

#include <set>
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

/// A row whose parent is not there.
struct ForeignKeyViolation {
    std::string child;
    std::string parent;
    /// Of the columns that refer.
    std::string values;
    /// "Children.17 -> Parents".
    std::string text;
};

/// Sorted by text; a table whose foreign key refers to what is no key is one too. Only of these tables, as far as they
/// are there; of all when none is named.
[[nodiscard]] std::vector<ForeignKeyViolation> foreign_key_violations(MigrationConnection& db,
                                                                      const std::vector<std::string>& tables);

/// What violates foreign keys at one time, and the names of all tables then, lower case.
struct Violations {
    std::vector<ForeignKeyViolation> all;
    std::set<std::string> tables;
};

/// Those that were not there before, as text. One is the same when it refers to the same in vain, whatever the number
/// of its row, and also when its table or the one that it refers to was renamed.
[[nodiscard]] std::vector<std::string> new_violations(const Violations& before, const Violations& after);

}  // namespace sqlane::detail
