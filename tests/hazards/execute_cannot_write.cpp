#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <vector>

// The promise: what is given to execute reads. Whatever SQL it runs, the database stays as it is, no file appears,
// and nothing is left on the handle; each attempt is a UsageError, and the closure can read on.

using sqlane::ConnectionManager;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;
using handle_tests::names_in;

void make_schema(ConnectionManager& db) {
    db.execute_mut([](Writer& w) {
        w.script(R"(
            CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT);
            CREATE INDEX t_name ON t (name);
            CREATE VIEW v AS SELECT id, name FROM t;
            CREATE TRIGGER v_insert INSTEAD OF INSERT ON v BEGIN INSERT INTO t (name) VALUES (new.name); END;
            CREATE VIRTUAL TABLE words USING fts5(text);
            CREATE VIRTUAL TABLE boxes USING rtree(id, low, high);
            INSERT INTO t (name) VALUES ('one'), ('two');
            INSERT INTO words VALUES ('some words to find');
            INSERT INTO boxes VALUES (1, 0, 10), (2, 20, 30);
            PRAGMA user_version = 5;
        )");
    });
}

/// All that a write could have changed, in one text.
std::string fingerprint(ConnectionManager& db) {
    return db.execute([](Reader& r) {
        std::string text;
        for (const auto& [id, name] : r.rows<int, std::optional<std::string>>("SELECT id, name FROM t ORDER BY id"))
            text += std::to_string(id) + name.value_or("NULL") + "|";
        for (const auto& sql : r.rows<std::optional<std::string>>("SELECT sql FROM sqlite_schema ORDER BY rowid"))
            text += sql.value_or("-") + "|";
        for (const char* pragma : {"user_version", "application_id", "schema_version", "page_count", "freelist_count"})
            text += r.one<std::string>("SELECT CAST(" + std::string{pragma} + " AS TEXT) FROM pragma_" + pragma) + "|";
        text += std::to_string(r.one<int>("SELECT count(*) FROM words")) + "|";
        text += std::to_string(r.one<int>("SELECT count(*) FROM boxes")) + "|";
        return text + r.one<std::string>("PRAGMA journal_mode");
    });
}

