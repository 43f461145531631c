#include <doctest/doctest.h>

#include "support/disks.hpp"
#include "support/migration_kit.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// The promise: whatever fails, and wherever, the database is afterwards as it was before; with a commit for each file,
/// as it is after a whole number of files.
namespace {

using sqlane::MigrationError;
using sqlane::MigrationOptions;
using sqlane::MigrationProblem;
using support::contains;
using support::File;
using support::Sandbox;

struct Script {
    std::string name;
    std::vector<std::string> statements;
};

/// What is applied already: a parent and a child table, an index, a trigger that fires, and a table to fail in.
const File base{"0001_base.sql",
                "CREATE TABLE Parts(part_id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
                "CREATE TABLE Uses(parent INTEGER REFERENCES Parts(part_id) ON DELETE CASCADE, child INTEGER);\n"
                "CREATE INDEX ix_parts_name ON Parts(name);\n"
                "CREATE TABLE Log(entry TEXT);\n"
                "CREATE TABLE Kept(id INTEGER PRIMARY KEY, text TEXT);\n"
                "INSERT INTO Kept VALUES (1, 'kept');\n"};

const std::vector<Script> scripts{
    {"0002_rebuild_parts.sql",
     {"CREATE TABLE Parts_new(part_id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, mass REAL)",
      "INSERT INTO Parts_new(part_id, name) SELECT part_id, name FROM Parts", "DROP TABLE Parts",
      "ALTER TABLE Parts_new RENAME TO Parts", "CREATE INDEX ix_parts_name ON Parts(name)",
      "CREATE TRIGGER parts_are_logged AFTER UPDATE ON Parts BEGIN INSERT INTO Log VALUES (new.name); END"}},
    {"0003_weigh_parts.sql",
     {"UPDATE Parts SET mass = part_id * 1.5", "PRAGMA user_version=3",
      "INSERT INTO Kept(text) SELECT hex(randomblob(600)) FROM Parts", "DELETE FROM Uses WHERE child > 15"}},
    {"0004_search.sql",
     {"CREATE VIRTUAL TABLE Words USING fts5(word)", "INSERT INTO Words SELECT name FROM Parts",
      "ALTER TABLE Uses ADD COLUMN amount INTEGER NOT NULL DEFAULT 1", "CREATE VIEW Heavy AS SELECT name FROM Parts"}}};

/// The first `count` files after the base; with `extra` before statement `at` of file `in`.
std::vector<File> files(std::size_t count, const std::string& extra = {}, std::size_t in = 0, std::size_t at = 0) {
    std::vector<File> all{base};
    for (std::size_t f = 0; f < count; ++f) {
        auto statements = scripts[f].statements;
        if (!extra.empty() && f == in) statements.insert(statements.begin() + static_cast<std::ptrdiff_t>(at), extra);
        std::string text;
        for (const auto& statement : statements) text += statement + ";\n";
        all.push_back({scripts[f].name, text});
    }
    return all;
}

/// A database at the base with rows in it, as bytes.
std::string make_before(const std::string& journal) {
    const Sandbox box;
    box.run("PRAGMA journal_mode=" + journal);
    box.up({base}, support::without_backup());
    box.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) "
        "INSERT INTO Parts SELECT i, 'part ' || i FROM n; INSERT INTO Uses SELECT part_id, 31 - part_id FROM Parts");
    return box.content();
}

/// What a dump says when randomblob's values are left out: their number and length count.
std::string comparable(const Sandbox& box) {
    auto text = box.dump();
    for (std::size_t at = 0, run = 0; at <= text.size(); ++at) {
        const bool hex = at < text.size() && contains("0123456789ABCDEF", std::string_view{&text[at], 1});
        if (!hex && run >= 1000) std::fill_n(text.begin() + static_cast<std::ptrdiff_t>(at - run), run, 'x');
        run = hex ? run + 1 : 0;
    }
    return text;
}

/// Databases as they are before and after each number of files.
class Stages {
public:
    explicit Stages(const std::string& journal) : before_(make_before(journal)) {
        for (std::size_t count = 0; count <= scripts.size(); ++count) {
            const Sandbox box;
            lay_down(box);
            box.up(files(count), support::without_backup());
            dumps_.push_back(comparable(box));
        }
    }
    void lay_down(const Sandbox& box) const { support::write_file(box.file(), before_); }
    [[nodiscard]] const std::string& after(std::size_t count) const { return dumps_.at(count); }
    /// How many whole files are in it; -1 when it is nothing of the kind.
    [[nodiscard]] int count_in(const Sandbox& box) const {
        const auto found = std::ranges::find(dumps_, comparable(box));
        return found == dumps_.end() ? -1 : static_cast<int>(found - dumps_.begin());
    }

private:
    std::string before_;
    std::vector<std::string> dumps_;
};

