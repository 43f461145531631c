#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

// The promise: nobody is told "committed" before the COMMIT that is shared is on the disk. The C library's flushes are
// replaced, so that they can be made to wait, and to fail.

namespace {

enum class Flush { works, stalls, fails };
std::atomic<Flush> next_flush{Flush::works};
support::Steps* steps = nullptr;

int flush() {
    switch (next_flush.load()) {
        case Flush::works: return 0;
        case Flush::stalls:
            steps->reach("flush begun");
            steps->wait_for("flush may end");
            return 0;
        case Flush::fails: break;
    }
    errno = EIO;
    return -1;
}

}  // namespace

extern "C" int fsync(int /*file*/) { return flush(); }
extern "C" int fdatasync(int /*file*/) { return flush(); }

namespace {

using sqlane::Call;
using sqlane::Transaction;
using sqlane::testing::TemporaryDatabase;
using support::caught;
using support::contains;

constexpr int members = 8;

sqlane::Options gathering() {
    sqlane::Options options;
    options.group_window = std::chrono::minutes{1};
    options.upkeep_thread = false;  // a checkpoint would flush too
    return options;
}

void insert(TemporaryDatabase& test, const Call& call, int id) {
    test->transaction(call, [id](Transaction& tx) { tx.run("INSERT INTO Parts VALUES (?)", id); });
}

void make_table(TemporaryDatabase& test) {
    test->execute_mut([](sqlane::Writer& w) { w.run("CREATE TABLE Parts (id INTEGER PRIMARY KEY)"); });
    for (int i = 1; i <= 4; ++i) insert(test, {}, -i);  // the site is known as a short one from here on
    test->execute_mut([](sqlane::Writer& w) { w.run("DELETE FROM Parts"); });
}

std::set<int> parts(TemporaryDatabase& test) {
    const auto all = test->execute([](sqlane::Reader& r) { return r.all<int>("SELECT id FROM Parts"); });
    return {all.begin(), all.end()};
}

/// Starts the members one after the other behind a transaction that holds the writer, and lets them go.
void gather(
    TemporaryDatabase& test, support::Crew& crew, const std::function<void(int)>& member,
    const std::function<void()>& before_they_go = [] {}) {
    test->transaction(Call{.solo = true}, [&] {
        for (int id = 1; id <= members; ++id) {
            crew.start([&member, id] { member(id); });
            support::wait_until("it stands in the line", [&] { return test->stats().writer.waiting == id; });
        }
        before_they_go();  // this one writes nothing, and so its COMMIT flushes nothing
    });
}

}  // namespace

TEST_CASE("flush: nobody is told committed before the flush is done") {
    // the members, one after the other       this thread
    // closures return
    // the last one's COMMIT: flush begun
    //                                        nobody has returned, nobody sees a row
    //                                        lets the flush end
    // all return
    TemporaryDatabase test{gathering()};
    make_table(test);
    support::Steps own;
    steps = &own;
    support::Crew crew{own};
    std::atomic<int> ran{0};
    std::atomic<int> told{0};
    const auto before = test->stats().writer.groups;
    const std::function<void(int)> member = [&](int id) {
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO Parts VALUES (?)", id);
            if (++ran == members) next_flush = Flush::stalls;
        });
        ++told;
    };
    for (int i = 1; i <= 4; ++i) member(-i);
    ran = 0;
    told = 0;
    gather(test, crew, member);
    own.wait_for("flush begun");
    CHECK(ran == members);
    CHECK(told == 0);
    CHECK(parts(test) == std::set{-4, -3, -2, -1});
    next_flush = Flush::works;
    own.reach("flush may end");
    crew.join();
    CHECK(told == members);
    CHECK(parts(test).size() == members + 4);
    CHECK(test->stats().writer.groups == before + 4 + 1 + 1);  // to know the site, who held the writer, the members
    steps = nullptr;
}

TEST_CASE("flush: one that fails is told to all, and all of them are undone") {
    TemporaryDatabase test{[](const std::string&) {}, gathering()};  // the handle that met the error is replaced
    make_table(test);
    support::Steps own;
    steps = &own;
    support::Crew crew{own};
    std::atomic<int> storage_errors{0};
    std::atomic<int> aborted{0};
    const std::function<void(int)> member = [&](int id) {
        try {
            insert(test, {.replay = id == 3}, id);
        } catch (const sqlane::StorageError& error) {
            CHECK(contains(error.what(), "disk I/O error"));
            ++storage_errors;
            next_flush = Flush::works;
        } catch (const sqlane::Aborted& error) {
            CHECK(contains(error.what(), "disk I/O error"));
            ++aborted;
        }
    };
    gather(test, crew, member, [] { next_flush = Flush::fails; });
    crew.join();
    next_flush = Flush::works;
    CHECK(storage_errors >= 1);
    CHECK(storage_errors + aborted >= members - 1);
    insert(test, {}, 100);
    const auto kept = parts(test);
    CHECK(kept.contains(100));
    for (const int id : {1, 2, 4, 5, 6, 7, 8}) CHECK_FALSE(kept.contains(id));
    steps = nullptr;
}

TEST_CASE("flush: what was told undone does not come back when the file is opened again") {
    // The frames of a COMMIT whose flush failed are in the log: recovery would find them whole.
    const sqlane::testing::TemporaryFolder folder;
    const auto file = folder.path() / "parts.db";
    const auto verb = [&](sqlane::ConnectionManager& db) {
        SUBCASE("transaction") {
            caught<sqlane::StorageError>(
                [&] { db.transaction([](Transaction& tx) { tx.run("INSERT INTO Parts VALUES (1)"); }); });
        }
        SUBCASE("transaction with a COMMIT of its own") {
            caught<sqlane::StorageError>([&] {
                db.transaction({.solo = true}, [](Transaction& tx) { tx.run("INSERT INTO Parts VALUES (1)"); });
            });
        }
        SUBCASE("execute_mut") {
            caught<sqlane::StorageError>(
                [&] { db.execute_mut([](sqlane::Writer& w) { w.run("INSERT INTO Parts VALUES (1)"); }); });
        }
    };
    {
        sqlane::ConnectionManager db{file, gathering()};
        db.execute_mut([](sqlane::Writer& w) {
            w.script("CREATE TABLE Parts (id INTEGER PRIMARY KEY); PRAGMA user_version = 7");
        });
        next_flush = Flush::fails;
        verb(db);
        // Fails still while the manager closes, so that the log is neither brought home nor removed.
    }
    next_flush = Flush::works;
    REQUIRE(std::filesystem::file_size(folder.path() / "parts.db-wal") > 0);
    sqlane::ConnectionManager again{file, gathering()};
    again.execute([](sqlane::Reader& r) {
        CHECK(r.all<int>("SELECT id FROM Parts").empty());
        CHECK(r.one<int>("PRAGMA user_version") == 7);
    });
}
