#include "migrate/history.hpp"

#include "migrate/schema.hpp"
#include "migrate/stored_down.hpp"

#include <sqlane/version.hpp>

#include <algorithm>
#include <charconv>

namespace sqlane::detail {

std::uint64_t version_number(const std::string& version) {
    std::uint64_t number = 0;
    std::from_chars(version.data(), version.data() + version.size(), number);
    return number;
}

std::uint64_t AppliedRow::number() const { return version_number(version); }

bool has_history(MigrationConnection& db) {
    return db.value("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_schema_migrations'").has_value();
}

namespace {

/// Another tool may have a table of that name.
auto rows_of_history(MigrationConnection& db) {
    try {
        return db.query(
            "SELECT version, name, checksum, applied_at, duration_ms, min_compatible, down_sql, schema_hash "
            "FROM _schema_migrations ORDER BY seq");
    } catch (const UsageError& error) {
        throw MigrationError{MigrationProblem::newer, "foreign-history",
                             "the table _schema_migrations is not of this library (" + std::string{error.what()} +
                                 "); the database belongs to another program"};
    }
}

}  // namespace

std::vector<AppliedRow> read_history(MigrationConnection& db) {
    if (!has_history(db)) return {};
    std::vector<AppliedRow> history;
    const auto rows = rows_of_history(db);
    history.reserve(rows.size());
    for (const auto& row : rows)
        history.push_back({.version = row[0].value_or(""),
                           .name = row[1].value_or(""),
                           .checksum = row[2].value_or(""),
                           .applied_at = row[3].value_or(""),
                           .duration_ms = static_cast<std::int64_t>(version_number(row[4].value_or("0"))),
                           .min_compatible = row[5].value_or(""),
                           .down_sql = row[6].value_or(""),
                           .schema_hash = row[7].value_or(""),
                           .place = history.size()});
    std::ranges::stable_sort(history, {}, &AppliedRow::number);
    return history;
}

/// `user_version` belongs to the application, so the state is kept in a table. No user or host names in it.
void make_history(MigrationConnection& db) {
    db.query(
        "CREATE TABLE IF NOT EXISTS _schema_migrations("
        "seq INTEGER PRIMARY KEY, version TEXT NOT NULL UNIQUE, name TEXT NOT NULL, "
        "kind TEXT NOT NULL CHECK (kind IN ('versioned')), checksum TEXT NOT NULL, "
        "status TEXT NOT NULL CHECK (status IN ('applied')), statements_done INTEGER NOT NULL, "
        "statements_total INTEGER NOT NULL, applied_at TEXT NOT NULL, duration_ms INTEGER NOT NULL, "
        "min_compatible TEXT, down_sql TEXT, schema_hash TEXT NOT NULL, objects INTEGER NOT NULL, "
        "tool_version TEXT NOT NULL, app_version TEXT NOT NULL, sqlite_version TEXT NOT NULL, error TEXT) STRICT");
}

void record(MigrationConnection& db, const Migration& migration, const AppliedRow& row, int statements,
            const std::string& app_version) {
    const auto objects = read_schema(db);
    const auto optional = [](const std::string& text) { return text.empty() ? Value{} : Value{text}; };
    db.query(
        "INSERT INTO _schema_migrations(version, name, kind, checksum, status, statements_done, statements_total, "
        "applied_at, duration_ms, min_compatible, down_sql, schema_hash, objects, tool_version, app_version, "
        "sqlite_version) VALUES (?, ?, 'versioned', ?, 'applied', ?, ?, datetime('now'), ?, ?, ?, ?, ?, ?, ?, ?)",
        {row.version, row.name, row.checksum, std::to_string(statements), std::to_string(statements),
         std::to_string(row.duration_ms), optional(row.min_compatible), optional(stored_down(migration)),
         schema_hash(objects), std::to_string(objects.size()), sqlane::version, app_version, sqlite_version()});
}

void forget(MigrationConnection& db, const std::string& version) {
    // By number: the file may be called "2" today and have been called "0002" when it was applied.
    db.query("DELETE FROM _schema_migrations WHERE CAST(version AS INTEGER) = CAST(? AS INTEGER)", {version});
    const auto objects = read_schema(db);
    db.query(
        "UPDATE _schema_migrations SET schema_hash = ?, objects = ? "
        "WHERE seq = (SELECT max(seq) FROM _schema_migrations)",
        {schema_hash(objects), std::to_string(objects.size())});
}

bool is_as_left(MigrationConnection& db) {
    if (!has_history(db)) return true;
    db.query("BEGIN");  // both as of one moment: another process may be migrating
    const auto left = db.value("SELECT schema_hash FROM _schema_migrations ORDER BY seq DESC LIMIT 1");
    const auto found = schema_hash(read_schema(db));
    db.query("COMMIT");
    return left.value_or("").empty() || *left == found;
}

void accept(MigrationConnection& db, const std::string& version, const Migration& migration) {
    db.query("UPDATE _schema_migrations SET checksum = ?, down_sql = ? WHERE version = ?",
             {migration.checksum, migration.down ? Value{stored_down(migration)} : Value{}, version});
}

}  // namespace sqlane::detail
