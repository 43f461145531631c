#include <doctest/doctest.h>

#include "processes/killing_disk.hpp"
#include "processes/process.hpp"
#include "support/migration_kit.hpp"

#include <set>

// The promise: a migration that is killed has not happened, or has happened whole. Killed before each write, each flush
// and each removal of a file, and in the middle of each write.

using namespace processes;
using support::File;
using support::Sandbox;

namespace {

std::vector<File> old_files() {
    return {{"0001_parts.sql",
             "CREATE TABLE Parts(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
             "CREATE TABLE Notes(id INTEGER PRIMARY KEY, part REFERENCES Parts(id) ON DELETE CASCADE);\n"
             "CREATE INDEX ix_parts ON Parts(name);\n"}};
}

std::vector<File> all_files() {
    auto files = old_files();
    files.push_back({"0002_rebuild.sql",
                     "CREATE TABLE Parts_new(id INTEGER PRIMARY KEY, name TEXT NOT NULL, mass REAL) STRICT;\n"
                     "INSERT INTO Parts_new(id, name) SELECT id, name FROM Parts;\n"
                     "DROP TABLE Parts;\n"
                     "ALTER TABLE Parts_new RENAME TO Parts;\n"
                     "CREATE INDEX ix_parts ON Parts(name);\n"});
    files.push_back({"0003_fill.sql",
                     "CREATE TABLE Extra(x TEXT);\n"
                     "INSERT INTO Extra SELECT name || id FROM Parts;\n"
                     "UPDATE Parts SET mass = id * 1.5;\n"
                     "DELETE FROM Notes WHERE id % 5 = 0;\n"});
    return files;
}

/// A database at version 1 with rows on several pages; with a write-ahead log, that holds some of them.
void make_database(const Sandbox& box, bool wal) {
    box.up(old_files());
    if (wal) box.run("PRAGMA journal_mode=WAL");
    auto writer = fork_child([&]() -> int {
        support::Raw db{box.file()};
        db.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) "
            "INSERT INTO Parts SELECT i, printf('%0120d', i) FROM n");
        db.run("INSERT INTO Notes SELECT id, id FROM Parts");
        ::_exit(0);  // without closing, so that the log stays as it is
    });
    REQUIRE(writer.wait() == 0);
    std::filesystem::remove(box.file().string() + "-shm");
    REQUIRE(std::filesystem::exists(box.file().string() + "-wal") == wal);
}

void copy_database(const Sandbox& from, const Sandbox& to) {
    for (const auto& name : from.names()) std::filesystem::copy_file(from.folder() / name, to.folder() / name);
}

struct Attempt {
    int at = 0;
    bool torn = false;
    sqlane::MigrationOptions options{};
};

/// False when it was killed.
bool run_until_killed(const Sandbox& box, Attempt attempt) {
    auto child = fork_child([&] {
        KillingDisk disk{attempt.at, attempt.torn};
        const support::ShimVfs vfs{"killing", disk};
        attempt.options.vfs = vfs.name();
        box.up(all_files(), attempt.options);
        return 0;
    });
    const int code = child.wait();
    REQUIRE((code == 0 || code == 128 + SIGKILL));
    return code == 0;
}

/// A copy that has its final name is whole.
void check_backups(const Sandbox& box, const std::string& before) {
    for (const auto& copy : support::files_with(box.folder(), ".bak-")) {
        if (copy.string().find(".partial") != std::string::npos) continue;
        CAPTURE(copy);
        CHECK(support::Raw{copy}.value("PRAGMA integrity_check") == "ok");
        CHECK(support::dump_of(copy) == before);
    }
}

/// What the database may be found to be, in the order in which it comes to be so.
using States = std::vector<std::string>;

States states_of(const Sandbox& start, const sqlane::MigrationOptions& options) {
    const Sandbox box;
    copy_database(start, box);
    States states{box.dump()};
    for (const char* version : {"2", "3"}) {
        if (!options.commit_each_file && *version == '2') continue;
        auto up_to = options;
        up_to.to = version;
        box.up(all_files(), up_to);
        states.push_back(box.dump());
    }
    return states;
}

/// Kills at every point (at every `stride`-th), and returns at how many.
int kill_everywhere(const Sandbox& start, const Attempt& how, int stride) {
    const auto states = states_of(start, how.options);
    std::size_t reached = 0;
    std::set<std::size_t> seen;
    bool ended = false;
    int at = 1;
    for (; !ended; at += stride) {
        CAPTURE(at);
        const Sandbox box;
        copy_database(start, box);
        ended = run_until_killed(box, {at, how.torn, how.options});
        const auto found = std::ranges::find(states, box.dump());
        REQUIRE(found != states.end());
        const auto state = static_cast<std::size_t>(found - states.begin());
        CHECK(state >= reached);  // what was committed stays so
        reached = std::max(reached, state);
        seen.insert(state);
        CHECK(box.value("PRAGMA integrity_check") == "ok");
        check_backups(box, states.front());
        // The next start repairs it and finishes.
        box.up(all_files(), how.options);
        CHECK(box.dump() == states.back());
    }
    CHECK(seen.size() == states.size());
    return at / stride;
}

void check_all_points(bool wal, const Attempt& how, int stride) {
    const Sandbox start;
    make_database(start, wal);
    const int points = kill_everywhere(start, how, support::sanitized ? 4 * stride : stride);
    MESSAGE(points << " points");
    CHECK(points > 10);
}

}  // namespace

TEST_CASE("processes: killed anywhere with a rollback journal, a migration has happened whole or not at all") {
    check_all_points(false, {}, 1);
}

TEST_CASE("processes: killed anywhere with a write-ahead log, a migration has happened whole or not at all") {
    check_all_points(true, {}, 1);
}

TEST_CASE("processes: killed in the middle of a write, a migration has happened whole or not at all") {
    for (const bool wal : {false, true}) check_all_points(wal, {.torn = true}, 2);
}

TEST_CASE("processes: killed anywhere with a commit for each file, each file has happened whole or not at all") {
    Attempt how;
    how.options = support::without_backup();
    how.options.commit_each_file = true;
    for (const bool wal : {false, true}) check_all_points(wal, how, 1);
}
