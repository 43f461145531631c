#include <doctest/doctest.h>

#include "support/migration_kit.hpp"

#include <string>
#include <vector>

/// The promise: a statement that would end the run's transaction, reach beyond it, or switch off what keeps it safe is
/// refused with its place, however it is written; and nothing that only looks like one is.
namespace {

using sqlane::MigrationOptions;
using sqlane::MigrationProblem;
using support::contains;
using support::File;
using support::Sandbox;

/// The file is refused at that place and the database is as before.
void check_refused(const std::string& text, int line, int column, int statement = 1) {
    CAPTURE(text);
    const Sandbox box;
    box.run("CREATE TABLE Kept(x); INSERT INTO Kept VALUES (1)");
    const auto before = support::state_of(box.folder());
    const auto error = box.up_fails({{"0001_file.sql", text}});
    CAPTURE(error.what());
    CHECK(error.problem() == MigrationProblem::refused);
    CHECK(error.code() == "refused-statement");
    REQUIRE(error.place());
    CHECK(error.place()->file == "0001_file.sql");
    CHECK(error.place()->line == line);
    CHECK(error.place()->column == column);
    CHECK(error.place()->statement == statement);
    CHECK(contains(error.what(), "0001_file.sql:" + std::to_string(line) + ":" + std::to_string(column) + ": "));
    CHECK(contains(error.what(), "refused"));
    const auto after = support::state_of(box.folder());
    REQUIRE(after.size() == 1);
    CHECK(after.at("test.db").first == before.at("test.db").first);
}

void check_allowed(const std::string& text) {
    CAPTURE(text);
    const Sandbox box;
    std::string why;
    try {
        box.up({{"0001_file.sql", text}});
    } catch (const sqlane::Error& error) {
        why = error.what();
    }
    CHECK(why.empty());
}

const std::vector<std::string> transactions{"BEGIN",
                                            "BEGIN IMMEDIATE TRANSACTION",
                                            "COMMIT",
                                            "END",
                                            "END TRANSACTION",
                                            "ROLLBACK",
                                            "SAVEPOINT s",
                                            "RELEASE s",
                                            "ROLLBACK TO s",
                                            "ATTACH 'other.db' AS other",
                                            "ATTACH DATABASE ':memory:' AS other",
                                            "DETACH other",
                                            "DETACH DATABASE main",
                                            "VACUUM",
                                            "VACUUM main",
                                            "VACUUM INTO 'copy.db'"};

const std::vector<std::string> pragmas{"foreign_keys=OFF",
                                       "foreign_keys(0)",
                                       "foreign_keys = 'off'",
                                       "main.foreign_keys=1",
                                       "journal_mode=DELETE",
                                       "journal_mode=WAL",
                                       "main.journal_mode(off)",
                                       "synchronous=OFF",
                                       "wal_checkpoint",
                                       "wal_checkpoint(TRUNCATE)",
                                       "main.wal_checkpoint",
                                       "wal_autocheckpoint=1",
                                       "auto_vacuum=FULL",
                                       "incremental_vacuum",
                                       "incremental_vacuum(3)",
                                       "page_size=512",
                                       "encoding='UTF-16'",
                                       "locking_mode=EXCLUSIVE",
                                       "cache_spill=ON",
                                       "temp_store=FILE",
                                       "secure_delete=OFF",
                                       "writable_schema=ON",
                                       "writable_schema=RESET",
                                       "schema_version=7",
                                       "ignore_check_constraints=ON",
                                       "query_only=ON",
                                       "busy_timeout=1",
                                       "trusted_schema=ON"};

}  // namespace

TEST_CASE("migration: a statement that would leave the transaction is refused at its place") {
    for (const auto& statement : transactions) {
        check_refused(statement, 1, 1);
        check_refused(statement + ";", 1, 1);
        check_refused("CREATE TABLE t(x);\n  " + statement + ";\nCREATE TABLE u(x);\n", 2, 3, 2);
    }
}

TEST_CASE("migration: a pragma that does nothing or harm inside a transaction is refused at its place") {
    for (const auto& pragma : pragmas) {
        check_refused("PRAGMA " + pragma, 1, 1);
        check_refused("CREATE TABLE t(x); PRAGMA " + pragma + ";", 1, 20, 2);
    }
}

