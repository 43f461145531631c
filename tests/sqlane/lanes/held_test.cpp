#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/rival.hpp"
#include "support/steps.hpp"

#include <cstdint>
#include <filesystem>
#include <source_location>
#include <stdexcept>
#include <string>

/// The nesting table of the architecture, cell by cell.
namespace {

using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;
using support::Crew;
using support::Rival;
using support::Steps;

void make_parts(sqlane::ConnectionManager& db) {
    db.execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT NOT NULL)"); });
}

void add_part(Writer& w, const char* name) { w.run("INSERT INTO Part (name) VALUES (?)", name); }

int count(Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); }
int count(sqlane::ConnectionManager& db) {
    return db.execute([](Reader& r) { return count(r); });
}

long long committed(Rival& rival) { return rival.number("SELECT count(*) FROM Part"); }

struct Stop : std::runtime_error {
    Stop() : std::runtime_error{"stop"} {}
};

}  // namespace

TEST_CASE("nesting: execute inside execute shares the snapshot") {
    // this thread                          another thread
    // execute: sees nothing
    //                                      commits a part
    // execute inside: still sees nothing
    // execute after it: sees the part
    TemporaryDatabase test;
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        steps.wait_for("the snapshot is taken");
        test->transaction([](Transaction& tx) { add_part(tx, "R1"); });
        steps.reach("a part is committed");
    });
    test->execute([&](Reader& outer) {
        CHECK(count(outer) == 0);
        steps.reach("the snapshot is taken");
        steps.wait_for("a part is committed");
        test->execute([&](Reader& inner) {
            CHECK(&inner == &outer);
            CHECK(count(inner) == 0);
        });
        CHECK(test->stats().readers.in_use == 1);
    });
    crew.join();
    CHECK(count(test.db()) == 1);
}

TEST_CASE("nesting: execute inside transaction sees what the transaction wrote") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([&](Transaction& tx) {
        add_part(tx, "R1");
        CHECK(count(test.db()) == 1);
        CHECK(test->stats().readers.lent == 0);
    });
}

TEST_CASE("nesting: transaction inside transaction is a savepoint") {
    TemporaryDatabase test;
    make_parts(test.db());
    Rival rival{test.path()};
    test->transaction([&](Transaction& tx) {
        add_part(tx, "kept");
        CHECK_THROWS_AS(test->transaction([](Transaction& part) {
            add_part(part, "undone");
            throw Stop{};
        }),
                        Stop);
        CHECK(count(tx) == 1);
        test->transaction([](Transaction& part) { add_part(part, "kept too"); });
        CHECK(count(tx) == 2);
        CHECK(committed(rival) == 0);
    });
    CHECK(committed(rival) == 2);
}

TEST_CASE("nesting: savepoints three deep are undone each for itself") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([&] {
        test->transaction([&](Transaction& second) {
            add_part(second, "second");
            CHECK_THROWS_AS(second.savepoint([&](Transaction& third) {
                add_part(third, "third");
                test->transaction([](Transaction& fourth) { add_part(fourth, "fourth"); });
                CHECK(count(third) == 3);
                CHECK(test->report().writer.holders.at(0).transaction_depth == 3);
                throw Stop{};
            }),
                            Stop);
            CHECK(count(second) == 1);
        });
    });
    CHECK(test->execute([](Reader& r) { return r.one<std::string>("SELECT name FROM Part"); }) == "second");
}

TEST_CASE("nesting: execute_mut inside transaction commits nothing of its own") {
    TemporaryDatabase test;
    make_parts(test.db());
    Rival rival{test.path()};
    CHECK_THROWS_AS(test->transaction([&] {
        test->execute_mut([](Writer& w) { add_part(w, "R1"); });
        CHECK(count(test.db()) == 1);
        CHECK(committed(rival) == 0);
        throw Stop{};
    }),
                    Stop);
    CHECK(committed(rival) == 0);
}

TEST_CASE("nesting: execute inside execute_mut sees its writes in one snapshot") {
    TemporaryDatabase test;
    make_parts(test.db());
    Rival rival{test.path()};
    test->execute_mut([&](Writer& w) {
        add_part(w, "mine");
        test->execute([&](Reader& r) {
            CHECK(count(r) == 1);
            rival.run("INSERT INTO Part (name) VALUES ('of another process')");
            CHECK(count(r) == 1);
            CHECK(count(test.db()) == 1);
        });
        CHECK(count(w) == 2);
        add_part(w, "mine again");  // the snapshot has ended, so this does not write on top of an old one
    });
    CHECK(committed(rival) == 3);
}

TEST_CASE("nesting: execute_mut inside execute_mut has the same handle and no transaction") {
    TemporaryDatabase test;
    make_parts(test.db());
    Rival rival{test.path()};
    test->execute_mut([&](Writer& outer) {
        CHECK_THROWS_AS(test->execute_mut([&](Writer& inner) {
            CHECK(&inner == &outer);
            add_part(inner, "R1");
            CHECK(committed(rival) == 1);
            throw Stop{};
        }),
                        Stop);
        CHECK(committed(rival) == 1);
    });
}

TEST_CASE("nesting: transaction inside execute_mut begins and commits one") {
    TemporaryDatabase test;
    make_parts(test.db());
    Rival rival{test.path()};
    test->execute_mut([&](Writer& w) {
        add_part(w, "before");
        CHECK_THROWS_AS(test->transaction([&](Transaction& tx) {
            add_part(tx, "undone");
            throw Stop{};
        }),
                        Stop);
        CHECK(committed(rival) == 1);
        test->transaction([&](Transaction& tx) {
            add_part(tx, "kept");
            CHECK(committed(rival) == 1);
        });
        CHECK(committed(rival) == 2);
    });
}

