#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>

#include "support/migration_kit.hpp"
#include "support/steps.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

/// The promise: two who migrate the same file at the same time apply each migration once; in one process the second is told
/// at once who has the file, because SQLite's locks do not protect two users of one process that know nothing of each other.
namespace {

using sqlane::ConnectionManager;
using sqlane::MigrationOptions;
using sqlane::MigrationProgress;
using sqlane::Reader;
using sqlane::UsageError;
using support::contains;
using support::Crew;
using support::File;
using support::Raw;
using support::Sandbox;
using support::Steps;

const std::vector<File> files{
    {"0001_parts.sql", "CREATE TABLE Parts(name TEXT);\nINSERT INTO Parts VALUES ('bolt');\n"},
    {"0002_more.sql", "CREATE TABLE More(name TEXT);\nINSERT INTO More VALUES ('nut');\n"}};

}  // namespace

TEST_CASE("migration: of two Migrators of one process the second is refused while the first runs") {
    //  first                                 second
    //  in the middle of a statement     →    up: UsageError; status and plan: look and see the old state
    //  goes on                          ←
    //  done                                  up: nothing to do
    const Sandbox box;
    box.up({files[0]});
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        MigrationOptions options;
        bool told = false;
        options.on_progress = [&](const MigrationProgress& progress) {
            if (progress.step != MigrationProgress::Step::statement || told) return;
            told = true;
            steps.reach("first runs");
            steps.wait_for("second was refused");
        };
        CHECK(box.up(files, options).applied.size() == 1);
    });
    steps.wait_for("first runs");
    const auto refused = support::caught<UsageError>([&] { box.up(files); });
    CHECK(contains(refused.what(), "open already"));
    CHECK_THROWS_AS(box.migrator(files).accept("1"), UsageError);
    const auto late = box.migrator(files).status();
    REQUIRE(late.size() == 2);
    CHECK(late[1].state == sqlane::MigrationStatus::State::pending);
    CHECK(box.migrator(files).plan().size() == 1);
    CHECK_THROWS_AS(ConnectionManager{box.file()}, UsageError);
    steps.reach("second was refused");
    crew.join();
    CHECK(box.up(files).applied.empty());
    CHECK(box.value("SELECT count(*) FROM More") == "1");
    CHECK(box.value("SELECT group_concat(version) FROM _schema_migrations") == "0001,0002");
}

TEST_CASE("migration: of many threads that start at once each migration is applied by one") {
    for (int round = 0; round < support::rounds(20); ++round) {
        const Sandbox box;
        Steps steps;
        Crew crew{steps};
        std::atomic<int> applied{0};
        for (int i = 0; i < 4; ++i)
            crew.start([&] {
                steps.wait_for("go");
                bool done = false;
                while (!done) try {
                        applied += static_cast<int>(box.up(files).applied.size());
                        done = true;
                    } catch (const UsageError& error) {
                        // Another thread is at it: what an application would do is to wait for that one.
                        if (!contains(error.what(), "open already")) throw;
                        std::this_thread::yield();
                    }
            });
        steps.reach("go");
        crew.join();
        CHECK(applied == 2);
        CHECK(box.value("SELECT count(*) FROM Parts") == "1");
        CHECK(box.value("SELECT count(*) FROM More") == "1");
        CHECK(box.value("SELECT group_concat(version) FROM _schema_migrations") == "0001,0002");
        CHECK(box.names() == std::vector<std::string>{"test.db"});
    }
}

