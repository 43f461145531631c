#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

using sqlane::NotFound;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;

void make_parts(TemporaryDatabase& test) {
    test->transaction([](Transaction& tx) {
        tx.run("CREATE TABLE Parts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, amount INTEGER NOT NULL DEFAULT 0)");
        for (const char* name : {"bolt", "nut", "pump"}) tx.run("INSERT INTO Parts (name) VALUES (?)", name);
    });
}

}  // namespace

TEST_CASE("one: gives the one row") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute([](Reader& r) {
        CHECK(r.one<std::string>("SELECT name FROM Parts WHERE id = ?", 2) == "nut");
        CHECK(r.one<int, std::string>("SELECT id, name FROM Parts WHERE id = 3") == std::tuple{3, "pump"});
    });
}

TEST_CASE("one: no row is NotFound and a second one is UsageError") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute([](Reader& r) {
        const auto none = complaint<NotFound>(
            [&] { static_cast<void>(r.one<std::string>("SELECT name FROM Parts WHERE id = ?", 77)); });
        CHECK(contains(none, "SELECT name FROM Parts WHERE id = ?"));
        CHECK_FALSE(contains(none, "77"));
        CHECK(contains(complaint<UsageError>([&] { static_cast<void>(r.one<int>("SELECT id FROM Parts")); }),
                       "more than one row"));
    });
}

TEST_CASE("maybe: gives the row or nothing and a second one is UsageError") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute([](Reader& r) {
        CHECK(r.maybe<std::string>("SELECT name FROM Parts WHERE id = 1") == "bolt");
        CHECK_FALSE(r.maybe<std::string>("SELECT name FROM Parts WHERE id = 77").has_value());
        // A NULL is a row too.
        const auto null = r.maybe<std::optional<int>>("SELECT NULL");
        CHECK(null.has_value());
        CHECK_FALSE(null->has_value());
        complaint<UsageError>([&] { static_cast<void>(r.maybe<int>("SELECT id FROM Parts")); });
    });
}

TEST_CASE("all: gives every row in the order of the query") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute([](Reader& r) {
        CHECK(r.all<std::string>("SELECT name FROM Parts ORDER BY id DESC") ==
              std::vector<std::string>{"pump", "nut", "bolt"});
        CHECK(r.all<int, std::string>("SELECT id, name FROM Parts WHERE id < 2") ==
              std::vector<std::tuple<int, std::string>>{{1, "bolt"}});
        CHECK(r.all<int>("SELECT id FROM Parts WHERE 0").empty());
    });
}

TEST_CASE("rows: come one at a time and their statement can be left at any of them") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute([](Reader& r) {
        std::string names;
        for (auto [id, name] : r.rows<int, std::string>("SELECT id, name FROM Parts ORDER BY id"))
            names += std::to_string(id) + name + " ";
        CHECK(names == "1bolt 2nut 3pump ");
        for (const int id : r.rows<int>("SELECT id FROM Parts ORDER BY id"))
            if (id == 2) break;
        for (const int id : r.rows<int>("SELECT id FROM Parts WHERE 0")) CHECK(id == -1);
        // A million of them are never held at once.
        std::int64_t sum = 0;
        for (const auto n : r.rows<std::int64_t>("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c "
                                                 "WHERE n < ?) SELECT n FROM c",
                                                 10000))
            sum += n;
        CHECK(sum == 50005000);
    });
}

TEST_CASE("rows: can be walked only once") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute([](Reader& r) {
        auto rows = r.rows<int>("SELECT id FROM Parts ORDER BY id");
        int first = 0;
        for (const int id : rows) {
            first = id;
            break;
        }
        CHECK(first == 1);
        // Going on in the middle, or from the start again, are both not what a second loop says.
        CHECK(contains(complaint<UsageError>([&] { static_cast<void>(rows.begin()); }), "walked only once"));
    });
}

TEST_CASE("rows: a write in the loop is done while the loop goes on") {
    TemporaryDatabase test;
    make_parts(test);
    test->transaction([](Transaction& tx) {
        for (const int id : tx.rows<int>("SELECT id FROM Parts ORDER BY id"))
            tx.run("UPDATE Parts SET amount = ? WHERE id = ?", id * 10, id);
    });
    CHECK(test->execute([](Reader& r) { return r.one<int>("SELECT sum(amount) FROM Parts"); }) == 60);
}

