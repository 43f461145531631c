#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/rival.hpp"
#include "support/steps.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <source_location>
#include <string>

/// The promise: closing loses nothing that was acknowledged, and says who would not let go.
namespace {

using namespace std::chrono_literals;
using sqlane::Cancelled;
using sqlane::Closed;
using sqlane::CloseReport;
using sqlane::ConnectionManager;
using sqlane::Health;
using sqlane::Options;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;
using support::Crew;
using support::Steps;

constexpr const char* endless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";

void make_parts(ConnectionManager& db) {
    db.execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT NOT NULL)"); });
}

void add_part(ConnectionManager& db) {
    db.transaction([](Transaction& tx) { tx.run("INSERT INTO Part (name) VALUES ('R1')"); });
}

void wait_until_closing(ConnectionManager& db) {
    support::wait_until("the manager is closing", [&] { return db.health().state == Health::State::closed; });
}

bool has_log(const TemporaryDatabase& test) { return std::filesystem::exists(test.path().string() + "-wal"); }

/// Read without any log: what is in the database file itself.
long long parts_in_the_file(const TemporaryDatabase& test) {
    return support::Rival{test.path()}.number("SELECT count(*) FROM Part");
}

}  // namespace

TEST_CASE("close: refuses every call from then on and runs nothing") {
    TemporaryDatabase test;
    make_parts(test.db());
    const auto report = test->close();
    CHECK(report.complete);
    CHECK(report.still_held.empty());
    CHECK(report.refused == 0);
    CHECK(report.interrupted == 0);
    bool ran = false;
    CHECK_THROWS_AS(test->execute([&] { ran = true; }), Closed);
    CHECK_THROWS_AS(test->execute_mut([&] { ran = true; }), Closed);
    CHECK_THROWS_AS(test->transaction([&] { ran = true; }), Closed);
    CHECK_FALSE(ran);
}

TEST_CASE("close: brings the log home though the writer had to be replaced after its last call") {
    TemporaryDatabase test{[](const std::string& /*leak*/) {}};
    make_parts(test.db());
    add_part(test.db());
    test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });  // the last to close
    test->execute_mut([](Writer& w) { w.run("CREATE TEMP TABLE Left_behind (x)"); });
    REQUIRE(test->stats().writer.open == 0);
    CHECK(test->close().wal_bytes == 0);
    CHECK_FALSE(has_log(test));
    CHECK(parts_in_the_file(test) == 1);
}

TEST_CASE("close: the manager still answers questions") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->close();
    CHECK(test->health().state == Health::State::closed);
    CHECK(test->stats().writer.open == 0);
    CHECK(test->stats().readers.open == 0);
    CHECK(test->report().writer.holders.empty());
    CHECK(test->options().readers.max == 5);
    CHECK(test->path().filename() == "test.db");
}

TEST_CASE("close: everything is in the database file and the log is gone") {
    TemporaryDatabase test;
    make_parts(test.db());
    for (int i = 0; i < 10; ++i) add_part(test.db());
    test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
    CHECK(has_log(test));
    const auto report = test->close();
    CHECK(report.complete);
    CHECK(report.wal_bytes == 0);
    CHECK_FALSE(has_log(test));
    CHECK(parts_in_the_file(test) == 10);
}

TEST_CASE("close: the log is gone too when a transaction was running meanwhile") {
    // writing thread                       this thread
    // reads once, so that a reader is open
    // inserts
    //                                      closes
    // commits
    //                                      closed: the last commit is in the file
    TemporaryDatabase test;
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO Part (name) VALUES ('R1')");
            steps.reach("inserted");
            wait_until_closing(test.db());
        });
        steps.reach("committed");
    });
    steps.wait_for("inserted");
    const auto report = test->close(10s);
    CHECK(report.complete);
    CHECK(report.interrupted == 0);
    CHECK(report.wal_bytes == 0);
    CHECK_FALSE(has_log(test));
    crew.join();
    CHECK(steps.reached("committed"));
    CHECK(parts_in_the_file(test) == 1);
}

