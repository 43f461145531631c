#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>

#include "support/steps.hpp"

#include <cstdint>
#include <filesystem>
#include <string>

/// The promise: a database in memory behaves as a file does, with all its lanes, and leaves nothing.
namespace {

using sqlane::ConnectionManager;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Writer;

}  // namespace

TEST_CASE("in memory: eight threads read and write the same data through all lanes") {
    constexpr int threads = 8;
    const int rounds = support::rounds(100);
    auto db = ConnectionManager::in_memory();
    db.execute_mut([](Writer& w) {
        w.script(
            "CREATE TABLE Part (thread INTEGER NOT NULL, round INTEGER NOT NULL, seen INTEGER NOT NULL DEFAULT 0);"
            "CREATE TABLE Total (parts INTEGER NOT NULL); INSERT INTO Total (parts) VALUES (0)");
    });
    support::Steps steps;
    support::Crew crew{steps};
    for (int t = 0; t < threads; ++t)
        crew.start([&, t] {
            db.execute([&] {  // all of them at once, so that there are several handles
                steps.reach("reads " + std::to_string(t));
                for (int other = 0; other < threads; ++other) steps.wait_for("reads " + std::to_string(other));
            });
            for (int round = 0; round < rounds; ++round) {
                db.transaction([&](Transaction& tx) {
                    tx.run("INSERT INTO Part (thread, round) VALUES (?, ?)", t, round);
                    tx.run("UPDATE Total SET parts = parts + 1");
                });
                db.execute([&](Reader& r) {
                    // Its own writes are there, and both tables are of one moment.
                    const auto mine = r.one<int>("SELECT count(*) FROM Part WHERE thread = ?", t);
                    const auto all = r.one<int>("SELECT count(*) FROM Part");
                    CHECK(mine == round + 1);
                    CHECK(all == r.one<int>("SELECT parts FROM Total"));
                });
                db.execute_mut([&](Writer& w) {
                    CHECK(w.run("UPDATE Part SET seen = seen + 1 WHERE thread = ? AND round = ?", (t + 1) % threads,
                                round) <= 1);
                });
            }
        });
    crew.join();
    CHECK(db.execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); }) == threads * rounds);
    CHECK(db.execute([](Reader& r) { return r.one<int>("SELECT max(seen) FROM Part"); }) <= 1);
    const auto stats = db.stats();
    CHECK(stats.writer.commits == static_cast<std::uint64_t>(threads * rounds));
    CHECK(stats.writer.busy_waits == 0);
    CHECK(stats.readers.busy_waits == 0);
    CHECK(stats.readers.opened >= threads);
}

TEST_CASE("in memory: a reader keeps its snapshot while another thread writes") {
    auto db = ConnectionManager::in_memory();
    db.execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT)"); });
    support::Steps steps;
    support::Crew crew{steps};
    const auto count = [](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); };
    db.execute([&](Reader& r) {
        CHECK(count(r) == 0);
        crew.start([&] { db.transaction([](Transaction& tx) { tx.run("INSERT INTO Part (name) VALUES ('R1')"); }); });
        crew.join();
        CHECK(count(r) == 0);
    });
    CHECK(db.execute(count) == 1);
}

TEST_CASE("in memory: two databases know nothing of each other") {
    auto first = ConnectionManager::in_memory();
    auto second = ConnectionManager::in_memory();
    first.execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT)"); });
    const auto tables = [](Reader& r) { return r.one<int>("SELECT count(*) FROM sqlite_schema"); };
    CHECK(first.execute(tables) == 1);
    CHECK(second.execute(tables) == 0);
    CHECK(first.path() != second.path());
}

TEST_CASE("in memory: nothing remains on the disk") {
    std::filesystem::path folder;
    {
        auto db = ConnectionManager::in_memory();
        db.execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT)"); });
        db.execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
        folder = db.path().parent_path();
        CHECK(std::filesystem::exists(folder));
        CHECK(folder.filename().string().starts_with("sqlane-memory-"));
#if defined(__linux__)
        if (std::filesystem::exists("/dev/shm")) CHECK(folder.parent_path() == "/dev/shm");
#endif
        CHECK((std::filesystem::status(folder).permissions() & std::filesystem::perms::all) ==
              std::filesystem::perms::owner_all);
    }
    CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("in memory: nothing remains when it was closed first or an exception ended it") {
    std::filesystem::path folder;
    {
        auto db = ConnectionManager::in_memory();
        folder = db.path().parent_path();
        CHECK(db.close().complete);
    }
    CHECK_FALSE(std::filesystem::exists(folder));
    try {
        auto db = ConnectionManager::in_memory();
        folder = db.path().parent_path();
        db.transaction([] { throw 7; });
    } catch (int) {
    }
    CHECK_FALSE(std::filesystem::exists(folder));
}