/// Everything that changes something, or could. FOLDER stands for the folder of the database.
const std::vector<std::string> attempts{
    "INSERT INTO t (name) VALUES ('x')",
    "INSERT INTO t (name) VALUES ('x') RETURNING id",
    "REPLACE INTO t (id, name) VALUES (1, 'x')",
    "INSERT INTO t (id, name) VALUES (1, 'x') ON CONFLICT DO UPDATE SET name = 'x'",
    "insert/**/into/**/t/**/(name)/**/values/**/('x')",
    "-- a comment\n/* and another */ ; ; UPDATE t SET name = 'x'",
    "WITH x(n) AS (SELECT 'x') UPDATE t SET name = (SELECT n FROM x) RETURNING id",
    "DELETE FROM t",
    "dElEtE FROM t WHERE id = 1 RETURNING id",
    "INSERT INTO v (name) VALUES ('x')",
    "INSERT INTO words VALUES ('x')",
    "INSERT INTO words(words) VALUES ('rebuild')",
    "DELETE FROM words",
    "INSERT INTO boxes VALUES (3, 1, 2)",
    "DELETE FROM boxes",
    "DELETE FROM words_data",
    "UPDATE boxes_node SET data = x'00'",
    "CREATE TABLE u (x)",
    "CREATE TABLE IF NOT EXISTS t (x)",
    "CREATE TABLE u AS SELECT 1",
    "CREATE TEMP TABLE u (x)",
    "create temporary table if not exists u as select 1",
    "CREATE TABLE temp.u (x)",
    "CREATE TEMP VIEW u AS SELECT 1",
    "CREATE TEMP TRIGGER u AFTER INSERT ON t BEGIN SELECT 1; END",
    "CREATE VIRTUAL TABLE u USING fts5(x)",
    "CREATE VIRTUAL TABLE temp.u USING fts5(x)",
    "CREATE INDEX u ON t (id, name)",
    "CREATE VIEW u AS SELECT 1",
    "CREATE TRIGGER u AFTER INSERT ON t BEGIN SELECT 1; END",
    "DROP TABLE t",
    "DROP TABLE IF EXISTS t",
    "DROP INDEX t_name",
    "DROP VIEW v",
    "ALTER TABLE t RENAME TO u",
    "ALTER TABLE t ADD COLUMN x",
    "ANALYZE",
    "REINDEX",
    "VACUUM",
    "vacuum main",
    "VACUUM INTO 'FOLDER/copy.db'",
    "VACUUM main INTO 'FOLDER/copy.db'",
    "ATTACH 'FOLDER/new.db' AS n",
    "ATTACH DATABASE 'FOLDER/' || 'new.db' AS n",
    "ATTACH ':memory:' AS n",
    "ATTACH '' AS n",
    "attach 'file:FOLDER/new.db?mode=rwc' as n",
    "DETACH main",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "END",
    "ROLLBACK",
    "SAVEPOINT s",
    "RELEASE s",
    "PRAGMA query_only = 0",
    "PRAGMA query_only(OFF)",
    "pRaGmA /* quietly */ main.QUERY_ONLY = off",
    "PRAGMA writable_schema = ON",
    "PRAGMA writable_schema(1)",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA Journal_Mode(MEMORY)",
    "PRAGMA main.journal_mode = OFF",
    "PRAGMA wal_checkpoint",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA main.WAL_CHECKPOINT = RESTART",
    "PRAGMA wal_autocheckpoint = 1",
    "PRAGMA user_version = 6",
    "PRAGMA application_id = 6",
    "PRAGMA schema_version = 6",
    "PRAGMA auto_vacuum = FULL",
    "PRAGMA incremental_vacuum",
    "PRAGMA incremental_vacuum(1)",
    "PRAGMA page_size = 8192",
    "PRAGMA encoding = 'UTF-16'",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA synchronous = OFF",
    "PRAGMA temp_store = FILE",
    "PRAGMA temp_store_directory = 'FOLDER'",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA recursive_triggers = ON",
    "PRAGMA defer_foreign_keys = ON",
    "PRAGMA ignore_check_constraints = ON",
    "PRAGMA case_sensitive_like = ON",
    "PRAGMA busy_timeout = 0",
    "PRAGMA cache_size = 1",
    "PRAGMA mmap_size = 1000000",
    "PRAGMA max_page_count = 1",
    "PRAGMA trusted_schema = ON",
    "PRAGMA optimize",
    "PRAGMA optimize(-1)",
    "SELECT * FROM pragma_optimize",
    "SELECT 1 FROM (SELECT * FROM Pragma_Optimize(2))",
};

/// A row of any shape.
struct Anything {};

std::string in_folder(std::string sql, const std::filesystem::path& folder) {
    for (std::size_t at = 0; (at = sql.find("FOLDER")) != std::string::npos;) sql.replace(at, 6, folder.string());
    return sql;
}

/// One attempt by each way to run a statement. Some are refused when they are compiled and some when they are stepped.
void check_refused(Reader& r, const std::string& sql) {
    CAPTURE(sql);
    complaint<UsageError>([&] { static_cast<void>(r.one<std::optional<std::string>>(sql)); });
    complaint<UsageError>([&] { static_cast<void>(r.maybe<std::optional<std::string>>(sql)); });
    complaint<UsageError>([&] { static_cast<void>(r.all<std::optional<std::string>>(sql)); });
    complaint<UsageError>([&] {
        for ([[maybe_unused]] const auto& row : r.rows<std::optional<std::string>>(sql)) CHECK(false);
    });
    CHECK(r.one<int>("SELECT count(*) FROM t") == 2);
}

}  // namespace

template <>
struct sqlane::RowReader<Anything> {
    static Anything read(const sqlane::Row& /*row*/) { return {}; }
};

namespace {

sqlane::Options quiet() {
    sqlane::Options options;
    options.upkeep_thread = false;
    return options;
}

}  // namespace

