#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

// What a handle is like when it is lent, looked at beneath sqlane: not what the recipe asked for, but what took.

using sqlane::Options;
using sqlane::Reader;
using sqlane::Synchronous;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;
using handle_tests::raw_value;
using handle_tests::RawHandles;

int setting(sqlite3* db, int which) {
    int value = -1;
    CHECK(sqlite3_db_config(db, which, -1, &value) == SQLITE_OK);
    return value;
}

void check_hardened(sqlite3* db) {
    CHECK(setting(db, SQLITE_DBCONFIG_DEFENSIVE) == 1);
    CHECK(setting(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA) == 0);
    CHECK(setting(db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER) == 0);
    CHECK(setting(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION) == 0);
    CHECK(setting(db, SQLITE_DBCONFIG_DQS_DML) == 0);
    CHECK(setting(db, SQLITE_DBCONFIG_DQS_DDL) == 0);
    CHECK(sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, -1) == 10'000'000);
    CHECK(sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, -1) == 500);
    CHECK(sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, -1) == 100);
    CHECK(raw_value(db, "PRAGMA wal_autocheckpoint") == "0");
    CHECK(raw_value(db, "PRAGMA temp_store") == "2");
    CHECK(raw_value(db, "PRAGMA trusted_schema") == "0");
    CHECK(raw_value(db, "PRAGMA journal_mode") == "wal");
}

void check_writer(Writer& w) {
    auto* db = RawHandles::of(w);
    check_hardened(db);
    CHECK(sqlite3_db_readonly(db, "main") == 0);
    CHECK(raw_value(db, "PRAGMA foreign_keys") == "1");
    CHECK(raw_value(db, "PRAGMA query_only") == "0");
    // On a library with the bug, frames that were spilled and rolled back would take acknowledged commits with them.
    if (sqlite3_libversion_number() < 3050002)
        CHECK(raw_value(db, "PRAGMA cache_spill") == "0");
    else
        CHECK(raw_value(db, "PRAGMA cache_spill") != "0");
}

void check_reader(Reader& r) {
    auto* db = RawHandles::of(r);
    check_hardened(db);
    CHECK(sqlite3_db_readonly(db, "main") == 1);
    CHECK(raw_value(db, "PRAGMA query_only") == "1");
    CHECK(sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, -1) == 0);
}

}  // namespace

TEST_CASE("recipe: each handle is set up and hardened and so is the one that replaces it") {
    RawHandles raw_handles;
    TemporaryDatabase test{[](const std::string&) {}};
    for (int i = 0; i < 2; ++i) {
        test->execute_mut(check_writer);
        test->execute(check_reader);
        // Two readers at once.
        test->execute_mut([&](Writer& w) {
            check_writer(w);
            w.run("PRAGMA recursive_triggers = ON");  // so that this handle is replaced
        });
    }
    CHECK(test->stats().writer.replaced == 2);
}

TEST_CASE("recipe: a database in memory has the same") {
    RawHandles raw_handles;
    auto db = sqlane::ConnectionManager::in_memory();
    db.execute_mut(check_writer);
    db.execute(check_reader);
    db.execute_mut([](Writer& w) { CHECK(raw_value(RawHandles::of(w), "PRAGMA synchronous") == "0"); });
}

TEST_CASE("recipe: synchronous and the size of the cache are the options'") {
    RawHandles raw_handles;
    for (const auto& [synchronous, number] :
         std::vector<std::pair<Synchronous, const char*>>{{Synchronous::off, "0"},
                                                          {Synchronous::normal, "1"},
                                                          {Synchronous::full, "2"},
                                                          {Synchronous::extra, "3"}}) {
        Options options;
        options.synchronous = synchronous;
        options.cache_kib = 300;
        TemporaryDatabase test{options};
        test->execute_mut([&, expected = std::string{number}](Writer& w) {
            CHECK(raw_value(RawHandles::of(w), "PRAGMA synchronous") == expected);
            CHECK(raw_value(RawHandles::of(w), "PRAGMA cache_size") == "-300");
        });
        test->execute([](Reader& r) { CHECK(raw_value(RawHandles::of(r), "PRAGMA cache_size") == "-300"); });
    }
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) { CHECK(raw_value(RawHandles::of(w), "PRAGMA synchronous") == "2"); });
}

TEST_CASE("recipe: what a hostile string could use is refused") {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) { w.script("CREATE TABLE t (name TEXT); INSERT INTO t VALUES ('x')"); });
    const auto check = [](Reader& r) {
        // A string in double quotes would be taken for a column, and a misspelt column for a string.
        CHECK(contains(
            complaint<UsageError>([&] { static_cast<void>(r.all<int>("SELECT 1 FROM t WHERE name = \"x\"")); }),
            "no such column"));
        complaint<UsageError>([&] { static_cast<void>(r.all<int>("SELECT load_extension('x')")); });
        complaint<UsageError>([&] { static_cast<void>(r.all<int>("SELECT load_extension('x', 'y')")); });
        complaint<UsageError>(
            [&] { static_cast<void>(r.all<int>("SELECT fts3_tokenizer('mine', x'0102030405060708')")); });
        std::string deep = "SELECT 1";
        for (int i = 0; i < 600; ++i) deep += " + 1";
        CHECK(contains(complaint<UsageError>([&] { static_cast<void>(r.all<int>(deep)); }), "too large"));
        CHECK(r.one<std::string>("SELECT \"name\" FROM t") == "x");
    };
    test->execute(check);
    test->execute_mut([&](Writer& w) {
        check(w);
        complaint<UsageError>([&] { w.run("CREATE TABLE u (x DEFAULT \"text\", CHECK (x <> \"text\"))"); });
        complaint<UsageError>([&] { w.run("INSERT INTO t VALUES (\"x\")"); });
        // The shadow tables of a virtual table are its own to write.
        w.run("CREATE VIRTUAL TABLE words USING fts5(text)");
        complaint<UsageError>([&] { w.run("DELETE FROM words_data"); });
        complaint<UsageError>([&] { w.run("UPDATE sqlite_schema SET sql = ''"); });
    });
}

TEST_CASE("recipe: the schema of a file that was given to us cannot call the program's functions") {
    RawHandles raw_handles;
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) {
        // What a hostile file could hold: a view and a trigger that call what the program has registered for itself.
        w.script(R"(
            CREATE TABLE t (x);
            CREATE VIEW evil AS SELECT raw_handle() AS stolen;
            CREATE TRIGGER evil_too AFTER INSERT ON t BEGIN UPDATE t SET x = raw_handle(); END;
        )");
        CHECK(
            contains(complaint<UsageError>([&] { w.run("INSERT INTO t VALUES (1)"); }), "unsafe use of raw_handle()"));
    });
    test->execute([](Reader& r) {
        CHECK(r.one<std::int64_t>("SELECT raw_handle()") != 0);
        CHECK(
            contains(complaint<UsageError>([&] { static_cast<void>(r.all<std::int64_t>("SELECT stolen FROM evil")); }),
                     "unsafe use of raw_handle()"));
    });
}

TEST_CASE("recipe: foreign keys are enforced without anybody asking") {
    TemporaryDatabase test;
    test->execute_mut(
        [](Writer& w) { w.script("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p)"); });
    complaint<sqlane::ConstraintError>(
        [&] { test->transaction([](Transaction& tx) { tx.run("INSERT INTO c VALUES (1)"); }); });
}
