#include "migrate/schema.hpp"

#include "common/sha256.hpp"
#include "migrate/sql_lexer.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

namespace sqlane::detail {
namespace {

std::string quoted_name(const std::string& name) {
    std::string quoted = "\"";
    for (const char c : name) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
    return quoted + "\"";
}

/// SQLite keeps a comment between the statement and its semicolon, which would then be part of the comment.
std::string without_last_comments(const std::string& sql) {
    std::size_t end = 0;
    for (const auto& token : sql_tokens(sql))
        if (token.kind != SqlToken::Kind::comment) end = token.offset + token.text.size();
    return sql.substr(0, end);
}

using ByTitle = std::map<std::string, const SchemaObject*>;

ByTitle by_title(const std::vector<SchemaObject>& objects) {
    ByTitle map;
    for (const auto& object : objects) map[object.type + " " + lower_case(object.name)] = &object;
    return map;
}

/// The columns of each foreign key of a table, by the number that foreign_key_check gives it.
std::map<std::string, std::string> foreign_key_columns(MigrationConnection& db, const std::string& table) {
    std::map<std::string, std::string> columns;
    for (const auto& row : db.query("PRAGMA foreign_key_list(" + quoted_name(table) + ")")) {
        auto& list = columns[row[0].value_or("")];
        list += (list.empty() ? "" : ", ") + quoted_name(row[3].value_or(""));
    }
    return columns;
}

/// What rows refer to in vain, by their numbers.
std::map<std::string, std::string> referred_values(MigrationConnection& db, const std::string& table,
                                                   const std::string& columns, const std::vector<std::string>& rows) {
    constexpr std::size_t at_a_time = 1000;
    std::map<std::string, std::string> values;
    for (std::size_t i = 0; i < rows.size();) {
        std::string list;
        for (const auto end = std::min(i + at_a_time, rows.size()); i < end; ++i)
            list += (list.empty() ? "" : ",") + rows[i];
        auto sql = "SELECT _rowid_, " + columns + " FROM " + quoted_name(table);
        sql += " WHERE _rowid_ IN (" + list + ")";
        for (const auto& row : db.query(sql))
            for (std::size_t column = 1; column < row.size(); ++column)
                values[row[0].value_or("")] += row[column].value_or("") + '\n';
    }
    return values;
}

void add_violations(MigrationConnection& db, const std::string& table, std::vector<ForeignKeyViolation>& violations) {
    const auto found = db.query("PRAGMA foreign_key_check(" + quoted_name(table) + ")");
    if (found.empty()) return;
    std::map<std::string, std::vector<std::string>> rows;
    for (const auto& row : found)
        if (row[1]) rows[row[3].value_or("")].push_back(*row[1]);  // a table WITHOUT ROWID does not say which it is
    auto columns = foreign_key_columns(db, table);
    std::map<std::string, std::map<std::string, std::string>> values;
    for (const auto& [key, numbers] : rows) values[key] = referred_values(db, table, columns[key], numbers);
    for (const auto& row : found) {
        const auto parent = row[2].value_or("");
        auto text = table + "." + row[1].value_or("?");
        text += " -> " + parent;
        violations.push_back({.child = table,
                              .parent = parent,
                              .values = row[1] ? values[row[3].value_or("")][*row[1]] : std::string{},
                              .text = std::move(text)});
    }
}

/// The same before and after: not by the number of the row, which a rebuild may change, and under which another row may
/// be found. The names of `other_names` are left out.
std::string key_of(const ForeignKeyViolation& violation, const std::set<std::string>& other_names) {
    const auto name = [&](const std::string& table) {
        return other_names.contains(lower_case(table)) ? std::string{"*"} : lower_case(table);
    };
    return name(violation.child) + '\n' + name(violation.parent) + '\n' + violation.values;
}

std::set<std::string> only_in(const std::set<std::string>& these, const std::set<std::string>& those) {
    std::set<std::string> rest;
    std::ranges::set_difference(these, those, std::inserter(rest, rest.end()));
    return rest;
}

using ViolationPointers = std::vector<const ForeignKeyViolation*>;

ViolationPointers pointers_to(const std::vector<ForeignKeyViolation>& violations) {
    ViolationPointers pointers;
    pointers.reserve(violations.size());
    for (const auto& violation : violations) pointers.push_back(&violation);
    return pointers;
}

/// Takes one out of each for every key that is in both.
template <class OldKey, class FoundKey>
void take_out_pairs(ViolationPointers& old, ViolationPointers& found, OldKey old_key, FoundKey found_key) {
    std::multimap<std::string, const ForeignKeyViolation*> left;
    for (const auto* violation : old) left.emplace(old_key(*violation), violation);
    std::erase_if(found, [&](const auto* violation) {
        const auto same = left.find(found_key(*violation));
        if (same == left.end()) return false;
        left.erase(same);
        return true;
    });
    old.clear();
    for (const auto& [key, violation] : left) old.push_back(violation);
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
    for (const auto& object : objects) text += without_last_comments(object.sql) + ";\n";
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

std::vector<ForeignKeyViolation> foreign_key_violations(MigrationConnection& db,
                                                        const std::vector<std::string>& tables) {
    std::vector<ForeignKeyViolation> violations;
    // Table by table: a "foreign key mismatch" ends the check, and would hide what is behind it.
    for (const auto& object : read_schema(db)) {
        const auto is_it = [&](const auto& name) { return lower_case(name) == lower_case(object.name); };
        const bool wanted = tables.empty() || std::ranges::any_of(tables, is_it);
        if (!wanted || object.type != "table" || lower_case(object.sql).starts_with("create virtual")) continue;
        try {
            add_violations(db, object.name, violations);
        } catch (const UsageError&) {
            const auto* words = ": foreign key mismatch, for it refers to what is neither a primary key nor unique";
            violations.push_back({.child = object.name, .parent = {}, .values = {}, .text = object.name + words});
        }
    }
    std::ranges::sort(violations, {}, &ForeignKeyViolation::text);
    return violations;
}

std::vector<std::string> new_violations(const Violations& before, const Violations& after) {
    auto old = pointers_to(before.all);
    auto found = pointers_to(after.all);
    const auto gone = only_in(before.tables, after.tables);
    const auto made = only_in(after.tables, before.tables);
    // The row itself, then one that a rebuild has numbered anew, then one of a table that has another name now.
    const auto row = [](const ForeignKeyViolation& violation) { return violation.text + '\n' + key_of(violation, {}); };
    take_out_pairs(old, found, row, row);
    const auto same = [](const ForeignKeyViolation& violation) { return key_of(violation, {}); };
    take_out_pairs(old, found, same, same);
    take_out_pairs(
        old, found, [&](const ForeignKeyViolation& violation) { return key_of(violation, gone); },
        [&](const ForeignKeyViolation& violation) { return key_of(violation, made); });
    std::vector<std::string> fresh;
    fresh.reserve(found.size());
    for (const auto* violation : found) fresh.push_back(violation->text);
    return fresh;
}

}  // namespace sqlane::detail
