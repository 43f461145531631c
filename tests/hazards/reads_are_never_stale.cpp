#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/rival.hpp"
#include "support/steps.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

// The promise: a read that begins after a commit returned, here or in another process, sees that commit, although a reader
// keeps its snapshot from one call to the next; and a snapshot that is kept stands in nobody's way.

namespace {

using namespace std::chrono_literals;
using sqlane::Options;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;
using support::Crew;
using support::Rival;
using support::Steps;

/// Two numbers that are always the same.
void make_pair(sqlane::ConnectionManager& db) {
    db.transaction([](Transaction& tx) { tx.script("CREATE TABLE Pair(a, b); INSERT INTO Pair VALUES (0, 0)"); });
}

std::int64_t read_pair(sqlane::ConnectionManager& db) {
    return db.execute([](Reader& r) {
        const auto a = r.one<std::int64_t>("SELECT a FROM Pair");
        const auto b = r.one<std::int64_t>("SELECT b FROM Pair");
        if (a != b) throw std::runtime_error{"a torn read"};
        return a;
    });
}

/// SQLite tells in the first column that somebody still reads the log.
bool can_truncate_the_log(Rival& rival) { return rival.number("PRAGMA wal_checkpoint(TRUNCATE)") == 0; }

/// Whether a handle that has just read keeps its snapshot: then nobody else can empty the log.
bool is_warm_after(TemporaryDatabase& test, const std::function<void()>& reading) {
    Rival rival{test.path()};
    rival.run("PRAGMA busy_timeout=0");
    rival.run("UPDATE Pair SET a = a, b = b");  // else there would be nothing in the log to pin
    reading();
    return !can_truncate_the_log(rival);
}

/// No flushes: what is tested here is what readers see.
Options quick() {
    Options options;
    options.synchronous = sqlane::Synchronous::off;
    return options;
}

/// So long that only what the test does can end a snapshot.
Options kept_for_long() {
    auto options = quick();
    options.snapshot_idle = 60s;
    return options;
}

}  // namespace

TEST_CASE("fresh: each read sees the commit that returned before it") {
    TemporaryDatabase test{kept_for_long()};
    make_pair(test.db());
    for (std::int64_t i = 1; i <= support::rounds(2000); ++i) {
        test->transaction([&](Transaction& tx) { tx.run("UPDATE Pair SET a = ?1, b = ?1", i); });
        REQUIRE(read_pair(test.db()) == i);
        REQUIRE(read_pair(test.db()) == i);
    }
}

TEST_CASE("fresh: what another connection committed is seen at once, a new column too") {
    TemporaryDatabase test{kept_for_long()};
    make_pair(test.db());
    Rival rival{test.path()};
    for (int i = 1; i <= support::rounds(500); ++i) {
        rival.run("UPDATE Pair SET a = " + std::to_string(i) + ", b = " + std::to_string(i));
        REQUIRE(read_pair(test.db()) == i);
    }
    rival.run("ALTER TABLE Pair ADD COLUMN c DEFAULT 7");
    CHECK(test->execute([](Reader& r) { return r.one<int>("SELECT c FROM Pair"); }) == 7);
}

TEST_CASE("fresh: readers on many threads see every commit that was announced, and never half of one") {
    // a writer                       readers
    // commits n
    // announces n
    //                                see an announcement of n, read, and find n or more
    TemporaryDatabase test{quick()};
    make_pair(test.db());
    std::atomic<std::int64_t> announced = 0;
    std::atomic<std::int64_t> reads = 0;
    std::atomic<std::int64_t> stale = 0;
    Steps steps;
    Crew crew{steps};
    for (int i = 0; i < 3; ++i) {
        crew.start([&] {
            while (!steps.reached("written")) {
                const auto least = announced.load();
                if (read_pair(test.db()) < least) ++stale;
                ++reads;
            }
        });
    }
    crew.start([&] {
        for (std::int64_t i = 1; i <= support::rounds(3000); ++i) {
            test->transaction([&](Transaction& tx) { tx.run("UPDATE Pair SET a = ?1, b = ?1", i); });
            announced.store(i);
            // Some reads between two commits are the ones that could be answered from a snapshot that was kept.
            for (const auto before = reads.load(); i % 10 == 0 && reads.load() < before + 3;) std::this_thread::yield();
        }
        steps.reach("written");
    });
    crew.join();
    CHECK(stale == 0);
    CHECK(reads > 0);
}

