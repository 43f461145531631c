#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <atomic>
#include <chrono>
#include <source_location>
#include <string>
#include <thread>

// The promise: the write-ahead log stays near its limit although somebody always reads, and who keeps it from that is named.

namespace {

using namespace std::chrono_literals;
using sqlane::Options;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::testing::TemporaryDatabase;
using support::Crew;
using support::Steps;

constexpr std::int64_t limit = 256 << 10;

Options with_small_log() {
    Options options;
    options.synchronous = sqlane::Synchronous::off;
    options.wal_soft_limit = limit;
    return options;
}

void write_bulk(sqlane::ConnectionManager& db, int times) {
    for (int i = 0; i < times; ++i)
        db.transaction([](Transaction& tx) { tx.run("UPDATE Bulk SET content = randomblob(20000)"); });
}

void make_bulk(sqlane::ConnectionManager& db) {
    db.transaction([](Transaction& tx) { tx.script("CREATE TABLE Bulk(content); INSERT INTO Bulk VALUES (1)"); });
}

}  // namespace

TEST_CASE("log: overlapping readers do not keep it from beginning anew") {
    // reader 1   |------|      |------|
    // reader 2       |------|      |------|    at every moment somebody reads what is not the newest
    // writer     commits all the time
    TemporaryDatabase test{with_small_log()};
    make_bulk(test.db());
    Steps steps;
    Crew crew{steps};
    std::atomic<int> turn = 0;
    for (int i = 0; i < 2; ++i) {
        crew.start([&, i] {
            while (!steps.reached("written")) {
                test->execute([&](Reader& r) {
                    static_cast<void>(r.one<std::int64_t>("SELECT count(*) FROM Bulk"));
                    turn = i;
                    // Until the other one reads too, which it cannot while new readers are kept out.
                    for (const auto end = support::Clock::now() + 5ms; turn == i && support::Clock::now() < end;)
                        std::this_thread::yield();
                });
            }
        });
    }
    for (int i = 0; i < support::rounds(2000); ++i) {
        write_bulk(test.db(), 1);
        if (test->stats().wal_bytes <= 4 * limit) continue;
        support::wait_until("the log begins anew", [&] {
            write_bulk(test.db(), 1);
            return test->stats().wal_bytes <= limit;
        });
    }
    steps.reach("written");
    crew.join();
    CHECK(test->stats().checkpoints > 0);
}

TEST_CASE("log: who pins it is named, with the place and the time, and the next checkpoint after that brings it home") {
    TemporaryDatabase test{with_small_log()};
    make_bulk(test.db());
    Steps steps;
    Crew crew{steps};
    const auto here = std::source_location::current();
    crew.start([&] {
        test->execute({.label = "a long look"}, [&](Reader& r) {
            static_cast<void>(r.one<std::int64_t>("SELECT count(*) FROM Bulk"));
            steps.reach("looking");
            steps.wait_for("looked");
        });
    });
    steps.wait_for("looking");
    CHECK_FALSE(test->report().wal_pinned_by);
    write_bulk(test.db(), 30);
    support::wait_until("the pin is known", [&] { return test->report().wal_pinned_by.has_value(); });
    const auto report = test->report();
    CHECK(report.wal_pinned_by->label == "a long look");
    CHECK(std::string{report.wal_pinned_by->at.file_name()} == here.file_name());
    CHECK(report.wal_bytes > limit);
    const auto text = to_string(report);
    CHECK(support::contains(text, "log: "));
    CHECK(support::contains(text, ", pinned for "));
    CHECK(support::contains(text, "log_does_not_grow.cpp:"));
    CHECK(support::contains(to_json(report), "\"wal_pinned_by\":{\"file\""));
    steps.reach("looked");
    crew.join();
    support::wait_until("nobody pins it", [&] { return !test->report().wal_pinned_by.has_value(); });
    CHECK(support::contains(to_json(test->report()), "\"wal_pinned_by\":null"));
}

TEST_CASE("log: readers that wait while others are let out are served, and none is refused") {
    TemporaryDatabase test{with_small_log()};
    make_bulk(test.db());
    Steps steps;
    Crew crew{steps};
    std::atomic<std::uint64_t> reads = 0;
    for (int i = 0; i < 4; ++i) {
        crew.start([&] {
            while (!steps.reached("written")) {
                test->execute([](Reader& r) { return r.one<std::int64_t>("SELECT count(*) FROM Bulk"); });
                ++reads;
            }
        });
    }
    write_bulk(test.db(), support::rounds(500));
    steps.reach("written");
    crew.join();
    const auto stats = test->stats();
    CHECK(stats.readers.lent == reads);
    CHECK(stats.readers.timeouts + stats.readers.rejections + stats.readers.deadlocks == 0);
    CHECK(stats.checkpoints > 0);
}