TEST_CASE("queries: a number of columns other than asked for is UsageError with or without a row") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute([](Reader& r) {
        for (const char* where : {"1", "0"}) {
            CAPTURE(where);
            const auto sql = std::string{"SELECT id, name FROM Parts WHERE id = 1 AND "} + where;
            const auto refused = [&](auto&& call) {
                CHECK(contains(complaint<UsageError>(call), "returns 2 columns and 1 were asked for"));
            };
            refused([&] { static_cast<void>(r.one<int>(sql)); });
            refused([&] { static_cast<void>(r.maybe<int>(sql)); });
            refused([&] { static_cast<void>(r.all<int>(sql)); });
            refused([&] {
                for (const int id : r.rows<int>(sql)) CHECK(id == 1);
            });
            const auto three = complaint<UsageError>([&] { static_cast<void>(r.all<int, std::string, int>(sql)); });
            CHECK(contains(three, "returns 2 columns and 3 were asked for"));
        }
    });
}

TEST_CASE("run: tells how many rows this statement changed") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute_mut([](Writer& w) {
        CHECK(w.run("UPDATE Parts SET amount = 1") == 3);
        CHECK(w.run("UPDATE Parts SET amount = 1 WHERE id = 77") == 0);
        // Not the number of the statement before.
        CHECK(w.run("CREATE TABLE Other (id INTEGER PRIMARY KEY, part REFERENCES Parts)") == 0);
        CHECK(w.run("PRAGMA optimize") == 0);
        CHECK(w.run("SELECT id FROM Parts") == 0);
        CHECK(w.run("INSERT OR IGNORE INTO Parts (id, name) VALUES (1, 'again')") == 0);
        CHECK(w.run("INSERT INTO Parts (name) VALUES ('washer'), ('shim') RETURNING id") == 2);
        CHECK(w.run("DELETE FROM Parts WHERE id > 3") == 2);
        // Rows that a trigger changes are not the statement's own.
        w.run("CREATE TRIGGER log AFTER INSERT ON Parts BEGIN INSERT INTO Other (part) VALUES (new.id), (new.id); END");
        CHECK(w.run("INSERT INTO Parts (name) VALUES ('spring')") == 1);
        CHECK(w.one<int>("SELECT count(*) FROM Other") == 2);
    });
}

TEST_CASE("insert: tells the rowid of the new row and not of an earlier one") {
    TemporaryDatabase test;
    make_parts(test);
    test->execute_mut([](Writer& w) {
        CHECK(w.insert("INSERT INTO Parts (name) VALUES (?)", "washer") == 4);
        CHECK(w.insert("INSERT INTO Parts (id, name) VALUES (100, 'shim')") == 100);
        complaint<NotFound>([&] { w.insert("INSERT OR IGNORE INTO Parts (id, name) VALUES (100, 'again')"); });
        CHECK(w.one<std::int64_t>("INSERT INTO Parts (name) VALUES ('ring') RETURNING id") == 101);
        CHECK(w.one<int>("SELECT count(*) FROM Parts") == 6);
    });
}

TEST_CASE("script: runs every statement and stops at the first that fails") {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) {
        w.script(" -- two tables\n CREATE TABLE a (x); ; /* and */ CREATE TABLE b (x); INSERT INTO b VALUES (';');");
        CHECK(w.one<std::string>("SELECT x FROM b") == ";");
        w.script("");
        w.script("  ;; -- nothing\n");
        complaint<UsageError>([&] { w.script("INSERT INTO a VALUES (1); INSERT INTO nowhere VALUES (1); SELECT 1"); });
        CHECK(w.one<int>("SELECT count(*) FROM a") == 1);
        CHECK(contains(complaint<UsageError>([&] { w.script("INSERT INTO a VALUES (?)"); }), "takes no parameters"));
        w.script(
            "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; DELETE FROM b; END; INSERT INTO a VALUES (2)");
        CHECK(w.one<int>("SELECT count(*) FROM b") == 0);
    });
}
