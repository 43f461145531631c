#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <optional>
#include <stdexcept>
#include <string>

using sqlane::Reader;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Warning;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

// What a closure on the writer may say in SQL. What one on a reader may not is in hazards/execute_cannot_write.cpp.

namespace {

using handle_tests::complaint;
using handle_tests::contains;

}  // namespace

TEST_CASE("writer: no SQL begins or ends a transaction") {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE t (x)"); });
    for (const char* sql :
         {"BEGIN", "BEGIN IMMEDIATE", "begin exclusive transaction", "COMMIT", "END", "END TRANSACTION", "ROLLBACK",
          "rollback TO s", "SAVEPOINT s", "savepoint sqlane", "RELEASE s", "RELEASE SAVEPOINT sqlane",
          "ROLLBACK TO sqlane", "/* hidden */ CoMmIt;", "-- hidden\n ; ; COMMIT -- end", "EXPLAIN COMMIT"}) {
        CAPTURE(sql);
        const auto refused = [&](auto&& call) {
            CHECK(contains(complaint<UsageError>(call), "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are sqlane's to say"));
        };
        const auto try_all = [&](Writer& w) {
            refused([&] { w.run(sql); });
            refused([&] { w.script(sql); });
            refused([&] { w.script(std::string{"INSERT INTO t VALUES (1); "} + sql); });
            refused([&] { static_cast<void>(w.all<int>(sql)); });
            refused([&] { static_cast<void>(w.rows<int>(sql)); });
        };
        test->execute_mut([&](Writer& w) {
            try_all(w);
            w.run("DELETE FROM t");
        });
        complaint<std::logic_error>([&] {
            test->transaction([&](Transaction& tx) {
                try_all(tx);
                tx.savepoint([&] { try_all(tx); });
                throw std::logic_error{"undo"};
            });
        });
        // The transaction was still the closure's own: all of it was undone.
        CHECK(test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM t"); }) == 0);
    }
}

TEST_CASE("writer: VACUUM and the pragmas that work on the file are allowed outside of a transaction") {
    TemporaryDatabase test;
    test->execute_mut([&](Writer& w) {
        w.script("CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(100000)); DELETE FROM t");
        const auto before = w.one<int>("PRAGMA page_count");
        w.run("VACUUM");
        CHECK(w.one<int>("PRAGMA page_count") < before);
        w.run("VACUUM");  // now from the cache
        w.run("VACUUM INTO ?", (test.path().parent_path() / "copy.db").string());
        w.run("PRAGMA optimize");
        w.run("ANALYZE");
        w.run("REINDEX");
        w.run("PRAGMA user_version = 7");
        w.run("PRAGMA application_id = 99");
        w.run("PRAGMA incremental_vacuum");
        w.run("PRAGMA shrink_memory");
        CHECK(w.one<int>("PRAGMA user_version") == 7);
        CHECK(w.one<std::string>("PRAGMA integrity_check") == "ok");
    });
    test->execute([](Reader& r) {
        CHECK(r.one<int>("PRAGMA user_version") == 7);
        CHECK(r.one<int>("PRAGMA application_id") == 99);
    });
    CHECK(std::filesystem::exists(test.path().parent_path() / "copy.db"));
    CHECK(test->stats().writer.replaced == 0);
}

TEST_CASE("writer: a transaction may set the version and check its foreign keys late") {
    TemporaryDatabase test;
    test->execute_mut(
        [](Writer& w) { w.script("CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (p REFERENCES p)"); });
    test->transaction([](Transaction& tx) {
        tx.run("PRAGMA user_version = 3");
        tx.run("PRAGMA defer_foreign_keys = ON");
        tx.run("INSERT INTO c VALUES (1)");
        tx.run("INSERT INTO p VALUES (1)");
    });
    CHECK(test->execute([](Reader& r) { return r.one<int>("PRAGMA user_version"); }) == 3);
    CHECK(test->stats().writer.replaced == 0);
    CHECK(test->report().warnings.empty());
}

TEST_CASE("writer: pragmas that the lanes stand on are refused and nothing changes") {
    TemporaryDatabase test;
    for (const char* sql :
         {"PRAGMA journal_mode = DELETE", "PRAGMA main.journal_mode(OFF)", "pragma JOURNAL_MODE=memory",
          "PRAGMA locking_mode = EXCLUSIVE", "PRAGMA busy_timeout = 0", "PRAGMA wal_autocheckpoint = 1000",
          "PRAGMA wal_checkpoint", "PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA main.Wal_Checkpoint=PASSIVE",
          "PRAGMA cache_spill = ON", "PRAGMA query_only = ON", "PRAGMA writable_schema = ON",
          "PRAGMA trusted_schema = ON", "/* x */ PRAGMA writable_schema = RESET", "PRAGMA temp_store_directory = '/'",
          "PRAGMA soft_heap_limit = 1", "PRAGMA hard_heap_limit = 1"}) {
        CAPTURE(sql);
        test->execute_mut([&](Writer& w) {
            complaint<UsageError>([&] { w.run(sql); });
            complaint<UsageError>([&] { w.script(sql); });
        });
        complaint<UsageError>([&] { test->transaction([&](Transaction& tx) { tx.run(sql); }); });
    }
    test->execute_mut([](Writer& w) {
        CHECK(w.one<std::string>("PRAGMA journal_mode") == "wal");
        CHECK(w.one<std::string>("PRAGMA locking_mode") == "normal");
        CHECK(w.one<int>("PRAGMA wal_autocheckpoint") == 0);
        CHECK(w.one<int>("PRAGMA writable_schema") == 0);
        CHECK(w.one<int>("PRAGMA trusted_schema") == 0);
        CHECK(w.one<int>("PRAGMA query_only") == 0);
    });
    CHECK(test->stats().writer.replaced == 0);
    CHECK(test->report().warnings.empty());
}

TEST_CASE("writer: the schema table cannot be written by hand") {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) {
        w.run("CREATE TABLE t (x)");
        complaint<UsageError>([&] { w.run("UPDATE sqlite_schema SET sql = 'CREATE TABLE t (y)'"); });
        complaint<UsageError>([&] { w.run("DELETE FROM sqlite_schema"); });
    });
}

TEST_CASE("writer: a virtual table works through its own statements") {
    TemporaryDatabase test;
    const auto use = [&] {
        test->transaction([](Transaction& tx) {
            tx.run("INSERT INTO words (text) VALUES ('alpha beta')");
            tx.run("INSERT INTO boxes VALUES ((SELECT count(*) FROM boxes), 1, 2)");
        });
        test->execute_mut([](Writer& w) {
            w.run("INSERT INTO words(words) VALUES ('optimize')");
            complaint<UsageError>([&] { w.run("INSERT INTO words(words) VALUES ('no such command')"); });
        });
        test->execute([](Reader& r) {
            CHECK(r.one<int>("SELECT count(*) FROM words WHERE words MATCH 'alpha'") > 0);
            CHECK(r.one<int>("SELECT count(*) FROM boxes WHERE low < 5") > 0);
        });
    };
    test->execute_mut([](Writer& w) {
        w.script("CREATE VIRTUAL TABLE words USING fts5(text); CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)");
    });
    use();
    use();
    // A handle that is closed while the virtual tables still have statements of their own.
    test->execute_mut([](Writer& w) { w.run("DELETE FROM boxes"); });
    CHECK(test->close().complete);
    CHECK(test->stats().writer.replaced == 0);
    CHECK(test->report().warnings.empty());
}