TEST_CASE(
    "fresh: a snapshot is kept after a read, and not after a closure that threw or that read nothing to its end") {
    TemporaryDatabase test{kept_for_long()};
    make_pair(test.db());
    read_pair(test.db());
    CHECK(is_warm_after(test, [&] { read_pair(test.db()); }));  // the control: the others could see it
    struct Stop {};
    CHECK_FALSE(is_warm_after(test, [&] {
        CHECK_THROWS_AS(test->execute([](Reader& r) {
            static_cast<void>(r.one<int>("SELECT a FROM Pair"));
            throw Stop{};
        }),
                        Stop);
    }));
}

TEST_CASE("fresh: a snapshot that nobody uses is over soon, and the log can be emptied") {
    TemporaryDatabase test{quick()};
    make_pair(test.db());
    read_pair(test.db());
    Rival rival{test.path()};
    rival.run("UPDATE Pair SET a = 1, b = 1");
    read_pair(test.db());
    const auto took = support::time_of([&] { CHECK(can_truncate_the_log(rival)); });
    CHECK(took < support::within(200ms));
}

TEST_CASE("fresh: without upkeep's thread no snapshot is kept") {
    auto options = kept_for_long();
    options.upkeep_thread = false;
    TemporaryDatabase test{options};
    make_pair(test.db());
    read_pair(test.db());
    CHECK_FALSE(is_warm_after(test, [&] { read_pair(test.db()); }));
}

TEST_CASE("fresh: with snapshot_idle 0 no snapshot is kept") {
    auto options = quick();
    options.snapshot_idle = 0ms;
    TemporaryDatabase test{options};
    make_pair(test.db());
    read_pair(test.db());
    CHECK_FALSE(is_warm_after(test, [&] { read_pair(test.db()); }));
}

TEST_CASE("fresh: one that is read all the time lets go of the log when all of it is home") {
    TemporaryDatabase test{quick()};
    make_pair(test.db());
    Steps steps;
    Crew crew{steps};
    std::atomic<std::int64_t> seen = 0;
    crew.start([&] {
        while (!steps.reached("truncated")) seen = read_pair(test.db());
    });
    Rival rival{test.path()};
    for (int i = 1; i <= 10; ++i) {
        rival.run("UPDATE Pair SET a = a + 1, b = b + 1");
        // From here on the reader's snapshot is the newest, and needs the log until the checkpoint has copied it.
        support::wait_until("the reader has it", [&] { return seen == i; });
        REQUIRE(can_truncate_the_log(rival));
    }
    steps.reach("truncated");
    crew.join();
}

TEST_CASE("fresh: a checkpoint of our own ends the snapshots of idle readers first") {
    auto options = kept_for_long();
    options.wal_soft_limit = 65536;
    TemporaryDatabase test{options};
    make_pair(test.db());
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE Bulk(x)"); });
    const auto write = [&] {
        test->execute_mut([](Writer& w) { w.run("INSERT INTO Bulk VALUES (zeroblob(100000))"); });
    };
    write();
    read_pair(test.db());
    // Were the reader's snapshot kept, the log could not begin anew, and would grow with each of these.
    for (int i = 0; i < 20; ++i) {
        const auto done = test->stats().checkpoints;
        write();
        support::wait_until("a checkpoint ran", [&] { return test->stats().checkpoints > done; });
        read_pair(test.db());
    }
    CHECK(test->stats().wal_bytes < 20 * 100000);
}

TEST_CASE("fresh: a kept snapshot is no leftover, and its handle is the one that is lent next") {
    TemporaryDatabase test{kept_for_long()};
    make_pair(test.db());
    for (int i = 0; i < 10; ++i) read_pair(test.db());
    const auto stats = test->stats().readers;
    CHECK(stats.opened == 1);
    CHECK(stats.replaced == 0);
    CHECK(stats.idle == 1);
    CHECK(stats.in_use == 0);
    CHECK(test.complaints().empty());
}