void check_no_litter(const Sandbox& box, bool committed) {
    for (const auto& name : box.names()) {
        CAPTURE(name);
        // What was committed may be wished undone, so the copy from before it stays.
        CHECK((name == "test.db" || (committed && name.starts_with("test.db.bak-0001-"))));
        CHECK_FALSE(contains(name, ".partial"));
        CHECK_FALSE(name.ends_with("-wal"));
        CHECK_FALSE(name.ends_with("-journal"));
    }
}

/// How a migration can be made to fail between two statements, and what is said of it.
struct Failure {
    const char* statement;
    MigrationProblem problem;
    const char* code;
    /// Where the statement is reported; a cancelled run stops before the next one and names the file.
    bool has_place;
};

const std::vector<Failure> failures{
    {"SELECT nothing FROM nowhere", MigrationProblem::failed, "statement-failed", true},
    // Fails after it has written.
    {"INSERT INTO Kept SELECT 5000 + part_id, name FROM Uses JOIN (SELECT 1 AS part_id, 'x' AS name) UNION ALL "
     "SELECT 1, 'twice'",
     MigrationProblem::failed, "statement-failed", true},
    // SQLite itself ends the transaction.
    {"INSERT OR ROLLBACK INTO Kept VALUES (1, 'twice')", MigrationProblem::failed, "statement-failed", true},
    {"COMMIT", MigrationProblem::refused, "refused-statement", true},
    {"SELECT stop_now(1)", MigrationProblem::cancelled, "cancelled", false}};

void check_failure(const Stages& stages, const Failure& failure, bool each, std::size_t in, std::size_t at) {
    CAPTURE(failure.statement);
    CAPTURE(each);
    CAPTURE(scripts[in].name);
    CAPTURE(at);
    std::stop_source stop;
    const support::SqlFunction stopper{"stop_now", [&](long long) { stop.request_stop(); }};
    const Sandbox box;
    stages.lay_down(box);
    MigrationOptions options;
    options.commit_each_file = each;
    options.stop = stop.get_token();
    const auto error = box.up_fails(files(scripts.size(), failure.statement, in, at), options);
    CHECK(error.problem() == failure.problem);
    CHECK(error.code() == failure.code);
    CHECK(contains(error.what(), scripts[in].name));
    REQUIRE(error.place().has_value() == failure.has_place);
    if (failure.has_place) {
        CHECK(error.place()->statement == static_cast<int>(at) + 1);
        CHECK(error.place()->statements == static_cast<int>(scripts[in].statements.size()) + 1);
        CHECK(error.place()->line == static_cast<int>(at) + 1);
    }
    const std::size_t whole = each ? in : 0;
    CHECK(comparable(box) == stages.after(whole));
    check_no_litter(box, whole > 0);
    CHECK(support::files_with(box.folder(), ".bak-").size() == (whole > 0 ? 1 : 0));
}

void fail_everywhere(const std::string& journal, bool each) {
    const Stages stages{journal};
    for (const auto& failure : failures)
        for (std::size_t in = 0; in < scripts.size(); ++in)
            for (std::size_t at = 0; at <= scripts[in].statements.size(); ++at)
                check_failure(stages, failure, each, in, at);
}

using support::FailingDisk;
using Fault = FailingDisk::Fault;

/// True when the run came through: the failure then met nothing but the tidying up after the last commit.
bool run_on_failing_disk(const Stages& stages, const FailingDisk::Plan& plan, bool each) {
    CAPTURE(plan.at);
    CAPTURE(plan.sticky);
    CAPTURE(to_string(plan.fault));
    CAPTURE(each);
    FailingDisk disk;
    const support::ShimVfs vfs{"failing_disk", disk};
    const Sandbox box;
    stages.lay_down(box);
    MigrationOptions options;
    options.vfs = vfs.name();
    options.commit_each_file = each;
    disk.fail(plan);
    bool done = false;
    try {
        box.up(files(scripts.size()), options);
        done = true;
    } catch (const MigrationError& error) {
        CHECK(error.problem() == MigrationProblem::storage);
    }
    const bool met = disk.has_failed();
    disk.heal();
    CHECK(vfs.open_files() == 0);
    const int whole = stages.count_in(box);  // by a connection on a disk that works
    if (done)
        CHECK(whole == static_cast<int>(scripts.size()));
    else if (each)
        CHECK(whole >= 0);
    else
        CHECK(whole == 0);
    if (!plan.sticky) check_no_litter(box, whole > 0);
    return done && !met;
}