TEST_CASE("execute: every statement that writes is refused and nothing changes") {
    TemporaryDatabase test{quiet()};
    make_schema(test.db());
    const auto folder = test.path().parent_path();
    const auto before = fingerprint(test.db());
    const auto files = names_in(folder);
    const auto log = test->stats().wal_bytes;
    for (const auto& attempt : attempts) {
        const auto sql = in_folder(attempt, folder);
        CAPTURE(sql);
        test->execute([&](Reader& r) { check_refused(r, sql); });
        CHECK(names_in(folder) == files);
    }
    CHECK(fingerprint(test.db()) == before);
    CHECK(test->stats().wal_bytes == log);
    // Nothing was even left to be undone.
    CHECK(test->stats().readers.replaced == 0);
    CHECK(test->report().warnings.empty());
}

TEST_CASE("execute: the handle cannot be prepared for a write by the statements before it") {
    TemporaryDatabase test{quiet()};
    make_schema(test.db());
    const auto before = fingerprint(test.db());
    test->execute([](Reader& r) {
        for (const char* first : {"PRAGMA query_only = 0", "PRAGMA writable_schema = 1", "BEGIN IMMEDIATE", "COMMIT",
                                  "PRAGMA query_only"}) {
            try {
                static_cast<void>(r.all<int>(first));
            } catch (const UsageError&) {
            }
            complaint<UsageError>([&] { static_cast<void>(r.all<int>("INSERT INTO t (name) VALUES ('x')")); });
            complaint<UsageError>(
                [&] { static_cast<void>(r.one<int>("INSERT INTO t (name) VALUES ('x') RETURNING id")); });
        }
    });
    CHECK(fingerprint(test.db()) == before);
}

TEST_CASE("execute: inside a transaction it reads and cannot write although the handle could") {
    TemporaryDatabase test{quiet()};
    make_schema(test.db());
    const auto folder = test.path().parent_path();
    const auto before = fingerprint(test.db());
    const auto files = names_in(folder);
    for (const auto& attempt : attempts) {
        const auto sql = in_folder(attempt, folder);
        test->transaction([&](Transaction&) { test->execute([&](Reader& r) { check_refused(r, sql); }); });
        test->execute_mut([&](Writer&) { test->execute([&](Reader& r) { check_refused(r, sql); }); });
        // Nor by a statement that the writer has compiled and kept.
        test->execute_mut([&](Writer&) { test->execute([&](Reader& r) { check_refused(r, sql); }); });
    }
    CHECK(fingerprint(test.db()) == before);
    CHECK(names_in(folder) == files);
}

