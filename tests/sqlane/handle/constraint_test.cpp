#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <optional>
#include <source_location>
#include <stdexcept>
#include <string>

using sqlane::ConstraintError;
using sqlane::ConstraintKind;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::contains;

void make_schema(TemporaryDatabase& test) {
    test->execute_mut([](Writer& w) {
        w.script(R"(
            CREATE TABLE Parts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, category TEXT, serial TEXT,
                                weight REAL CHECK (weight > 0),
                                amount INTEGER CONSTRAINT amount_is_not_negative CHECK (amount >= 0),
                                UNIQUE (category, serial));
            CREATE TABLE Places (x INTEGER, y INTEGER, PRIMARY KEY (x, y)) WITHOUT ROWID;
            CREATE TABLE Plain (text TEXT);
            CREATE UNIQUE INDEX plain_lower ON Plain (lower(text));
            CREATE TABLE Links (part INTEGER REFERENCES Parts (id));
            CREATE TABLE LateLinks (part INTEGER REFERENCES Parts (id) DEFERRABLE INITIALLY DEFERRED);
            CREATE TABLE Exact (count INTEGER, label TEXT NOT NULL) STRICT;
            CREATE TRIGGER keep BEFORE DELETE ON Parts BEGIN SELECT RAISE(ABORT, 'parts are never deleted'); END;
            INSERT INTO Parts (id, name, category, serial) VALUES (1, 'bolt', 'ME', '1');
            INSERT INTO Places VALUES (1, 1);
            INSERT INTO Plain VALUES ('word');
        )");
    });
}

/// The error of a statement that runs by itself.
ConstraintError error_of(TemporaryDatabase& test, const char* sql) {
    CAPTURE(sql);
    try {
        test->execute_mut([&](Writer& w) { w.run(sql); });
    } catch (const ConstraintError& error) {
        CHECK(contains(error.what(), sql));
        return error;
    }
    FAIL("no ConstraintError");
    throw std::logic_error{"not reached"};
}

void check_names(const ConstraintError& error, ConstraintKind kind, const char* table, const char* column) {
    CAPTURE(error.what());
    CHECK(error.kind() == kind);
    CHECK(error.table() == table);
    CHECK(error.column() == column);
    CHECK((error.sqlite_code() & 0xff) == SQLITE_CONSTRAINT);
    CHECK(error.sqlite_code() != SQLITE_CONSTRAINT);
}

}  // namespace

TEST_CASE("constraints: each kind is told with its table and column") {
    TemporaryDatabase test;
    make_schema(test);
    const auto check = [&test](const char* sql, ConstraintKind kind, const char* table, const char* column) {
        check_names(error_of(test, sql), kind, table, column);
    };
    check("INSERT INTO Parts (name) VALUES ('bolt')", ConstraintKind::unique, "Parts", "name");
    check("INSERT INTO Parts (name, category, serial) VALUES ('nut', 'ME', '1')", ConstraintKind::unique, "Parts",
          "category, serial");
    check("INSERT INTO Parts (id, name) VALUES (1, 'nut')", ConstraintKind::primary_key, "Parts", "id");
    check("INSERT INTO Places VALUES (1, 1)", ConstraintKind::primary_key, "Places", "x, y");
    check("INSERT INTO Plain (rowid, text) VALUES (1, 'other')", ConstraintKind::unique, "Plain", "rowid");
    check("INSERT INTO Plain VALUES ('WORD')", ConstraintKind::unique, "", "index 'plain_lower'");
    check("INSERT INTO Parts (name) VALUES (NULL)", ConstraintKind::not_null, "Parts", "name");
    check("UPDATE Parts SET name = NULL", ConstraintKind::not_null, "Parts", "name");
    check("INSERT INTO Parts (name, amount) VALUES ('nut', -1)", ConstraintKind::check, "", "amount_is_not_negative");
    check("INSERT INTO Parts (name, weight) VALUES ('nut', 0)", ConstraintKind::check, "", "weight > 0");
    check("INSERT INTO Links VALUES (77)", ConstraintKind::foreign_key, "", "");
    check("DELETE FROM Parts", ConstraintKind::trigger, "", "");
    check("INSERT INTO Exact VALUES ('many', 'x')", ConstraintKind::datatype, "Exact", "count");
    check("INSERT INTO Exact VALUES (1, x'00')", ConstraintKind::datatype, "Exact", "label");
    check("INSERT INTO Exact VALUES (1, NULL)", ConstraintKind::not_null, "Exact", "label");
}

TEST_CASE("constraints: what a trigger raises is in the message") {
    TemporaryDatabase test;
    make_schema(test);
    CHECK(contains(error_of(test, "DELETE FROM Parts").what(), "parts are never deleted"));
}

TEST_CASE("constraints: the error tells which call of the manager failed") {
    TemporaryDatabase test;
    make_schema(test);
    const auto here = std::source_location::current();
    try {
        test->execute_mut([](Writer& w) { w.run("INSERT INTO Links VALUES (77)"); });
        FAIL("no error");
    } catch (const ConstraintError& error) {
        CHECK(std::string{error.where().file_name()} == here.file_name());
        CHECK(error.where().line() == here.line() + 2);
    }
}

TEST_CASE("constraints: a deferred foreign key fails the commit and nothing is kept") {
    TemporaryDatabase test;
    make_schema(test);
    bool ran_to_its_end = false;
    try {
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO Plain VALUES ('before')");
            tx.run("INSERT INTO LateLinks VALUES (77)");
            ran_to_its_end = true;
        });
        FAIL("committed");
    } catch (const ConstraintError& error) {
        check_names(error, ConstraintKind::foreign_key, "", "");
    }
    CHECK(ran_to_its_end);
    CHECK(test->execute([](sqlane::Reader& r) {
        return r.one<int>("SELECT (SELECT count(*) FROM LateLinks) + (SELECT count(*) FROM Plain)");
    }) == 1);
    // Mended in time, it is none.
    test->transaction([](Transaction& tx) {
        tx.run("INSERT INTO LateLinks VALUES (2)");
        tx.run("INSERT INTO Parts (id, name) VALUES (2, 'nut')");
    });
}

TEST_CASE("constraints: a failure that was caught leaves the rest of the transaction usable") {
    TemporaryDatabase test;
    make_schema(test);
    test->transaction([](Transaction& tx) {
        tx.run("INSERT INTO Parts (id, name) VALUES (2, 'nut')");
        // Three rows of which the last fails: none of the three stays, what came before does.
        CHECK_THROWS_AS(tx.run("INSERT INTO Parts (name) VALUES ('a'), ('b'), ('bolt')"), ConstraintError);
        CHECK_THROWS_AS(tx.savepoint([](Transaction& part) {
            part.run("INSERT INTO Parts (name) VALUES ('c')");
            part.run("INSERT INTO Links VALUES (77)");
        }),
                        ConstraintError);
        tx.run("INSERT INTO Parts (id, name) VALUES (3, 'pump')");
    });
    CHECK(test->execute([](sqlane::Reader& r) { return r.all<std::string>("SELECT name FROM Parts ORDER BY id"); }) ==
          std::vector<std::string>{"bolt", "nut", "pump"});
    CHECK(test->stats().writer.replaced == 0);
}

TEST_CASE("constraints: a virtual table's own rule is one too") {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) { w.run("CREATE VIRTUAL TABLE boxes USING rtree(id, low, high)"); });
    CHECK(error_of(test, "INSERT INTO boxes VALUES (1, 5, 1)").kind() == ConstraintKind::other);
}