void fill_disk_everywhere(const std::string& journal, bool each) {
    const Stages stages{journal};
    CHECK(run_on_failing_disk(stages, {}, each));
    const std::uint64_t step = support::sanitized ? 7 : 1;
    bool through = false;
    std::uint64_t number = 1;
    for (; !through; number += step) {
        through = run_on_failing_disk(stages, {.fault = Fault::full, .at = number}, each);
        if (number % 3 == 0) run_on_failing_disk(stages, {.fault = Fault::full, .at = number, .sticky = true}, each);
        if (number % 3 == 1) run_on_failing_disk(stages, {.fault = Fault::write_error, .at = number}, each);
    }
    CHECK(number > 40);  // there was something to fail
}

}  // namespace

TEST_CASE("migration: a failure at any statement of any file leaves the database as before (rollback journal)") {
    fail_everywhere("DELETE", false);
}

TEST_CASE("migration: a failure at any statement of any file leaves the database as before (write-ahead log)") {
    fail_everywhere("WAL", false);
}

TEST_CASE("migration: with a commit for each file a failure leaves whole files (rollback journal)") {
    fail_everywhere("DELETE", true);
}

TEST_CASE("migration: with a commit for each file a failure leaves whole files (write-ahead log)") {
    fail_everywhere("WAL", true);
}

TEST_CASE("migration: a disk that fails at any write leaves the database as before (rollback journal)") {
    fill_disk_everywhere("DELETE", false);
}

TEST_CASE("migration: a disk that fails at any write leaves the database as before (write-ahead log)") {
    fill_disk_everywhere("WAL", false);
}

TEST_CASE("migration: a disk that fails at any write leaves whole files when each is committed") {
    fill_disk_everywhere("WAL", true);
    fill_disk_everywhere("DELETE", true);
}

TEST_CASE("migration: a file that may grow no further fails at whatever statement comes to its end") {
    for (const char* journal : {"DELETE", "WAL"}) {
        const Stages stages{journal};
        std::set<std::string> failed_in;
        bool done = false;
        for (int room = 0; !done; ++room) {
            CAPTURE(journal);
            CAPTURE(room);
            const Sandbox box;
            stages.lay_down(box);
            const int pages = std::stoi(box.value("PRAGMA page_count")) + room;
            const support::EveryConnection limit{[&](sqlite3* db) {
                sqlite3_exec(db, ("PRAGMA max_page_count=" + std::to_string(pages)).c_str(), nullptr, nullptr, nullptr);
            }};
            try {
                box.up(files(scripts.size()));
                done = true;
            } catch (const MigrationError& error) {
                CHECK(error.problem() == MigrationProblem::storage);
                CHECK(stages.count_in(box) == 0);
                check_no_litter(box, false);
                if (error.place()) failed_in.insert(error.place()->file + std::to_string(error.place()->statement));
            }
        }
        CHECK(failed_in.size() >= 3);  // not always the same one
    }
}

TEST_CASE("migration: cancelling in the middle of a statement ends it and rolls everything back") {
    for (const char* journal : {"DELETE", "WAL"}) {
        for (std::size_t in = 0; in < scripts.size(); ++in) {
            CAPTURE(journal);
            CAPTURE(in);
            const Stages stages{journal};
            std::stop_source stop;
            const support::SqlFunction stopper{"stop_at", [&](long long i) {
                                                   if (i == 2000) stop.request_stop();
                                               }};
            const Sandbox box;
            stages.lay_down(box);
            MigrationOptions options;
            options.stop = stop.get_token();
            // Without the stop it would not end in the time of this test.
            const std::string endless =
                "WITH RECURSIVE n(i) AS (SELECT 10000 UNION ALL SELECT i + 1 FROM n) "
                "INSERT INTO Kept(id) SELECT 10000 + stop_at(i - 10000) FROM n LIMIT 1000000000";
            const auto error = box.up_fails(files(scripts.size(), endless, in, 1), options);
            CHECK(error.problem() == MigrationProblem::cancelled);
            REQUIRE(error.place());
            CHECK(error.place()->statement == 2);
            CHECK(stages.count_in(box) == 0);
            check_no_litter(box, false);
        }
    }
}