TEST_CASE("migration: neither comments nor case nor what stands before hides a refused statement") {
    check_refused("/* a */ -- b\n\t/* c\n d */ cOmMiT", 3, 7);
    check_refused("-- migrate:up\n\npRaGmA/**/fOrEiGn_KeYs/**/=/**/oFf", 3, 1);
    check_refused("PRAGMA -- foreign keys\n  foreign_keys -- off\n = OFF", 1, 1);
    check_refused("CREATE TABLE t(x);/* größe */BEGIN;", 1, 30, 2);
    check_refused("CREATE TABLE t(x); --;\n -- ;\n /*;*/ VaCuUm", 3, 8, 2);
    check_refused("PRAGMA \"foreign_keys\"=OFF", 1, 1);
    check_refused("PRAGMA [foreign_keys]=OFF", 1, 1);
    check_refused("PRAGMA `journal_mode`=OFF", 1, 1);
    check_refused("CREATE TRIGGER r AFTER INSERT ON Kept BEGIN DELETE FROM Kept; END; END", 1, 68, 2);
    check_refused(";;\n;VACUUM", 2, 2);
    check_refused("CREATE TABLE t(x);;\n; COMMIT;", 2, 3, 2);
    check_refused("-- migrate:up\nCREATE TABLE t(x);\n\r\n\r\nCOMMIT;\r\n", 5, 1, 2);
}

TEST_CASE("migration: a statement that changes the record of what is applied is refused at its place") {
    check_refused("DELETE FROM _schema_migrations;", 1, 1);
    check_refused("CREATE TABLE t(x);\n  update main._SCHEMA_migrations SET name = 'x';", 2, 3, 2);
    check_refused("INSERT INTO \"_schema_migrations\"(version) SELECT 1;", 1, 1);
    check_refused("DROP TABLE _schema_migrations;", 1, 1);
    check_refused("ALTER TABLE _schema_migrations RENAME TO other;", 1, 1);
    check_refused("ALTER TABLE _schema_migrations ADD COLUMN more;", 1, 1);
    check_refused("CREATE TRIGGER r AFTER INSERT ON _schema_migrations BEGIN SELECT 1; END;", 1, 1);
    check_refused(
        "CREATE TABLE t(x);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM _schema_migrations; END;\n"
        "INSERT INTO t VALUES (1);",
        3, 1, 3);
    check_allowed("CREATE TABLE t AS SELECT version FROM _schema_migrations;");
}

TEST_CASE("migration: a way back with a refused statement is refused too") {
    const Sandbox box;
    const std::vector<File> files{
        {"0001_file.sql", "-- migrate:up\nCREATE TABLE t(x);\n-- migrate:down\nDROP TABLE t;\n/* */ COMMIT;\n"}};
    box.up(files);
    const auto before = box.dump();
    const auto error = support::migration_error([&] { box.migrator(files).down(); });
    CHECK(error.code() == "refused-statement");
    REQUIRE(error.place());
    CHECK(error.place()->line == 5);
    CHECK(error.place()->column == 7);
    CHECK(box.dump() == before);
}

TEST_CASE("migration: the words alone are not refused") {
    check_allowed("CREATE TABLE t(x DEFAULT 'BEGIN; COMMIT; VACUUM; PRAGMA foreign_keys=OFF');");
    check_allowed(
        "CREATE TABLE t(x); INSERT INTO t VALUES ('; COMMIT;'); -- COMMIT;\n/* ; ROLLBACK; ATTACH 'x' */ SELECT 1;");
    check_allowed(
        "CREATE TABLE \"commit\"(\"begin\" INTEGER, [vacuum] TEXT, `attach` TEXT); INSERT INTO [commit] VALUES (1, 2, "
        "3);");
    check_allowed("CREATE TABLE savepoint(release TEXT, detach TEXT); SELECT release FROM savepoint;");
    check_allowed("CREATE TABLE foreign_keys(journal_mode); INSERT INTO foreign_keys VALUES ('OFF');");
    check_allowed("CREATE TABLE vacuum_log(x); SELECT 'VACUUM' AS vacuumed;");
}

