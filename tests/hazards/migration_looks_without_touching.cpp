#include <doctest/doctest.h>

#include <sqlane/testing.hpp>

#include "support/migration_kit.hpp"

#include <chrono>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>
#endif

/// The promise: to look is to write nothing: not a byte, no file, no time, and no lock that another writer meets.
namespace {

namespace fs = std::filesystem;
using sqlane::MigrationOptions;
using sqlane::Migrator;
using support::contains;
using support::File;
using support::Raw;
using support::Sandbox;

const std::vector<File> files{{"0001_parts.sql", "CREATE TABLE Parts(name TEXT);\nCREATE INDEX ix ON Parts(name);\n"},
                              {"0002_more.sql", "CREATE TABLE More(name TEXT);\n"}};
const std::vector<File> with_pending{files[0], files[1], {"0003_pending.sql", "CREATE TABLE Pending(x);\n"}};

/// Everything that only looks, and `up` where there is nothing to do.
void look_at_everything(const Sandbox& box, MigrationOptions options = {}) {
    const auto pending = box.migrator(with_pending, options);
    CHECK(pending.status().size() == 3);
    CHECK(pending.plan().size() == 1);
    CHECK(pending.version() == "0002");
    pending.validate();
    CHECK(pending.drift().empty());
    CHECK(contains(pending.dump(), "CREATE INDEX ix"));
    auto done = box.migrator(files, options);
    const auto result = done.up();
    CHECK(result.applied.empty());
    CHECK(result.to == "0002");
    CHECK(result.backup.empty());
}

void make(const Sandbox& box, const std::string& journal) {
    box.run("PRAGMA journal_mode=" + journal);
    box.up(files, support::without_backup());
    box.run("INSERT INTO Parts VALUES ('bolt')");
}

#if defined(__linux__)
/// This thread, for the file system, as somebody who owns nothing. Tests run as root in containers, whom no file mode stops.
class Nobody {
public:
    Nobody() : user_(::setfsuid(65534)) {}
    Nobody(const Nobody&) = delete;
    Nobody& operator=(const Nobody&) = delete;
    ~Nobody() { ::setfsuid(static_cast<uid_t>(user_)); }

private:
    int user_;
};
#endif

}  // namespace

TEST_CASE("migration: looking changes neither byte nor time nor folder") {
    for (const char* journal : {"DELETE", "WAL", "TRUNCATE", "PERSIST"}) {
        CAPTURE(journal);
        const Sandbox box;
        make(box, journal);
        const auto before = support::state_of(box.folder());
        look_at_everything(box);
        CHECK(support::state_of(box.folder()) == before);
    }
}