TEST_CASE("migration: a run that fails on a new file leaves an empty file") {
    const Sandbox box;
    const auto check_empty = [&] {
        CHECK(box.names() == std::vector<std::string>{"test.db"});
        CHECK(box.content().empty());
        std::filesystem::remove(box.file());
    };
    const auto error = box.up_fails({{"0001_first.sql", "CREATE TABLE t(x);\nSELECT nothing FROM nowhere;\n"}});
    CHECK(error.problem() == MigrationProblem::failed);
    check_empty();
    // More than a cache holds.
    box.up_fails({{"0001_first.sql",
                   "CREATE TABLE t(x);\nINSERT INTO t VALUES (zeroblob(9000000));\nSELECT nothing FROM nowhere;\n"}});
    check_empty();
    // SQLite has ended the transaction itself when it returns.
    box.up_fails({{"0001_first.sql",
                   "CREATE TABLE t(x UNIQUE);\nINSERT INTO t VALUES (1);\nINSERT OR ROLLBACK INTO t VALUES (1);\n"}});
    check_empty();
    std::stop_source stop;
    const support::SqlFunction stopper{"stop_now", [&](long long) { stop.request_stop(); }};
    MigrationOptions options;
    options.stop = stop.get_token();
    const std::string endless =
        "CREATE TABLE t AS WITH RECURSIVE n(i) AS (SELECT stop_now(1) UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    CHECK(box.up_fails({{"0001_first.sql", endless}}, options).problem() == MigrationProblem::cancelled);
    check_empty();
}

TEST_CASE("migration: a run that fails on an empty file leaves it empty") {
    const Sandbox box;
    support::write_file(box.file(), "");
    box.up_fails({{"0001_first.sql", "CREATE TABLE t(x);\nSELECT nothing FROM nowhere;\n"}});
    CHECK(box.names() == std::vector<std::string>{"test.db"});
    CHECK(box.content().empty());
}

TEST_CASE("migration: a stop that came before the run leaves everything as it is") {
    const Sandbox box;
    std::stop_source stop;
    stop.request_stop();
    MigrationOptions options;
    options.stop = stop.get_token();
    CHECK(box.up_fails({base}, options).problem() == MigrationProblem::cancelled);
    CHECK(box.names().empty());
    box.up({base});
    const auto before = box.dump();
    CHECK(box.up_fails(files(3), options).problem() == MigrationProblem::cancelled);
    CHECK(box.dump() == before);
    CHECK(box.names() == std::vector<std::string>{"test.db"});
    CHECK(box.up({base}, options).applied.empty());  // nothing to do: nothing to stop
}

TEST_CASE("migration: after a failure the corrected file runs") {
    const Stages stages{"WAL"};
    const Sandbox box;
    stages.lay_down(box);
    CHECK_THROWS_AS(box.up(files(3, "SELECT nothing FROM nowhere", 2, 2)), MigrationError);
    CHECK(box.up(files(3)).applied.size() == 3);
    CHECK(comparable(box) == stages.after(3));
}

TEST_CASE("migration: the files that are done and their rows of history are one commit") {
    const Stages stages{"WAL"};
    for (const bool each : {false, true}) {
        CAPTURE(each);
        const Sandbox box;
        stages.lay_down(box);
        MigrationOptions options;
        options.commit_each_file = each;
        const auto result = box.up(files(3), options);
        CHECK(result.from == "0001");
        CHECK(result.to == "0004");
        CHECK(result.applied.size() == 3);
        CHECK(comparable(box) == stages.after(3));
        CHECK(box.value("SELECT group_concat(version || status || statements_done, ' ') FROM _schema_migrations") ==
              "0001applied6 0002applied6 0003applied4 0004applied4");
    }
}

TEST_CASE("migration: a failing way back leaves the database as before") {
    for (const bool each : {false, true}) {
        CAPTURE(each);
        const Sandbox box;
        const std::vector<File> three{
            {"0001_a.sql", "-- migrate:up\nCREATE TABLE a(x);\n-- migrate:down\nDROP TABLE a;\n"},
            {"0002_b.sql", "-- migrate:up\nCREATE TABLE b(x);\n-- migrate:down\nDROP TABLE b;\nDROP TABLE nothing;\n"},
            {"0003_c.sql", "-- migrate:up\nCREATE TABLE c(x);\n-- migrate:down\nDROP TABLE c;\n"}};
        box.up(three);
        const auto before = box.dump();
        MigrationOptions options;
        options.commit_each_file = each;
        const auto error = support::migration_error([&] { box.migrator(three, options).down(3); });
        REQUIRE(error.place());
        CHECK(error.place()->file == "0002_b.sql");
        CHECK(error.place()->line == 5);
        if (!each) CHECK(box.dump() == before);
        CHECK(box.value("SELECT group_concat(version, ' ') FROM _schema_migrations") ==
              (each ? "0001 0002" : "0001 0002 0003"));
        CHECK(box.value("SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b', 'c')") == (each ? "2" : "3"));
    }
}