TEST_CASE("migration: BEGIN and END of a trigger are not refused") {
    check_allowed(
        "CREATE TABLE t(x);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN\n  SELECT CASE WHEN new.x THEN 1 END;\n"
        "  DELETE FROM t WHERE x = 'COMMIT'; -- COMMIT;\nEND;\nCREATE TABLE u(x);");
    check_allowed(
        "CREATE TABLE t(x); create temp trigger r before delete on t begin select 'end;'; end; INSERT INTO t VALUES "
        "(1);");
    check_allowed(
        "CREATE VIEW v AS SELECT 1 AS x; CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN SELECT RAISE(ROLLBACK, 'no'); "
        "END;");
}

TEST_CASE("migration: asking a pragma and setting one that is the application's own are not refused") {
    const Sandbox box;
    box.up(
        {{"0001_file.sql",
          "CREATE TABLE t(x); PRAGMA user_version=17; PRAGMA application_id = 99; PRAGMA foreign_keys; "
          "PRAGMA table_info(t); PRAGMA foreign_key_check; PRAGMA foreign_key_check(t); PRAGMA integrity_check(5); "
          "PRAGMA legacy_alter_table=ON; PRAGMA legacy_alter_table=OFF; PRAGMA optimize; PRAGMA journal_mode;"
          "PRAGMA defer_foreign_keys=ON; SELECT * FROM pragma_table_info('t'); SELECT * FROM pragma_foreign_keys;"}});
    CHECK(box.value("PRAGMA user_version") == "17");
    CHECK(box.value("PRAGMA application_id") == "99");
    CHECK(box.value("PRAGMA journal_mode") == "delete");
}

TEST_CASE("migration: what one file switches on is off again for the next") {
    const Sandbox box;
    box.run(
        "CREATE TABLE t(x); CREATE TABLE log(x); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO log SELECT x "
        "FROM t; END");
    // With legacy_alter_table the trigger would go on naming the old column.
    box.up(
        {{"0001_a.sql", "PRAGMA legacy_alter_table=ON; PRAGMA recursive_triggers=ON; PRAGMA case_sensitive_like=ON;"},
         {"0002_b.sql",
          "CREATE TABLE seen AS SELECT legacy_alter_table AS x FROM pragma_legacy_alter_table UNION ALL "
          "SELECT recursive_triggers FROM pragma_recursive_triggers UNION ALL SELECT 'a' LIKE 'A';"}});
    CHECK(box.value("SELECT group_concat(x) FROM seen") == "0,0,1");
}

TEST_CASE("migration: what one file makes for a while is gone for the next, as when each runs alone") {
    const std::vector<File> files{
        {"0001_a.sql",
         "CREATE TABLE t(x); CREATE TEMP TABLE \"ke\"\"pt\" AS SELECT 1 AS x; CREATE TEMP VIEW seen AS SELECT 1 AS x;"
         "CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN SELECT RAISE(ABORT, 'left over'); END;"
         "CREATE VIRTUAL TABLE temp.words USING fts5(word);"},
        {"0002_b.sql",
         "CREATE TEMP TABLE \"ke\"\"pt\" AS SELECT 2 AS x; CREATE TEMP VIEW seen AS SELECT 2 AS x;"
         "CREATE VIRTUAL TABLE temp.words USING fts5(word); INSERT INTO t SELECT x FROM \"ke\"\"pt\";"}};
    for (const bool each : {false, true}) {
        CAPTURE(each);
        const Sandbox box;
        MigrationOptions options;
        options.commit_each_file = each;
        CHECK(box.up(files, options).applied.size() == 2);
        CHECK(box.value("SELECT group_concat(x) FROM t") == "2");
        CHECK(box.migrator(files).drift().empty());
    }
}

TEST_CASE("migration: a parameter is refused, for it would be NULL") {
    for (const char* parameter : {"?", "?1", ":name", "@name", "$name"}) {
        CAPTURE(parameter);
        const Sandbox box;
        const auto error = box.up_fails(
            {{"0001_first.sql", "CREATE TABLE t(x);\nINSERT INTO t VALUES (" + std::string{parameter} + ");\n"}});
        CHECK(error.problem() == sqlane::MigrationProblem::refused);
        CHECK(error.code() == "refused-statement");
        REQUIRE(error.place());
        CHECK(error.place()->line == 2);
        CHECK(contains(error.what(), "a parameter has no value in a migration"));
    }
}