TEST_CASE("close: accepted calls finish whether they run or wait in the line") {
    // reader         writer         two more writers     closing thread
    // reads          writes         wait in the line
    //                                                    closes
    // nests          nests
    // returns        commits
    //                               commit
    //                                                    complete
    TemporaryDatabase test;
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        CHECK(test->execute([&](Reader& r) {
            CHECK(r.one<int>("SELECT count(*) FROM Part") == 0);
            steps.reach("reads");
            wait_until_closing(test.db());
            // Calls inside of an accepted one are part of it.
            return test->execute([](Reader& inner) { return inner.one<int>("SELECT count(*) FROM Part"); });
        }) == 0);
    });
    crew.start([&] {
        test->transaction([&] {
            steps.reach("writes");
            wait_until_closing(test.db());
            add_part(test.db());
            steps.wait_for("new calls are refused");
        });
    });
    steps.wait_for("reads");
    steps.wait_for("writes");
    for (int i = 0; i < 2; ++i) {
        crew.start([&] { add_part(test.db()); });
        support::wait_until("the next one is in the line", [&] { return test->stats().writer.waiting == i + 1; });
    }
    CloseReport report;
    crew.start([&] { report = test->close(support::patience); });
    wait_until_closing(test.db());
    CHECK_THROWS_AS(test->execute([] {}), Closed);
    CHECK_THROWS_AS(test->transaction([] {}), Closed);
    steps.reach("new calls are refused");
    crew.join();
    CHECK(report.complete);
    CHECK(report.refused == 0);
    CHECK(report.interrupted == 0);
    CHECK_FALSE(has_log(test));
    CHECK(parts_in_the_file(test) == 3);
}

TEST_CASE("close: stragglers are interrupted at the deadline and those in line sent away") {
    TemporaryDatabase test;
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        const auto error =
            support::caught<Cancelled>([&] { test->execute([](Reader& r) { return r.one<int>(endless); }); });
        CHECK_MESSAGE(support::contains(error.what(), "the manager is closing"), error.what());
    });
    crew.start([&] {
        CHECK_THROWS_AS(test->transaction([](Transaction& tx) {
            tx.run("INSERT INTO Part (name) VALUES ('undone')");
            CHECK_THROWS_AS((void)tx.one<int>(endless), Cancelled);
            tx.run("INSERT INTO Part (name) VALUES ('undone too')");
        }),
                        Cancelled);
    });
    const auto stepping = [](const sqlane::LaneReport& lane) {
        return std::ranges::any_of(lane.holders, [](const auto& holder) { return holder.sql.starts_with("WITH"); });
    };
    support::wait_until("both run", [&] {
        const auto report = test->report();
        return stepping(report.readers) && stepping(report.writer);
    });
    crew.start([&] { CHECK_THROWS_AS(add_part(test.db()), Closed); });
    support::wait_until("one is in the line", [&] { return test->stats().writer.waiting == 1; });
    const auto report = test->close(20ms);
    crew.join();
    CHECK(report.complete);
    CHECK(report.interrupted == 2);
    CHECK(report.refused == 1);
    CHECK(report.took >= 20ms);
    CHECK(report.took < support::within(500ms));
    CHECK_FALSE(has_log(test));
    CHECK(parts_in_the_file(test) == 0);
}

TEST_CASE("close: who is stuck in its own code is named and close can be called again") {
    // stuck thread                          this thread
    // writes, then is busy with itself
    //                                       closes: not complete, names it
    // tries to go on: Cancelled
    //                                       closes again: complete
    TemporaryDatabase test;
    make_parts(test.db());
    add_part(test.db());
    test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
    Steps steps;
    Crew crew{steps};
    const auto at = std::source_location::current();
    crew.start([&] {
        CHECK_THROWS_AS(test->transaction(
                            {.label = "stuck"},
                            [&](Transaction& tx) {
                                tx.run("INSERT INTO Part (name) VALUES ('never committed')");
                                steps.reach("stuck");
                                steps.wait_for("the first close has returned");
                                tx.run("INSERT INTO Part (name) VALUES ('nor this')");
                            },
                            at),
                        Cancelled);
    });
    crew.start([&] {
        test->execute({.label = "stuck too"}, [&] {
            steps.reach("stuck too");
            steps.wait_for("the first close has returned");
        });
    });
    steps.wait_for("stuck");
    steps.wait_for("stuck too");
    const auto first = test->close(10ms);
    CHECK_FALSE(first.complete);
    CHECK(first.interrupted == 2);
    REQUIRE(first.still_held.size() == 2);
    const auto stuck = std::ranges::find(first.still_held, "stuck", &sqlane::Holder::label);
    REQUIRE(stuck != first.still_held.end());
    CHECK(stuck->at.line() == at.line());
    CHECK(std::ranges::find(first.still_held, "stuck too", &sqlane::Holder::label) != first.still_held.end());
    const auto text = to_string(first);
    CHECK_MESSAGE(support::contains(text, "closing_loses_nothing.cpp:" + std::to_string(at.line())), text);
    CHECK_MESSAGE(support::contains(text, "would not let go"), text);
    CHECK_THROWS_AS(test->execute([] {}), Closed);

    steps.reach("the first close has returned");
    crew.join();
    const auto second = test->close(10s);
    CHECK(second.complete);
    CHECK(second.still_held.empty());
    CHECK(second.interrupted == 0);
    CHECK(second.wal_bytes == 0);
    CHECK(test->stats().writer.open == 0);
    CHECK(test->stats().readers.open == 0);
    CHECK(parts_in_the_file(test) == 1);
}