TEST_CASE("execute: inside a transaction it refuses what the writer has run and kept compiled") {
    TemporaryDatabase test{[](const std::string&) {}, quiet()};  // the writer leaves a pragma changed
    make_schema(test.db());
    for (const char* sql : {"INSERT INTO t (name) VALUES ('x') RETURNING id", "PRAGMA user_version = 6",
                            "PRAGMA optimize", "SELECT * FROM pragma_optimize", "CREATE TEMP TABLE IF NOT EXISTS u (x)",
                            "PRAGMA recursive_triggers = OFF", "DROP TABLE IF EXISTS temp.u"}) {
        CAPTURE(sql);
        test->execute_mut([&](Writer& w) {
            w.run(sql);
            test->execute([&](Reader& r) {
                complaint<UsageError>([&] { static_cast<void>(r.all<std::optional<std::string>>(sql)); });
            });
            w.run("DROP TABLE IF EXISTS temp.u");
        });
    }
    CHECK(test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM t"); }) == 3);
}

TEST_CASE("execute: reading is not hindered") {
    TemporaryDatabase test{quiet()};
    make_schema(test.db());
    const auto read_all = [](Reader& r) {
        for (const char* sql : {"PRAGMA table_info(t)",
                                "PRAGMA table_xinfo(words)",
                                "PRAGMA table_list",
                                "PRAGMA index_list(t)",
                                "PRAGMA index_info(t_name)",
                                "PRAGMA index_xinfo(t_name)",
                                "PRAGMA foreign_key_list(t)",
                                "PRAGMA database_list",
                                "PRAGMA collation_list",
                                "PRAGMA compile_options",
                                "PRAGMA user_version",
                                "PRAGMA application_id",
                                "PRAGMA schema_version",
                                "PRAGMA page_count",
                                "PRAGMA page_size",
                                "PRAGMA freelist_count",
                                "PRAGMA journal_mode",
                                "PRAGMA foreign_keys",
                                "PRAGMA foreign_key_check",
                                "PRAGMA encoding",
                                "PRAGMA data_version",
                                "PRAGMA cache_size",
                                "PRAGMA synchronous",
                                "PRAGMA query_only",
                                "PRAGMA main.user_version",
                                "PrAgMa USER_VERSION",
                                "EXPLAIN QUERY PLAN SELECT id FROM t WHERE name = 'x'",
                                "EXPLAIN SELECT 1",
                                "VALUES (1), (2)"}) {
            CAPTURE(sql);
            CHECK_NOTHROW(static_cast<void>(r.all<Anything>(sql)));
        }
        CHECK(r.one<std::string>("PRAGMA integrity_check") == "ok");
        CHECK(r.one<std::string>("PRAGMA quick_check(1)") == "ok");
        CHECK(r.one<int>("SELECT user_version FROM pragma_user_version") == 5);
        CHECK(r.all<std::string>("SELECT name FROM pragma_table_info('t') ORDER BY cid") ==
              std::vector<std::string>{"id", "name"});
        CHECK(r.one<int>("SELECT count(*) FROM pragma_index_list('t')") == 1);
        CHECK(r.one<int>("SELECT seq FROM pragma_database_list WHERE name = 'main'") == 0);
        CHECK(r.one<int>("SELECT count(*) FROM sqlite_schema WHERE type = 'view'") == 1);
        CHECK(r.one<int>("SELECT count(*) FROM v") == 2);
        CHECK(r.one<std::string>("SELECT text FROM words WHERE words MATCH ?", "find") == "some words to find");
        CHECK(r.one<std::string>("SELECT highlight(words, 0, '<', '>') FROM words WHERE words MATCH 'wor*' "
                                 "ORDER BY bm25(words)") == "some <words> to find");
        CHECK(r.one<int>("SELECT id FROM boxes WHERE low >= 15 AND high <= 35") == 2);
        CHECK(r.one<int>("SELECT id FROM boxes WHERE id = 1") == 1);
        CHECK(r.one<int>("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 100) "
                         "SELECT sum(n) FROM c") == 5050);
        CHECK(r.one<std::string>("SELECT json_extract('{\"a\":[1,{\"b\":\"x\"}]}', '$.a[1].b')") == "x");
        CHECK(r.all<std::string>("SELECT value FROM json_each('[\"p\",\"q\"]') ORDER BY key") ==
              std::vector<std::string>{"p", "q"});
        CHECK(r.one<std::string>("SELECT json_group_array(name) FROM (SELECT name FROM t ORDER BY id)") ==
              "[\"one\",\"two\"]");
        CHECK(r.one<int>("SELECT row_number() OVER (ORDER BY id) FROM t WHERE id = 2") == 1);
        CHECK(r.one<std::string>("SELECT date('2024-02-29', '+1 year')") == "2025-03-01");
        // Sorting and temporary tables of SQLite's own are no files of ours.
        CHECK(r.all<int>("SELECT DISTINCT a.id FROM t AS a, t AS b ORDER BY b.name, a.name LIMIT 1").size() == 1);
    };
    const auto files = names_in(test.path().parent_path());
    test->execute(read_all);
    test->execute(read_all);
    test->transaction([&](Transaction&) { test->execute(read_all); });
    CHECK(names_in(test.path().parent_path()) == files);
    CHECK(test->stats().readers.replaced == 0);
    CHECK(test->report().warnings.empty());
}
