#include <doctest/doctest.h>

#include "migrate/progress.hpp"
#include "support/migration_kit.hpp"

#include <chrono>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

// What somebody who watches is told: how far, in order, not too often, and that it can be stopped.

namespace {

using namespace std::chrono_literals;
using sqlane::MigrationOptions;
using sqlane::MigrationProgress;
using Step = sqlane::MigrationProgress::Step;
using support::Clock;
using support::File;
using support::Raw;
using support::Sandbox;

constexpr int rows = 200'000;

const File before{"0001_rows.sql",
                  "CREATE TABLE Parts(part_id INTEGER PRIMARY KEY, name TEXT);\n"
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000)\n"
                  "INSERT INTO Parts SELECT i, 'part ' || i FROM n;\n"};
const File copy{"0002_copy.sql",
                "CREATE TABLE Parts_new(part_id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
                "INSERT INTO Parts_new SELECT pace(part_id), name FROM Parts;\n"
                "DROP TABLE Parts;\nALTER TABLE Parts_new RENAME TO Parts;\n"};

/// A database of many rows, made once.
const std::string& many_rows() {
    static const std::string content = [] {
        const Sandbox box;
        box.up({before}, support::without_backup());
        return box.content();
    }();
    return content;
}

/// Quicker than a dump of them all.
std::string summary(const Sandbox& box) {
    return box.value("SELECT group_concat(sql) FROM sqlite_schema") +
           box.value("SELECT count(*) || ' ' || sum(part_id) || ' ' || sum(length(name)) FROM Parts") +
           box.value("SELECT group_concat(version) FROM _schema_migrations");
}

/// A copy that takes as long as it must for somebody to be told: the clock, and nothing else, is what it waits for.
void pace(long long row) {
    if (row % 40'000 != 0) return;
    const auto until = Clock::now() + 260ms;
    support::wait_until("the time has come", [&] { return Clock::now() >= until; });
}

/// At most four a second of a kind, and one at its beginning and end.
void check_rate(const std::map<Step, int>& counts, std::chrono::nanoseconds took) {
    const auto quarters = static_cast<int>(took / 250ms);
    for (const auto& [step, count] : counts) {
        CAPTURE(static_cast<int>(step));
        CHECK(count <= quarters + 2);
    }
}

}  // namespace

TEST_CASE("progress: the percentage of a copy rises and ends at 100") {
    const Sandbox box;
    support::write_file(box.file(), many_rows());
    const support::SqlFunction paced{"pace", &pace};
    std::map<int, std::vector<int>> percents;
    std::map<Step, int> counts;
    auto options = support::without_backup();
    options.on_progress = [&](const MigrationProgress& progress) {
        ++counts[progress.step];
        if (progress.step != Step::statement) return;
        percents[progress.statement].push_back(progress.percent);
        CHECK(progress.file == "0002_copy.sql");
        CHECK(progress.statements == 4);
        CHECK(progress.migration == 1);
        CHECK(progress.migrations == 1);
    };
    const auto took = support::time_of([&] { box.up({before, copy}, options); });
    const auto& of_copy = percents[2];
    CAPTURE(of_copy.size());
    REQUIRE(of_copy.size() >= 4);
    CHECK(std::ranges::is_sorted(of_copy));
    CHECK(of_copy.back() == 100);
    CHECK(of_copy[of_copy.size() - 2] < 100);
    CHECK(std::ranges::count_if(of_copy, [](int percent) { return percent > 5 && percent < 95; }) >= 2);
    check_rate(counts, took);
    CHECK(box.value("SELECT count(*) FROM Parts") == std::to_string(rows));
}

TEST_CASE("progress: a stop at half leaves the database as before") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        support::write_file(box.file(), many_rows());
        box.run(std::string{"PRAGMA journal_mode="} + journal);
        const auto old = summary(box);
        const support::SqlFunction paced{"pace", &pace};
        std::stop_source stop;
        int stopped_at = 0;
        MigrationOptions options;
        options.stop = stop.get_token();
        options.on_progress = [&](const MigrationProgress& progress) {
            if (progress.step != Step::statement || progress.percent < 45 || progress.percent == 100) return;
            if (stopped_at == 0) stopped_at = progress.percent;
            stop.request_stop();
        };
        const auto error = box.up_fails({before, copy}, options);
        CHECK(error.problem() == sqlane::MigrationProblem::cancelled);
        CHECK(error.code() == "cancelled");
        CHECK(stopped_at < 95);
        REQUIRE(error.place());
        CHECK(error.place()->statement == 2);
        CHECK(summary(box) == old);
        CHECK(box.names() == std::vector<std::string>{"test.db"});
        options.stop = {};
        CHECK(box.up({before, {"0002_copy.sql", "CREATE TABLE next(x)"}}, options).applied.size() == 1);
    }
}

