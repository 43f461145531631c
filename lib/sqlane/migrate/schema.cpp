#include "migrate/schema.hpp"

#include "common/sha256.hpp"
#include "migrate/sql_lexer.hpp"

#include <algorithm>
#include <map>

namespace sqlane::detail {
namespace {

std::string quoted_name(const std::string& name) {
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
    return quoted + "\"";
}

using ByTitle = std::map<std::string, const SchemaObject*>;

ByTitle by_title(const std::vector<SchemaObject>& objects) {
    ByTitle map;
    for (const auto& object : objects) map[object.type + " " + lower_case(object.name)] = &object;
    return map;
}

}  // namespace

std::vector<SchemaObject> read_schema(MigrationConnection& db) {
    const auto rows = db.query(
        "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL "
        "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND tbl_name <> '_schema_migrations' "
        "AND name NOT IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow') "
        "ORDER BY CASE type WHEN 'table' THEN 1 WHEN 'index' THEN 2 WHEN 'view' THEN 3 ELSE 4 END, name");
    std::vector<SchemaObject> objects;
    objects.reserve(rows.size());
    for (const auto& row : rows)
        objects.push_back({row[0].value_or(""), row[1].value_or(""), row[2].value_or(""), row[3].value_or("")});
    return objects;
}

std::string schema_hash(const std::vector<SchemaObject>& objects) {
    std::string text;
    for (const auto& object : objects) text += object.title() + "\n" + normalised_sql(object.sql) + "\n";
    return "sha256:" + common::sha256(text);
}

std::string schema_text(const std::vector<SchemaObject>& objects) {
    std::string text;
    for (const auto& object : objects) text += object.sql + ";\n";
    return text;
}

std::vector<SchemaDifference> compare_schemas(const std::vector<SchemaObject>& expected,
                                              const std::vector<SchemaObject>& found) {
    using Kind = SchemaDifference::Kind;
    const auto wanted = by_title(expected);
    const auto there = by_title(found);
    std::vector<SchemaDifference> differences;
    for (const auto& [title, object] : wanted) {
        const auto match = there.find(title);
        if (match == there.end())
            differences.push_back({Kind::missing, object->title(), object->sql, {}});
        else if (normalised_sql(object->sql) != normalised_sql(match->second->sql))
            differences.push_back({Kind::different, object->title(), object->sql, match->second->sql});
    }
    for (const auto& [title, object] : there)
        if (!wanted.contains(title)) differences.push_back({Kind::unexpected, object->title(), {}, object->sql});
    return differences;
}

std::vector<std::string> foreign_key_violations(MigrationConnection& db, const std::vector<std::string>& tables) {
    std::vector<std::string> violations;
    // Table by table: a "foreign key mismatch" ends the check, and would hide what is behind it.
    for (const auto& object : read_schema(db)) {
        const auto is_it = [&](const auto& name) { return lower_case(name) == lower_case(object.name); };
        const bool wanted = tables.empty() || std::ranges::any_of(tables, is_it);
        if (!wanted || object.type != "table" || lower_case(object.sql).starts_with("create virtual")) continue;
        try {
            for (const auto& row : db.query("PRAGMA foreign_key_check(" + quoted_name(object.name) + ")"))
                violations.push_back(row[0].value_or("") + "." + row[1].value_or("?") + " -> " + row[2].value_or(""));
        } catch (const UsageError&) {
            violations.push_back(object.name +
                                 ": foreign key mismatch, for it refers to what is neither a primary key nor unique");
        }
    }
    std::ranges::sort(violations);
    return violations;
}

}  // namespace sqlane::detail