TEST_CASE("close: what was committed is in the database file although a reader would not let go") {
    TemporaryDatabase test;
    make_parts(test.db());
    add_part(test.db());
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        test->execute([&] {
            steps.reach("stuck");
            steps.wait_for("closed as far as that goes");
        });
    });
    steps.wait_for("stuck");
    CHECK_FALSE(test->close(10ms).complete);
    steps.reach("closed as far as that goes");
    crew.join();
    const auto alone = test.path().parent_path() / "without_its_log.db";
    std::filesystem::copy_file(test.path(), alone);
    CHECK(support::Rival{alone}.number("SELECT count(*) FROM Part") == 1);
}

TEST_CASE("close: twice is the same as once") {
    TemporaryDatabase test;
    CHECK(test->close().complete);
    CHECK(test->close().complete);
}

TEST_CASE("close: from several threads at once") {
    TemporaryDatabase test;
    make_parts(test.db());
    add_part(test.db());
    Steps steps;
    Crew crew{steps};
    for (int i = 0; i < 4; ++i) crew.start([&] { CHECK(test->close().complete); });
    crew.join();
    CHECK(parts_in_the_file(test) == 1);
}

TEST_CASE("close: inside a closure is refused because it would wait for itself") {
    TemporaryDatabase test;
    TemporaryDatabase other;
    const auto outer = std::source_location::current();
    const auto inner = std::source_location::current();
    test->execute(
        [&] {
            const auto error = support::caught<UsageError>([&] { test->close(1s, inner); });
            CHECK_MESSAGE(support::contains(error.what(), "closing_loses_nothing.cpp:" + std::to_string(outer.line())),
                          error.what());
            CHECK_MESSAGE(support::contains(error.what(), "closing_loses_nothing.cpp:" + std::to_string(inner.line())),
                          error.what());
            CHECK(other->close().complete);  // another manager's closure is no obstacle
        },
        outer);
    CHECK_THROWS_AS(test->transaction([&] { test->close(); }), UsageError);
    test->execute([] {});  // nothing has been closed
}

TEST_CASE("close: in the middle of traffic loses no transaction that returned") {
    TemporaryDatabase test;
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    std::atomic<int> kept{0};
    for (int t = 0; t < 4; ++t)
        crew.start([&] {
            try {
                for (;;) {
                    add_part(test.db());
                    ++kept;
                    test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
                }
            } catch (const Closed&) {
            }
        });
    support::wait_until("some are in", [&] { return kept > 20; });
    const auto report = test->close(10s);
    crew.join();
    CHECK(report.complete);
    CHECK(report.wal_bytes == 0);
    CHECK_FALSE(has_log(test));
    CHECK(parts_in_the_file(test) == kept);
}

TEST_CASE("destructor: waits for closures that run even beyond the time to close") {
    // running thread                         destroying thread
    // reads
    //                                        destroys the manager
    //                                        the time to close passes: interrupts
    // notices, and takes its time
    // returns its value
    //                                        done
    // The manager may not be touched by the call that ends last: address and thread sanitizer look at that here.
    for (int round = 0; round < 20; ++round) {
        sqlane::testing::TemporaryFolder folder;
        Options options;
        options.close_timeout = 0ms;
        options.upkeep_thread = round % 2 == 0;
        auto db = std::make_unique<ConnectionManager>(folder.path() / "test.db", options);
        auto& manager = *db;
        Steps steps;
        Crew crew{steps};
        crew.start([&] {
            const auto result = manager.execute([&](Reader& r) {
                steps.reach("reads");
                support::wait_until("interrupted", [&] {
                    try {
                        return r.one<int>("SELECT 1") != 1;
                    } catch (const Cancelled&) {
                        return true;
                    }
                });
                CHECK_FALSE(steps.reached("destroyed"));
                return 7;
            });
            CHECK(result == 7);
        });
        steps.wait_for("reads");
        db.reset();
        steps.reach("destroyed");
        crew.join();
    }
}

TEST_CASE("destructor: waits for those whom it sends away from the line") {
    for (int round = 0; round < 20; ++round) {
        sqlane::testing::TemporaryFolder folder;
        Options options;
        options.close_timeout = 1ms;
        auto db = std::make_unique<ConnectionManager>(folder.path() / "test.db", options);
        auto& manager = *db;
        Steps steps;
        Crew crew{steps};
        crew.start([&] {
            manager.execute_mut([&](Writer& w) {
                steps.reach("writes");
                CHECK_THROWS_AS((void)w.one<int>(endless), Cancelled);
            });
        });
        steps.wait_for("writes");
        crew.start([&] {
            const auto error = support::caught<Closed>([&] { manager.transaction([] {}); });
            CHECK(support::contains(error.what(), "test.db"));
        });
        support::wait_until("one is in the line", [&] { return manager.stats().writer.waiting == 1; });
        db.reset();
        crew.join();
    }
}