TEST_CASE("nesting: a write inside execute is refused and names both call sites") {
    TemporaryDatabase test;
    make_parts(test.db());
    const auto line_of = [](const std::source_location& at) { return "held_test.cpp:" + std::to_string(at.line()); };
    const auto outer = std::source_location::current();
    test->execute(
        [&](Reader& r) {
            const auto inner = std::source_location::current();
            bool ran = false;
            const auto first =
                support::caught<sqlane::UsageError>([&] { test->transaction([&] { ran = true; }, inner); });
            CHECK_MESSAGE(support::contains(first.what(), "transaction at " + line_of(inner)), first.what());
            CHECK_MESSAGE(support::contains(first.what(), "execute at " + line_of(outer)), first.what());
            CHECK(first.where().line() == inner.line());
            const auto second =
                support::caught<sqlane::UsageError>([&] { test->execute_mut([&] { ran = true; }, inner); });
            CHECK_MESSAGE(support::contains(second.what(), "execute_mut at " + line_of(inner)), second.what());
            CHECK_MESSAGE(support::contains(second.what(), "execute at " + line_of(outer)), second.what());
            CHECK_FALSE(ran);
            CHECK(count(r) == 0);  // the reader goes on
        },
        outer);
}

TEST_CASE("nesting: the call site is taken without being asked for") {
    TemporaryDatabase test;
    const auto holder = [&](const sqlane::LaneReport& lane) { return lane.holders.at(0).at; };
    const auto here = std::source_location::current();
    const auto read = test->execute([&] { return holder(test->report().readers); });
    const auto write = test->execute_mut([&] { return holder(test->report().writer); });
    const auto transact = test->transaction([&] { return holder(test->report().writer); });
    CHECK(read.line() == here.line() + 1);
    CHECK(write.line() == here.line() + 2);
    CHECK(transact.line() == here.line() + 3);
    CHECK(std::string{read.file_name()} == here.file_name());
}

TEST_CASE("nesting: a read inside a transaction cannot write either") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([&](Transaction& tx) {
        add_part(tx, "R1");
        test->execute([&](Reader& r) {
            CHECK_THROWS_AS((void)r.one<int>("INSERT INTO Part (name) VALUES ('R2') RETURNING rowid"),
                            sqlane::UsageError);
            CHECK_THROWS_AS((void)r.all<int>("DELETE FROM Part RETURNING rowid"), sqlane::UsageError);
            CHECK_THROWS_AS(for ([[maybe_unused]] auto id
                                 : r.rows<int>("UPDATE Part SET name = 'R3' RETURNING rowid")){},
                            sqlane::UsageError);
            // What was refused outside of a transaction is refused inside of one.
            CHECK_THROWS_AS(test->transaction([] {}), sqlane::UsageError);
            CHECK_THROWS_AS(test->execute_mut([] {}), sqlane::UsageError);
        });
        CHECK(tx.all<std::string>("SELECT name FROM Part ORDER BY rowid") == std::vector<std::string>{"R1"});
    });
    CHECK(count(test.db()) == 1);
}

TEST_CASE("nesting: a helper written on Reader cannot write through the transaction it is given") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->execute_mut([&] {
        test->execute([](Reader& r) {
            CHECK_THROWS_AS((void)r.one<int>("INSERT INTO Part (name) VALUES ('R2') RETURNING rowid"),
                            sqlane::UsageError);
        });
    });
    CHECK(count(test.db()) == 0);
}

TEST_CASE("nesting: two managers on two files nest independently") {
    TemporaryDatabase parts;
    TemporaryDatabase orders;
    make_parts(parts.db());
    make_parts(orders.db());
    Rival seen_by_others{orders.path()};
    CHECK_THROWS_AS(parts->transaction([&](Transaction& tx) {
        add_part(tx, "undone");
        orders->transaction([&](Transaction& other) {
            add_part(other, "kept");
            CHECK(count(parts.db()) == 1);  // joins the outer one although another manager stands between
            parts->transaction([](Transaction& part) { add_part(part, "undone too"); });
        });
        CHECK(committed(seen_by_others) == 1);
        orders->execute([&](Reader& r) { CHECK(count(r) == 1); });
        CHECK(count(tx) == 2);
        throw Stop{};
    }),
                    Stop);
    CHECK(count(parts.db()) == 0);
    CHECK(count(orders.db()) == 1);
}

TEST_CASE("nesting: reading one manager does not keep a closure from writing another") {
    TemporaryDatabase parts;
    TemporaryDatabase orders;
    make_parts(parts.db());
    make_parts(orders.db());
    parts->execute([&](Reader& r) {
        orders->transaction([&](Transaction& tx) { add_part(tx, std::to_string(count(r)).c_str()); });
    });
    CHECK(count(orders.db()) == 1);
}

TEST_CASE("nesting: a call from another thread is no part of the closure") {
    TemporaryDatabase test;
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    test->execute([&] {
        crew.start([&] { test->transaction([](Transaction& tx) { add_part(tx, "R1"); }); });
        crew.join();
    });
    CHECK(count(test.db()) == 1);
}

TEST_CASE("nesting: an inner closure that throws leaves the outer call as it was") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([&](Transaction& tx) {
        CHECK_THROWS_AS(test->execute([] { throw Stop{}; }), Stop);
        CHECK_THROWS_AS(test->execute_mut([](Writer& w) {
            add_part(w, "part of the outer transaction");
            throw Stop{};
        }),
                        Stop);
        CHECK(count(tx) == 1);
    });
    CHECK(count(test.db()) == 1);
}