TEST_CASE("migration: looking at a database with a live write-ahead log leaves the log as it is") {
    const Sandbox box;
    make(box, "WAL");
    // Sizes and times and not bytes: to read the files here would drop the other connection's locks.
    const auto sizes = [&] {
        std::vector<std::pair<std::string, std::pair<std::uintmax_t, fs::file_time_type>>> all;
        for (const auto& name : box.names())
            if (!name.ends_with("-shm"))
                all.push_back({name, {fs::file_size(box.folder() / name), fs::last_write_time(box.folder() / name)}});
        return all;
    };
    {
        Raw other{box.file()};
        other.run("INSERT INTO Parts VALUES ('only in the log')");
        const auto before = sizes();
        REQUIRE(before.size() == 2);
        REQUIRE(before[1].second.first > 0);
        const auto names = box.names();
        look_at_everything(box);
        CHECK(sizes() == before);
        CHECK(box.names() == names);
        CHECK(other.value("SELECT count(*) FROM Parts") == "2");
    }
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

TEST_CASE("migration: looking at the log that a crash left leaves it as it is") {
    const Sandbox box;
    const Sandbox crashed;
    make(box, "WAL");
    Raw other{box.file()};
    other.run("INSERT INTO Parts VALUES ('only in the log')");
    for (const auto& name : box.names()) fs::copy_file(box.folder() / name, crashed.folder() / name);
    auto before = support::state_of(crashed.folder());
    look_at_everything(crashed);
    auto after = support::state_of(crashed.folder());
    before.erase("test.db-shm");  // SQLite's index of the log, which it makes anew
    after.erase("test.db-shm");
    CHECK(after == before);
    CHECK(Raw{crashed.file()}.value("SELECT count(*) FROM Parts") == "2");
}

TEST_CASE("migration: looking at a database that is not there makes none") {
    const Sandbox box;
    const auto migrator = box.migrator(files);
    CHECK(migrator.status().size() == 2);
    CHECK(migrator.plan().size() == 2);
    CHECK(migrator.version().empty());
    migrator.validate();
    CHECK(support::migration_error([&] { static_cast<void>(migrator.drift()); }).code() == "no-database");
    CHECK(support::migration_error([&] { static_cast<void>(migrator.dump()); }).code() == "no-database");
    CHECK(box.up({}).applied.empty());
    CHECK(box.names().empty());
}

TEST_CASE("migration: looking at an empty file leaves it empty") {
    const Sandbox box;
    support::write_file(box.file(), "");
    const auto before = support::state_of(box.folder());
    const auto migrator = box.migrator(files);
    CHECK(migrator.status().size() == 2);
    CHECK(migrator.plan().size() == 2);
    CHECK(migrator.dump().empty());
    CHECK(migrator.drift().empty());
    CHECK(support::state_of(box.folder()) == before);
}

TEST_CASE("migration: a rehearsal leaves the database and its folder as they are") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        make(box, journal);
        const auto before = support::state_of(box.folder());
        const auto rehearsal = box.migrator(with_pending).rehearse();
        CHECK(rehearsal.result.applied.size() == 1);
        CHECK(rehearsal.quick_check == "ok");
        REQUIRE(rehearsal.rows.size() == 3);
        CHECK(rehearsal.rows[0].table == "More");
        CHECK(rehearsal.rows[1].table == "Parts");
        CHECK(rehearsal.rows[1].before == 1);
        CHECK(rehearsal.rows[1].after == 1);
        CHECK(rehearsal.rows[2].table == "Pending");
        CHECK(rehearsal.rows[2].before == -1);
        CHECK(rehearsal.rows[2].after == 0);
        auto failing = with_pending;
        failing.push_back({"0004_failing.sql", "SELECT nothing FROM nowhere"});
        CHECK(support::migration_error([&] { static_cast<void>(box.migrator(failing).rehearse()); }).code() ==
              "statement-failed");
        CHECK(support::state_of(box.folder()) == before);
    }
}

TEST_CASE("migration: up with nothing to do takes no lock that a writer meets") {
    //  another connection            this one
    //  BEGIN IMMEDIATE
    //  INSERT                        look, up: at once
    //  COMMIT
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        make(box, journal);
        Raw writer{box.file()};
        writer.run("BEGIN IMMEDIATE; INSERT INTO Parts VALUES ('meanwhile')");
        MigrationOptions options;
        options.lock_timeout = std::chrono::milliseconds{0};
        look_at_everything(box, options);
        // With something to do it has to wait for the writer, and says so.
        CHECK(box.up_fails(with_pending, options).problem() == sqlane::MigrationProblem::busy);
        writer.run("COMMIT");
        CHECK(writer.value("SELECT count(*) FROM Parts") == "2");
        CHECK(box.value("SELECT count(*) FROM sqlite_schema WHERE name = 'Pending'") == "0");
    }
}

#if defined(__linux__)
TEST_CASE("migration: looking works on a file and in a folder that may not be written") {
    if (::geteuid() != 0) return;  // only root can become somebody else
    for (const char* journal : {"DELETE", "WAL"}) {
        for (const ::mode_t folder_mode : {0777U, 0555U}) {
            CAPTURE(journal);
            CAPTURE(folder_mode);
            const sqlane::testing::TemporaryFolder open_to_all;
            const Sandbox box;
            make(box, journal);
            const auto file = open_to_all.path() / "test.db";
            fs::copy_file(box.file(), file);
            ::chmod(file.c_str(), 0444);
            ::chmod(open_to_all.path().c_str(), folder_mode);
            const auto before = support::state_of(open_to_all.path());
            {
                const Nobody nobody;
                const Migrator pending{file, support::set_of(with_pending)};
                CHECK(pending.status().size() == 3);
                CHECK(pending.plan().size() == 1);
                CHECK(pending.drift().empty());
                Migrator done{file, support::set_of(files)};
                CHECK(done.up().applied.empty());
                Migrator undone{file, support::set_of(with_pending)};
                CHECK(support::migration_error([&] { undone.up(); }).problem() == sqlane::MigrationProblem::storage);
            }
            CHECK(support::state_of(open_to_all.path()) == before);
        }
    }
}
#endif
