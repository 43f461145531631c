#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"
#include "support/rival.hpp"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>

using sqlane::Options;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Warning;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;
using sqlane::testing::TemporaryFolder;

namespace {

using handle_tests::warnings_of;

constexpr std::int64_t limit = 256 * 1024;

Options with_limit(bool upkeep_thread) {
    Options options;
    options.wal_soft_limit = limit;
    options.upkeep_thread = upkeep_thread;
    return options;
}

void write_more_than_the_limit(sqlane::ConnectionManager& db) {
    db.transaction([](Transaction& tx) {
        tx.run("CREATE TABLE IF NOT EXISTS t (x)");
        tx.run("INSERT INTO t VALUES (randomblob(?))", 2 * limit);
    });
}

/// Asks until it is so; gives up after a time in which it must have come.
template <class Condition>
bool comes_true(Condition&& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::yield();
    }
    return true;
}

/// How many pages the file itself holds, without the log. Needs no descriptor of it.
std::int64_t file_pages(const std::filesystem::path& path) {
    return static_cast<std::int64_t>(std::filesystem::file_size(path)) / 4096;
}

}  // namespace

TEST_CASE("checkpoint: a log above its limit is brought into the file in the background") {
    TemporaryDatabase test{with_limit(true)};
    write_more_than_the_limit(test.db());
    CHECK(comes_true([&] { return test->stats().checkpoints > 0; }));
    CHECK(comes_true([&] { return file_pages(test.path()) > 2 * limit / 4096; }));
    // What it held stays readable, and the log is written from its start again instead of growing.
    const auto size = test->stats().wal_bytes;
    CHECK(size > limit);
    for (int i = 0; i < 5; ++i) {
        const auto before = test->stats().checkpoints;
        test->execute_mut([](Writer& w) { w.run("UPDATE t SET x = randomblob(?)", 2 * limit); });
        CHECK(comes_true([&] { return test->stats().checkpoints > before; }));
    }
    CHECK(test->stats().wal_bytes <= size + 64 * 1024);
    CHECK(test->execute([](Reader& r) { return r.one<std::string>("PRAGMA integrity_check"); }) == "ok");
    CHECK(test->report().warnings.empty());
}

TEST_CASE("checkpoint: a log above its limit does not wait until nobody needs a handle") {
    TemporaryDatabase test{with_limit(true)};
    test->execute([&](Reader&) {
        std::thread{[&] { write_more_than_the_limit(test.db()); }}.join();
        CHECK(comes_true([&] { return test->stats().checkpoints > 0; }));
    });
}

TEST_CASE("checkpoint: without the thread it is done as handles come back") {
    TemporaryDatabase test{with_limit(false)};
    write_more_than_the_limit(test.db());
    CHECK(test->stats().checkpoints > 0);
    CHECK(file_pages(test.path()) > 2 * limit / 4096);
    const auto size = test->stats().wal_bytes;
    for (int i = 0; i < 5; ++i)
        test->execute_mut([](Writer& w) { w.run("UPDATE t SET x = randomblob(?)", 2 * limit); });
    CHECK(test->stats().wal_bytes <= size + 64 * 1024);
    CHECK(test->report().warnings.empty());
}

TEST_CASE("checkpoint: a small log is brought home when nobody needs a handle") {
    TemporaryDatabase test{with_limit(true)};
    test->execute_mut([](Writer& w) { w.script("CREATE TABLE t (x); INSERT INTO t VALUES (1)"); });
    CHECK(comes_true([&] { return file_pages(test.path()) >= 2; }));
}

TEST_CASE("checkpoint: never runs while another process may commit") {
    TemporaryDatabase test{with_limit(false)};
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE other (x)"); });
    support::Rival rival{test.path()};
    const auto checkpoints = test->stats().checkpoints;
    const auto skipped = test->stats().checkpoints_skipped;
    // While the rival holds the write lock, a reader that comes back is the occasion for a checkpoint.
    test->execute_mut([&](Writer& w) {
        for (int i = 0; i < 3; ++i) w.run("INSERT INTO other VALUES (randomblob(?))", limit);
        w.run("DELETE FROM other");
    });
    const auto after_write = test->stats().checkpoints;
    CHECK(after_write > checkpoints);
    test->execute_mut([&](Writer& w) {
        w.run("INSERT INTO other VALUES (randomblob(?))", 2 * limit);
        // From here on, before this closure's handle is given back and the log looked at.
        rival.run("BEGIN IMMEDIATE");
    });
    CHECK(test->stats().checkpoints == after_write);
    CHECK(test->stats().checkpoints_skipped > skipped);
    rival.run("ROLLBACK");
    test->execute([](Reader& r) { CHECK(r.one<int>("SELECT count(*) FROM other") == 1); });
    CHECK(test->stats().checkpoints > after_write);
    CHECK(test->report().warnings.empty());
}

TEST_CASE("checkpoint: a reader in its closure keeps its snapshot") {
    TemporaryDatabase test{with_limit(false)};
    write_more_than_the_limit(test.db());
    test->execute([&](Reader& r) {
        CHECK(r.one<std::int64_t>("SELECT sum(length(x)) FROM t") == 2 * limit);
        std::thread{[&] {
            for (int i = 0; i < 3; ++i) write_more_than_the_limit(test.db());
        }}.join();
        CHECK(r.one<std::int64_t>("SELECT sum(length(x)) FROM t") == 2 * limit);
    });
    CHECK(test->execute([](Reader& r) { return r.one<std::int64_t>("SELECT sum(length(x)) FROM t"); }) == 8 * limit);
}

TEST_CASE("checkpoint: closing leaves everything in the file and no log") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    {
        sqlane::ConnectionManager db{path, with_limit(true)};
        write_more_than_the_limit(db);
        const auto report = db.close();
        CHECK(report.complete);
        CHECK(report.wal_bytes == 0);
    }
    CHECK(handle_tests::names_in(folder.path()) == std::vector<std::string>{"parts.db"});
    sqlane::ConnectionManager db{path};
    CHECK(db.execute([](Reader& r) { return r.one<std::int64_t>("SELECT sum(length(x)) FROM t"); }) == 2 * limit);
}

TEST_CASE("checkpoint: closing beside another process leaves what it needs and loses nothing") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    {
        sqlane::ConnectionManager db{path, with_limit(true)};
        write_more_than_the_limit(db);
        support::Rival rival{path};
        rival.run("BEGIN");
        CHECK(rival.number("SELECT sum(length(x)) FROM t") == 2 * limit);
        db.execute_mut([](Writer& w) { w.run("INSERT INTO t VALUES (randomblob(1000))"); });
        CHECK(db.close().complete);
        CHECK(rival.number("SELECT sum(length(x)) FROM t") == 2 * limit);  // its snapshot
        rival.run("COMMIT");
        CHECK(rival.number("SELECT sum(length(x)) FROM t") == 2 * limit + 1000);
    }
    sqlane::ConnectionManager db{path};
    CHECK(db.execute([](Reader& r) { return r.one<std::int64_t>("SELECT sum(length(x)) FROM t"); }) ==
          2 * limit + 1000);
}