TEST_CASE("migration: a database that a ConnectionManager has open is not migrated and loses nothing") {
    const Sandbox box;
    box.up({files[0]});
    {
        ConnectionManager db{box.file()};
        db.transaction([](sqlane::Transaction& tx) { tx.run("INSERT INTO Parts VALUES ('screw')"); });
        const auto error = support::caught<UsageError>([&] { box.up(files); });
        CHECK(contains(error.what(), box.file().string()));
        CHECK(contains(error.what(), "ConnectionManager"));
        CHECK_THROWS_AS(box.migrator(files).accept("0001"), UsageError);
        // To look is allowed, and takes no lock of the manager's away.
        CHECK(box.migrator(files).status().size() == 2);
        CHECK(box.migrator(files).plan().size() == 1);
        CHECK(box.up({files[0]}).applied.empty());
        CHECK(Raw{box.migrator(files).backup()}.value("SELECT count(*) FROM Parts") == "2");
        db.transaction([](sqlane::Transaction& tx) { tx.run("INSERT INTO Parts VALUES ('washer')"); });
        CHECK(db.execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Parts"); }) == 3);
    }
    CHECK(box.up(files).applied.size() == 1);
    CHECK(box.value("SELECT count(*) FROM Parts") == "3");
}

TEST_CASE("migration: the loser of a race finds nothing to do and makes no copy") {
    //  this run                              another process
    //  plans one file
    //  BEGIN IMMEDIATE: waits           ←    has the write lock
    //                                        applies the same file, commits
    //  nothing left to do
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        box.run(std::string{"PRAGMA journal_mode="} + journal);
        box.up({files[0]});
        Raw other{box.file()};
        other.run("BEGIN IMMEDIATE");
        bool waited = false;
        MigrationOptions options;
        options.on_progress = [&](const MigrationProgress& progress) {
            CHECK(progress.step != MigrationProgress::Step::statement);
            if (progress.step != MigrationProgress::Step::waiting || waited) return;
            waited = true;
            // What the same run in another process leaves.
            other.run(files[1].text +
                      "INSERT INTO _schema_migrations(version, name, kind, checksum, status, statements_done, "
                      "statements_total, applied_at, duration_ms, schema_hash, objects, tool_version, app_version, "
                      "sqlite_version) SELECT '0002', 'more', kind, '" +
                      support::set_of(files).all()[1].checksum +
                      "', status, 2, 2, applied_at, 0, '', 2, tool_version, app_version, sqlite_version FROM "
                      "_schema_migrations; COMMIT");
        };
        const auto result = box.up(files, options);
        CHECK(waited);
        CHECK(result.applied.empty());
        CHECK(result.to == "0002");
        CHECK(result.backup.empty());
        CHECK(box.value("SELECT count(*) FROM More") == "1");
        CHECK(support::files_with(box.folder(), "bak").empty());
    }
}

TEST_CASE("migration: two processes that undo one each undo no more than was asked for") {
    //  this run: down(1)                     another process: down(1)
    //  chooses to go back to 0001
    //  BEGIN IMMEDIATE: waits           ←    undoes 0002, commits
    //  nothing left to do
    const std::vector<File> both{
        {"0001_parts.sql", "-- migrate:up\nCREATE TABLE Parts(name TEXT);\n-- migrate:down\nDROP TABLE Parts;\n"},
        {"0002_more.sql", "-- migrate:up\nCREATE TABLE More(name TEXT);\n-- migrate:down\nDROP TABLE More;\n"}};
    const Sandbox box;
    box.up(both);
    Raw other{box.file()};
    other.run("BEGIN IMMEDIATE");
    bool waited = false;
    MigrationOptions options;
    options.on_progress = [&](const MigrationProgress& progress) {
        if (progress.step != MigrationProgress::Step::waiting || waited) return;
        waited = true;
        other.run("DROP TABLE More; DELETE FROM _schema_migrations WHERE version = '0002'; COMMIT");
    };
    CHECK(box.migrator(both, options).down().applied.empty());
    CHECK(waited);
    CHECK(box.value("SELECT count(*) FROM sqlite_schema WHERE name = 'Parts'") == "1");
}

TEST_CASE("migration: what another process applies meanwhile is not undone beyond what was asked for") {
    //  this run: down(1)                     another process: up
    //  chooses to go back to 0001
    //  BEGIN IMMEDIATE: waits           ←    applies 0003, commits
    //  undoes one
    const std::vector<File> all{
        {"0001_parts.sql", "-- migrate:up\nCREATE TABLE Parts(name TEXT);\n-- migrate:down\nDROP TABLE Parts;\n"},
        {"0002_more.sql", "-- migrate:up\nCREATE TABLE More(name TEXT);\n-- migrate:down\nDROP TABLE More;\n"},
        {"0003_last.sql", "-- migrate:up\nCREATE TABLE Last(name TEXT);\n-- migrate:down\nDROP TABLE Last;\n"}};
    const Sandbox box;
    box.up({all[0], all[1]});
    Raw other{box.file()};
    other.run("BEGIN IMMEDIATE");
    bool waited = false;
    MigrationOptions options;
    options.on_progress = [&](const MigrationProgress& progress) {
        if (progress.step != MigrationProgress::Step::waiting || waited) return;
        waited = true;
        // What the same run in another process leaves.
        other.run(
            "CREATE TABLE Last(name TEXT); INSERT INTO _schema_migrations(version, name, kind, checksum, status, "
            "statements_done, statements_total, applied_at, duration_ms, schema_hash, objects, tool_version, "
            "app_version, sqlite_version) SELECT '0003', 'last', kind, '" +
            support::set_of(all).all()[2].checksum +
            "', status, 1, 1, applied_at, 0, '', 3, tool_version, app_version, sqlite_version "
            "FROM _schema_migrations WHERE version = '0002'; COMMIT");
    };
    CHECK(box.migrator(all, options).down().applied.size() == 1);
    CHECK(waited);
    CHECK(box.value("SELECT count(*) FROM sqlite_schema WHERE name = 'More'") == "1");
    CHECK(box.value("SELECT group_concat(version) FROM _schema_migrations") == "0001,0002");
}