TEST_CASE("progress: many short files do not make many events") {
    std::vector<File> files;
    for (int i = 1; i <= 60; ++i) {
        const auto number = std::to_string(1000 + i);
        files.push_back(
            {number + "_t.sql", "CREATE TABLE t" + number + "(x); INSERT INTO t" + number + " VALUES (1), (2);"});
    }
    for (const bool each : {false, true}) {
        CAPTURE(each);
        const Sandbox box;
        std::map<Step, int> counts;
        MigrationOptions options;
        options.commit_each_file = each;
        options.on_progress = [&](const MigrationProgress& progress) { ++counts[progress.step]; };
        const auto took = support::time_of([&] { box.up(files, options); });
        CHECK(counts[Step::statement] >= 1);
        CHECK(counts[Step::commit] >= 1);
        check_rate(counts, took);
    }
}

TEST_CASE("progress: the copy before the first write is told to its end") {
    const Sandbox box;
    support::write_file(box.file(), many_rows());
    box.run("CREATE TABLE Big(x); INSERT INTO Big VALUES (zeroblob(5000000))");
    std::vector<int> percents;
    std::vector<Step> steps;
    MigrationOptions options;
    options.on_progress = [&](const MigrationProgress& progress) {
        steps.push_back(progress.step);
        if (progress.step == Step::backup) percents.push_back(progress.percent);
    };
    box.up({before, {"0002_more.sql", "CREATE TABLE more(x)"}}, options);
    REQUIRE(percents.size() >= 2);
    CHECK(std::ranges::is_sorted(percents));
    CHECK(percents.back() == 100);
    // In the order in which things happen.
    CHECK(std::ranges::is_sorted(steps));
    CHECK(std::ranges::find(steps, Step::statement) != steps.end());
    CHECK(std::ranges::find(steps, Step::foreign_keys) != steps.end());
    CHECK(steps.back() == Step::commit);
}

TEST_CASE("progress: waiting for another process is told and ends when that one does") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        box.run(std::string{"PRAGMA journal_mode="} + journal + "; CREATE TABLE t(x)");
        Raw other{box.file()};
        other.run("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
        bool waited = false;
        MigrationOptions options;
        options.on_progress = [&](const MigrationProgress& progress) {
            if (progress.step != Step::waiting || waited) return;
            waited = true;
            other.run("COMMIT");
        };
        CHECK(box.up({{"0001_more.sql", "CREATE TABLE more(x)"}}, options).applied.size() == 1);
        CHECK(waited);
    }
}

TEST_CASE("progress: waiting can be stopped") {
    const Sandbox box;
    box.run("CREATE TABLE t(x)");
    Raw other{box.file()};
    other.run("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)");
    std::stop_source stop;
    MigrationOptions options;
    options.stop = stop.get_token();
    options.lock_timeout = support::patience;
    options.on_progress = [&](const MigrationProgress& progress) {
        if (progress.step == Step::waiting) stop.request_stop();
    };
    const auto error = box.up_fails({{"0001_more.sql", "CREATE TABLE more(x)"}}, options);
    CHECK(error.problem() == sqlane::MigrationProblem::cancelled);
    other.run("ROLLBACK");
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

TEST_CASE("progress: a lock met at the end is waited for as long as one at the beginning") {
    //  run                                   another connection
    //  statement, longer than the time-out   BEGIN, SELECT: holds a read lock
    //  COMMIT: waits                     →   ends its read
    //  done
    const Sandbox box;
    box.run("CREATE TABLE t(x); INSERT INTO t VALUES (1)");
    Raw other{box.file()};
    const support::SqlFunction slow{"slow", [](long long) {
                                        const auto until = Clock::now() + 150ms;
                                        support::wait_until("the time has come", [&] { return Clock::now() >= until; });
                                    }};
    bool reads = false;
    auto options = support::without_backup();
    options.lock_timeout = 100ms;
    options.on_progress = [&](const MigrationProgress& progress) {
        if (progress.step == Step::statement && !reads) {
            other.run("BEGIN; SELECT * FROM t");
            reads = true;
        }
        if (progress.step == Step::waiting) other.run("COMMIT");
    };
    CHECK(box.up({{"0001_more.sql", "CREATE TABLE more AS SELECT slow(1) AS x FROM t;"}}, options).applied.size() == 1);
    CHECK(reads);
}

TEST_CASE("progress: what the observer throws ends the run and arrives unchanged") {
    const Sandbox box;
    support::write_file(box.file(), many_rows());
    box.run("CREATE TABLE Big(x); INSERT INTO Big VALUES (zeroblob(5000000))");
    const auto old = summary(box);
    struct Enough {};
    for (const Step step : {Step::backup, Step::statement, Step::foreign_keys, Step::commit}) {
        CAPTURE(static_cast<int>(step));
        const support::SqlFunction paced{"pace", step == Step::statement ? &pace : [](long long) {}};
        MigrationOptions options;
        options.on_progress = [&](const MigrationProgress& progress) {
            // In the middle of a statement it is SQLite that calls.
            if (progress.step == step && (step != Step::statement || progress.percent > 5)) throw Enough{};
        };
        CHECK_THROWS_AS(box.up({before, copy}, options), Enough);
        CHECK(summary(box) == old);
        CHECK(box.names() == std::vector<std::string>{"test.db"});
    }
}
