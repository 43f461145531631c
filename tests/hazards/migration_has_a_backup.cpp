#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>

#include "support/migration_kit.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

/// The promise: before the first write a whole and checked copy of everything committed stands beside the database, with
/// nothing committed between the two; and it can be put back, at any time and again.
namespace {

namespace fs = std::filesystem;
using sqlane::MigrationOptions;
using sqlane::MigrationProblem;
using sqlane::MigrationProgress;
using support::contains;
using support::File;
using support::files_with;
using support::migration_error;
using support::Raw;
using support::Sandbox;

const File first{"0001_parts.sql",
                 "-- migrate:up\nCREATE TABLE Parts(name TEXT);\n-- migrate:down\nDROP TABLE Parts;\n"};
const File second{"0002_mass.sql",
                  "-- migrate:up\nALTER TABLE Parts ADD COLUMN mass REAL;\n"
                  "-- migrate:down\nALTER TABLE Parts DROP COLUMN mass;\n"};
const File failing{"0002_failing.sql", "ALTER TABLE Parts ADD COLUMN mass REAL;\nSELECT nothing FROM nowhere;\n"};

constexpr const char* many_parts =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
    "INSERT INTO Parts(name) SELECT hex(zeroblob(1500)) || i FROM n";

/// A few thousand pages: the copy takes more than one step.
void fill(const Sandbox& box, const std::string& journal) {
    box.run("PRAGMA journal_mode=" + journal);
    box.up({first}, support::without_backup());
    box.run(many_parts);
}

fs::path only_backup(const Sandbox& box) {
    const auto found = files_with(box.folder(), ".bak-");
    REQUIRE(found.size() == 1);
    return found[0];
}

/// Overwrites pages of rows near the end of the file: nobody but a check of the whole of it comes there.
void damage(const fs::path& file) {
    auto content = support::content_of(file);
    REQUIRE(content.size() > 100'000);
    std::fill(content.end() - 65'536, content.end() - 8192, '\x5a');
    support::write_file(file, content);
}

}  // namespace

TEST_CASE("migration: the copy before the first write is the database as it was") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        fill(box, journal);
        const auto before = box.dump();
        const auto result = box.up({first, second});
        CHECK(result.backup == only_backup(box));
        CHECK(result.backup.filename().string().starts_with("test.db.bak-0001-20"));
        CHECK(result.backup.string().ends_with("Z"));
        CHECK(support::dump_of(result.backup) == before);
        CHECK(box.dump() != before);
        CHECK(box.names() == std::vector<std::string>{"test.db", result.backup.filename().string()});
        CHECK(fs::status(result.backup).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
    }
}

TEST_CASE("migration: there is no copy of an empty database nor where none is wanted") {
    const Sandbox box;
    CHECK(box.up({first}).backup.empty());
    CHECK(box.up({first, second}, support::without_backup()).backup.empty());
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

TEST_CASE("migration: a database that was never migrated is copied as version 0") {
    const Sandbox box;
    box.run("CREATE TABLE Old(x); INSERT INTO Old VALUES (42)");
    const auto result = box.up({first});
    CHECK(contains(result.backup.filename().string(), "test.db.bak-0-"));
    CHECK(Raw{result.backup}.value("SELECT x FROM Old") == "42");
}

TEST_CASE("migration: rows in the write-ahead log of another open connection are in the copy") {
    const Sandbox box;
    fill(box, "WAL");
    Raw other{box.file()};
    other.run("INSERT INTO Parts(name) VALUES ('only in the log')");
    REQUIRE(fs::file_size(box.file().string() + "-wal") > 0);
    const auto result = box.up({first, second});
    Raw copy{result.backup};
    CHECK(copy.value("SELECT count(*) FROM Parts") == "1501");
    CHECK(copy.value("SELECT count(*) FROM Parts WHERE name = 'only in the log'") == "1");
    CHECK(other.value("SELECT count(*) FROM Parts WHERE name = 'only in the log' AND mass IS NULL") == "1");
}

TEST_CASE("migration: nobody can write between the copy and the migration") {
    //  run                                       another connection
    //  BEGIN IMMEDIATE
    //  copy, each step                      →    INSERT: SQLITE_BUSY
    //  each statement and the commit        →    INSERT: SQLITE_BUSY
    //  return                                    INSERT: is let through
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        fill(box, journal);
        Raw rival{box.file()};
        std::set<MigrationProgress::Step> seen;
        MigrationOptions options;
        options.on_progress = [&](const MigrationProgress& progress) {
            CHECK((rival.attempt("INSERT INTO Parts(name) VALUES ('slipped in')") & 0xff) == SQLITE_BUSY);
            seen.insert(progress.step);
        };
        const auto result = box.up({first, second}, options);
        CHECK(seen.contains(MigrationProgress::Step::backup));
        CHECK(seen.contains(MigrationProgress::Step::statement));
        CHECK(Raw{result.backup}.value("SELECT count(*) FROM Parts") == "1500");
        CHECK(rival.value("SELECT count(*) FROM Parts") == "1500");
        CHECK(rival.attempt("INSERT INTO Parts(name) VALUES ('afterwards')") == SQLITE_OK);
    }
}

TEST_CASE("migration: a copy that fails its check stops the run and is not kept") {
    const Sandbox box;
    fill(box, "DELETE");
    damage(box.file());
    const auto before = box.content();
    const auto error = box.up_fails({first, second});
    CHECK(error.problem() == MigrationProblem::storage);
    CHECK(error.code() == "backup-damaged");
    CHECK(box.content() == before);
    // Also when that is the copy somebody asked for.
    CHECK(migration_error([&] { box.migrator({first}).backup(); }).code() == "backup-damaged");
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

TEST_CASE("migration: the newest three copies are kept and a failed run adds none") {
    const Sandbox box;
    box.up({first});
    std::vector<fs::path> made;
    for (int i = 0; i < 5; ++i) {
        made.push_back(box.up({first, second}).backup);
        auto failing_third = failing;
        failing_third.name = "0003_failing.sql";
        CHECK(box.up_fails({first, second, failing_third}).code() == "statement-failed");
        box.migrator({first, second}, support::without_backup()).down();
    }
    std::set<fs::path> kept;
    for (const auto& path : files_with(box.folder(), "bak")) kept.insert(path);
    CHECK(kept == std::set<fs::path>{made[2], made[3], made[4]});
}

TEST_CASE("migration: only copies that a run made are removed") {
    const Sandbox box;
    box.up({first});
    const std::array mine{"test.db.bak-of-mine", "test.db.bak-2026", "test.db.bak-0001-20200101T000000Z.gz",
                          "test.db.bak"};
    for (const char* name : mine) support::write_file(box.folder() / name, "mine");
    fs::create_directory(box.folder() / "test.db.bak-folder");
    box.run("CREATE TABLE At_that_time(x)");
    const auto asked_for = box.migrator({first}).backup();
    box.run("DROP TABLE At_that_time");
    for (int i = 0; i < 5; ++i) {
        box.up({first, second});
        box.migrator({first, second}, support::without_backup()).down();
    }
    for (const char* name : mine) CHECK(fs::exists(box.folder() / name));
    CHECK(fs::exists(box.folder() / "test.db.bak-folder"));
    CHECK(contains(support::dump_of(asked_for), "At_that_time"));
}

TEST_CASE("migration: cancelling the copy leaves neither a part of it nor a change") {
    const Sandbox box;
    fill(box, "WAL");
    const auto before = box.dump();
    std::stop_source stop;
    bool copied = false;
    bool statement = false;
    MigrationOptions options;
    options.stop = stop.get_token();
    options.on_progress = [&](const MigrationProgress& progress) {
        if (progress.step == MigrationProgress::Step::backup) {
            CHECK(files_with(box.folder(), ".partial").size() >= 1);
            copied = true;
            stop.request_stop();
        }
        statement = statement || progress.step == MigrationProgress::Step::statement;
    };
    const auto error = box.up_fails({first, second}, options);
    CHECK(error.problem() == MigrationProblem::cancelled);
    CHECK(copied);
    CHECK_FALSE(statement);
    CHECK(box.dump() == before);
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

TEST_CASE("migration: what a crash left of a copy is no hindrance") {
    const Sandbox box;
    fill(box, "DELETE");
    const auto stamp = box.migrator({first}).backup().string().substr(box.file().string().size() + 8);  // ".backup-"
    // The next copy may have the same name.
    support::write_file(box.file().string() + ".bak-" + stamp + ".partial", "half");
    CHECK_NOTHROW(box.up({first, second}));
}

TEST_CASE("migration: backup copies a database in use") {
    const Sandbox box;
    fill(box, "WAL");
    Raw other{box.file()};
    other.run("INSERT INTO Parts(name) VALUES ('only in the log')");
    other.run("BEGIN; INSERT INTO Parts(name) VALUES ('not committed')");
    const auto copy = box.migrator({first}).backup();
    CHECK(Raw{copy}.value("SELECT count(*) FROM Parts") == "1501");
    other.run("COMMIT");
    CHECK(other.value("SELECT count(*) FROM Parts") == "1502");
}

TEST_CASE("migration: backup gives up when another process keeps the file locked") {
    const Sandbox box;
    fill(box, "DELETE");
    Raw other{box.file()};
    other.run("BEGIN EXCLUSIVE");
    MigrationOptions options;
    options.lock_timeout = std::chrono::milliseconds{20};
    CHECK_THROWS_AS(box.migrator({first}, options).backup(), sqlane::Error);
    CHECK(files_with(box.folder(), "backup").empty());
}

TEST_CASE("migration: restore works twice in a row and sets the current one aside") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        fill(box, journal);
        const auto old = box.dump();
        auto migrator = box.migrator({first, second});
        const auto backup = migrator.up().backup;
        box.run("UPDATE Parts SET mass = 1 WHERE rowid = 1");
        const auto current = box.dump();

        const auto aside = migrator.restore(backup);
        CHECK(aside.filename().string().starts_with("test.db.before-restore-20"));
        CHECK(box.dump() == old);
        CHECK(support::dump_of(aside) == current);

        box.run("DELETE FROM Parts WHERE rowid > 10");
        const auto aside_again = migrator.restore(backup);
        CHECK(aside_again != aside);
        CHECK(box.dump() == old);
        CHECK(Raw{aside_again}.value("SELECT count(*) FROM Parts") == "10");

        CHECK(migrator.restore(aside) != fs::path{});
        CHECK(box.dump() == current);
        CHECK(migrator.status()[1].state == sqlane::MigrationStatus::State::applied);
        for (const auto& name : box.names()) {
            CAPTURE(name);
            CHECK_FALSE((name.ends_with("-wal") || name.ends_with("-shm") || contains(name, "partial")));
        }
    }
}

TEST_CASE("migration: restore sets a damaged current database aside to the byte") {
    const Sandbox box;
    fill(box, "DELETE");
    const auto old = box.dump();
    auto migrator = box.migrator({first, second});
    const auto backup = migrator.up().backup;
    SUBCASE("its pages") { damage(box.file()); }
    SUBCASE("its header") { support::write_file(box.file(), "not a database any more, by far"); }
    SUBCASE("its end") { fs::resize_file(box.file(), fs::file_size(box.file()) / 2); }
    const auto damaged = box.content();
    const auto aside = migrator.restore(backup);
    CHECK(support::content_of(aside) == damaged);
    CHECK(box.dump() == old);
    CHECK(fs::status(box.file()).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("migration: restore takes what lies beside a damaged database away with it") {
    const Sandbox box;
    fill(box, "WAL");
    auto migrator = box.migrator({first, second});
    const auto backup = migrator.backup();
    const auto old = box.dump();
    support::write_file(box.file(), "not a database any more, by far");
    std::vector<const char*> besides;
    SUBCASE("a write-ahead log") { besides = {"-wal", "-shm"}; }
    SUBCASE("a journal") { besides = {"-journal"}; }
    for (const char* beside : besides) support::write_file(box.file().string() + beside, std::string(4096, 'x'));
    const auto aside = migrator.restore(backup);
    CHECK(box.dump() == old);
    for (const char* beside : {"-wal", "-shm", "-journal"}) CHECK_FALSE(fs::exists(box.file().string() + beside));
    CHECK(fs::exists(aside));
}

TEST_CASE("migration: restore of a database that is not there says so by an empty path") {
    const Sandbox box;
    fill(box, "WAL");
    const auto old = box.dump();
    auto migrator = box.migrator({first, second});
    const auto backup = migrator.backup();
    fs::remove(box.file());
    CHECK(migrator.restore(backup).empty());
    CHECK(box.dump() == old);
}

TEST_CASE("migration: a damaged copy is not restored and nothing changes") {
    const Sandbox box;
    fill(box, "DELETE");
    auto migrator = box.migrator({first, second});
    const auto backup = migrator.backup();
    const char* code = "backup-damaged";
    SUBCASE("its pages") { damage(backup); }
    SUBCASE("its header") { support::write_file(backup, "not a database any more, by far"); }
    SUBCASE("its end") { fs::resize_file(backup, fs::file_size(backup) / 2); }
    SUBCASE("all of it") { fs::resize_file(backup, 0); }
    SUBCASE("it is gone") {
        fs::remove(backup);
        code = "no-backup";
    }
    const auto before = support::state_of(box.folder());
    const auto error = migration_error([&] { migrator.restore(backup); });
    CHECK(error.code() == code);
    CHECK(support::state_of(box.folder()) == before);
}

TEST_CASE("migration: a database is not restored from itself") {
    const Sandbox box;
    fill(box, "DELETE");
    const auto before = box.dump();
    MigrationOptions options;
    options.lock_timeout = std::chrono::milliseconds{50};
    const auto error = migration_error([&] { box.migrator({first}, options).restore(box.file()); });
    CHECK(error.problem() == MigrationProblem::refused);
    CHECK(box.dump() == before);
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

TEST_CASE("migration: cancelling a restore leaves the database as it is") {
    const Sandbox box;
    fill(box, "WAL");
    const auto backup = box.migrator({first}).backup();
    box.run("DELETE FROM Parts WHERE rowid > 1000");
    SUBCASE("a sound one") {}
    SUBCASE("a damaged one") { damage(box.file()); }
    const auto before = support::state_of(box.folder());
    std::stop_source stop;
    MigrationOptions options;
    options.stop = stop.get_token();
    options.on_progress = [&](const MigrationProgress&) { stop.request_stop(); };
    CHECK_THROWS_AS(box.migrator({first}, options).restore(backup), sqlane::Error);
    const auto after = support::state_of(box.folder());
    REQUIRE(after.size() == 2);
    for (const auto& [name, state] : before) CHECK(after.at(name).first == state.first);
}

TEST_CASE("migration: restore is refused while a ConnectionManager has the database open") {
    const Sandbox box;
    fill(box, "WAL");
    auto migrator = box.migrator({first, second});
    const auto backup = migrator.backup();
    sqlane::ConnectionManager db{box.file()};
    CHECK_THROWS_AS(migrator.restore(backup), sqlane::UsageError);
    CHECK(db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Parts"); }) == 1500);
    CHECK(files_with(box.folder(), "before-restore").empty());
}

TEST_CASE("migration: backup and restore of a foreign application's database are refused") {
    const Sandbox box;
    MigrationOptions options;
    options.application_id = 7;
    auto migrator = box.migrator({first}, options);
    migrator.up();
    const auto theirs = box.folder() / "theirs.db";
    Raw{theirs}.run("PRAGMA application_id=8; CREATE TABLE t(x)");
    const auto before = box.dump();
    CHECK(migration_error([&] { migrator.restore(theirs); }).code() == "foreign-database");
    CHECK(box.dump() == before);
    CHECK(files_with(box.folder(), "before-restore").empty());
}

TEST_CASE("migration: what a killed run left of its copy is removed by the next") {
    const Sandbox box;
    box.up({{"0001_first.sql", "CREATE TABLE t(x);\n"}});
    support::write_file(box.folder() / "test.db.bak-0001-20260131T120000Z.partial", "half");
    support::write_file(box.folder() / "test.db.bak-mine.partial", "somebody's");
    box.up({{"0001_first.sql", "CREATE TABLE t(x);\n"}, {"0002_second.sql", "CREATE TABLE u(x);\n"}});
    CHECK(support::files_with(box.folder(), "20260131T120000Z").empty());
    CHECK(support::files_with(box.folder(), "bak-mine.partial").size() == 1);
}

TEST_CASE("migration: restore takes a copy with pages of another size, also into a write-ahead log") {
    const Sandbox box;
    const std::vector<support::File> files{{"0001_first.sql", "CREATE TABLE t(x);\nINSERT INTO t VALUES (7);\n"}};
    box.run("PRAGMA page_size=1024");
    box.up(files);
    const auto copy = box.migrator(files).backup();
    const Sandbox other;
    other.run("PRAGMA page_size=8192");
    other.run("PRAGMA journal_mode=WAL");
    other.up({{"0001_other.sql", "CREATE TABLE other(x);\n"}});
    other.migrator(files).restore(copy);
    CHECK(other.value("SELECT x FROM t") == "7");
    CHECK(other.value("PRAGMA integrity_check") == "ok");
}
