#include <doctest/doctest.h>

#include "support/migration_kit.hpp"

#include <string>
#include <vector>

// What was applied against what is there: what runs, what is refused before anything runs, and what status calls it.

namespace {

using sqlane::MigrationError;
using sqlane::MigrationOptions;
using sqlane::MigrationProblem;
using State = sqlane::MigrationStatus::State;
using support::contains;
using support::File;
using support::migration_error;
using support::Sandbox;

File file(const std::string& version, const std::string& name, const std::string& options = {}) {
    return {version + "_" + name + ".sql",
            options + "-- migrate:up\nCREATE TABLE " + name + "(x);\n-- migrate:down\nDROP TABLE " + name + ";\n"};
}

const File a = file("0001", "a");
const File b = file("0002", "b");
const File c = file("0003", "c");
const File d = file("0004", "d");

std::string states(const Sandbox& box, const std::vector<File>& files) {
    std::string text;
    for (const auto& status : box.migrator(files).status())
        text += (text.empty() ? "" : ", ") + status.version + " " + to_string(status.state);
    return text;
}

std::string planned(const Sandbox& box, const std::vector<File>& files, MigrationOptions options = {}) {
    std::string text;
    for (const auto& migration : box.migrator(files, std::move(options)).plan())
        text += (text.empty() ? "" : " ") + migration.version;
    return text;
}

std::string tables(const Sandbox& box) {
    return box.value(
        "SELECT group_concat(name, ' ') FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE "
        "'\\_%' "
        "ESCAPE '\\' ORDER BY name)");
}

/// Every call that would run something is refused with that code, and the file is as it was.
MigrationError check_refused(const Sandbox& box, const std::vector<File>& files, const char* code) {
    const auto before = support::state_of(box.folder());
    auto migrator = box.migrator(files);
    auto error = migration_error([&] { migrator.up(); });
    CHECK(error.problem() == MigrationProblem::refused);
    CHECK(error.code() == code);
    CHECK(migration_error([&] { static_cast<void>(migrator.plan()); }).code() == code);
    CHECK(migration_error([&] { migrator.validate(); }).code() == code);
    CHECK(support::state_of(box.folder()) == before);
    return error;
}

}  // namespace

TEST_CASE("plan: what is not applied runs in the order of versions and only once") {
    const Sandbox box;
    CHECK(planned(box, {c, a, b}) == "0001 0002 0003");
    CHECK(states(box, {a, b}) == "0001 pending, 0002 pending");
    const auto first = box.up({b, a});
    CHECK(first.from.empty());
    CHECK(first.to == "0002");
    CHECK(planned(box, {c, a, b}) == "0003");
    CHECK(states(box, {a, b, c}) == "0001 applied, 0002 applied, 0003 pending");
    const auto before = support::state_of(box.folder());
    CHECK(box.up({a, b}).applied.empty());
    CHECK(support::state_of(box.folder()) == before);
    const auto second = box.up({a, b, c});
    CHECK(second.from == "0002");
    CHECK(second.to == "0003");
    REQUIRE(second.applied.size() == 1);
    CHECK(second.applied[0].version == "0003");
    CHECK(second.applied[0].name == "c");
    CHECK(box.migrator({a, b, c}).version() == "0003");
}

TEST_CASE("plan: a gap in the versions is fine") {
    const Sandbox box;
    CHECK(box.up({a, c, file("20260131120000", "z")}).to == "20260131120000");
    box.migrator({a, c, file("20260131120000", "z")}).validate();
}

TEST_CASE("plan: status tells when and how long") {
    const Sandbox box;
    box.up({a});
    const auto all = box.migrator({a, b}).status();
    CHECK(all[0].applied_at.size() == std::string_view{"2026-01-31 12:00:00"}.size());
    CHECK(all[0].applied_at == box.value("SELECT applied_at FROM _schema_migrations"));
    CHECK(all[0].name == "a");
    CHECK(all[1].applied_at.empty());
    CHECK(all[1].name == "b");
}

TEST_CASE("plan: an applied file that was edited is refused with both checksums and how to accept it") {
    const Sandbox box;
    box.up({a, b});
    auto edited = a;
    edited.text += "-- a word\n";
    const auto error = check_refused(box, {edited, b, c}, "checksum-mismatch");
    const std::string what = error.what();
    CHECK(contains(what, "0001_a.sql was edited after it was applied"));
    CHECK(contains(what, support::set_of({a}).all()[0].checksum));
    CHECK(contains(what, support::set_of({edited}).all()[0].checksum));
    CHECK(contains(what, "--accept 0001"));
    CHECK(states(box, {edited, b, c}) == "0001 modified, 0002 applied, 0003 pending");
    CHECK(migration_error([&] { box.migrator({edited, b}).down(); }).code() == "checksum-mismatch");
    CHECK(migration_error([&] { box.migrator({edited, b}).redo(); }).code() == "checksum-mismatch");
    CHECK(migration_error([&] { static_cast<void>(box.migrator({edited, b}).drift()); }).code() == "checksum-mismatch");
}

TEST_CASE("plan: accept records the text of an edited file and runs nothing") {
    const Sandbox box;
    box.up({a, b});
    auto edited = a;
    edited.text = "-- migrate:up\nCREATE TABLE a(x);\n-- migrate:down\nDROP TABLE IF EXISTS a;\n";
    auto migrator = box.migrator({edited, b});
    migrator.accept("1");
    migrator.validate();
    CHECK(states(box, {edited, b}) == "0001 applied, 0002 applied");
    CHECK(tables(box) == "a b");
    // What an older build would go back with is the text that was accepted.
    CHECK(contains(box.value("SELECT down_sql FROM _schema_migrations WHERE version = '0001'"), "IF EXISTS a"));
    check_refused(box, {a, b}, "checksum-mismatch");
    for (const char* unknown : {"0003", "", "x", "0"})
        CHECK(migration_error([&] { migrator.accept(unknown); }).code() == "unknown-version");
    CHECK(migration_error([&] { box.migrator({edited, b, c}).accept("0003"); }).code() == "unknown-version");
    CHECK(migration_error([&] { Sandbox{}.migrator({a}).accept("0001"); }).code() == "unknown-version");
}

TEST_CASE("plan: an applied file that is gone is refused by name") {
    const Sandbox box;
    box.up({a, b, c});
    const auto error = check_refused(box, {a, c, d}, "missing-file");
    CHECK(contains(error.what(), "0002_b.sql"));
    CHECK(states(box, {a, c, d}) == "0001 applied, 0002 missing, 0003 applied, 0004 pending");
    CHECK(migration_error([&] { box.migrator({a, c}).down(); }).code() == "missing-file");
}

TEST_CASE("plan: a file older than the newest applied one is refused") {
    const Sandbox box;
    box.up({a, c});
    const auto error = check_refused(box, {a, b, c}, "out-of-order");
    CHECK(contains(error.what(), "0002_b.sql is older than 0003_c"));
    CHECK(contains(error.what(), "-- migrate: out-of-order"));
    CHECK(states(box, {a, b, c, d}) == "0001 applied, 0002 out-of-order, 0003 applied, 0004 pending");
}

TEST_CASE("plan: a file that says so may run out of order") {
    const Sandbox box;
    box.up({a, c});
    const auto late = file("0002", "b", "-- migrate: out-of-order\n");
    CHECK(states(box, {a, late, c}) == "0001 applied, 0002 pending, 0003 applied");
    const auto result = box.up({a, late, c, d});
    REQUIRE(result.applied.size() == 2);
    CHECK(result.applied[0].version == "0002");
    CHECK(result.applied[1].version == "0004");
    CHECK(result.to == "0004");
    CHECK(box.up({a, late, c, d}).applied.empty());
    CHECK(box.migrator({a, late, c, d}).drift().empty());
}

TEST_CASE("plan: with a target nothing newer runs") {
    const Sandbox box;
    MigrationOptions options;
    options.to = "2";
    CHECK(planned(box, {a, b, c}, options) == "0001 0002");
    CHECK(box.up({a, b, c}, options).to == "0002");
    CHECK(box.up({a, b, c}, options).applied.empty());
    options.to = "1";
    CHECK(box.up({a, b, c}, options).applied.empty());
    options.to = "0";
    CHECK(box.up({a, b, c}, options).applied.empty());
    CHECK(tables(box) == "a b");
}

TEST_CASE("plan: a target that is no version is refused before anything runs") {
    const Sandbox box;
    box.up({a, b});
    const auto before = support::state_of(box.folder());
    for (const char* target : {"5", "b", "0002_b", "2b", " 2", "-1", "99999999999999999999", "latest"}) {
        CAPTURE(target);
        MigrationOptions options;
        options.to = target;
        const auto up = box.up_fails({a, b, c}, options);
        CHECK(up.problem() == MigrationProblem::refused);
        CHECK(up.code() == "unknown-version");
        CHECK(contains(up.what(), target));
        CHECK(migration_error([&] { box.migrator({a, b}).down_to(target); }).code() == "unknown-version");
    }
    CHECK(migration_error([&] { box.migrator({a, b}).down_to(""); }).code() == "unknown-version");
    CHECK(support::state_of(box.folder()) == before);
}

TEST_CASE("plan: down undoes the newest and down_to all that is newer") {
    const Sandbox box;
    const std::vector<File> files{a, b, c, d};
    box.up(files);
    auto migrator = box.migrator(files);
    const auto one = migrator.down();
    CHECK(one.from == "0004");
    CHECK(one.to == "0003");
    REQUIRE(one.applied.size() == 1);
    CHECK(one.applied[0].version == "0004");
    CHECK(tables(box) == "a b c");
    CHECK(migrator.down(2).to == "0001");
    CHECK(tables(box) == "a");
    CHECK(migrator.up().applied.size() == 3);
    const auto to = migrator.down_to("02");
    REQUIRE(to.applied.size() == 2);
    CHECK(to.applied[0].version == "0004");
    CHECK(to.applied[1].version == "0003");
    CHECK(migrator.down_to("0002").applied.empty());
    CHECK(migrator.down_to("0").to.empty());
    CHECK(tables(box).empty());
    CHECK(box.value("SELECT count(*) FROM _schema_migrations") == "0");
    CHECK(migrator.up().applied.size() == 4);
}

TEST_CASE("plan: more down than there is or less than one is refused") {
    const Sandbox box;
    box.up({a, b});
    auto migrator = box.migrator({a, b});
    CHECK(migration_error([&] { migrator.down(3); }).code() == "too-few-applied");
    CHECK(migration_error([&] { Sandbox{}.migrator({a}).down(); }).code() == "too-few-applied");
    CHECK_THROWS_AS(migrator.down(0), sqlane::UsageError);
    CHECK_THROWS_AS(migrator.down(-1), sqlane::UsageError);
    CHECK(migration_error([&] { Sandbox{}.migrator({a}).redo(); }).code() == "too-few-applied");
    CHECK(tables(box) == "a b");
}

TEST_CASE("plan: without a way back nothing is undone") {
    const Sandbox box;
    const std::vector<File> files{a, {"0002_b.sql", "CREATE TABLE b(x);\n"}, c};
    box.up(files);
    const auto before = support::state_of(box.folder());
    const auto error = migration_error([&] { box.migrator(files).down(2); });
    CHECK(error.problem() == MigrationProblem::refused);
    CHECK(error.code() == "no-down");
    CHECK(contains(error.what(), "0002_b.sql"));
    CHECK(support::state_of(box.folder()) == before);
    CHECK(box.migrator(files).down().to == "0002");
}

TEST_CASE("plan: redo undoes the newest and applies it again in one transaction") {
    const Sandbox box;
    box.up({a, b});
    box.run("INSERT INTO b VALUES (1)");
    MigrationOptions options;
    options.commit_each_file = true;
    auto migrator = box.migrator({a, b}, options);
    const auto result = migrator.redo();
    CHECK(result.from == "0002");
    CHECK(result.to == "0002");
    CHECK(result.applied.size() == 2);
    CHECK(box.value("SELECT count(*) FROM b") == "0");
    CHECK(states(box, {a, b}) == "0001 applied, 0002 applied");

    const File bad{"0003_bad.sql",
                   "-- migrate:up\nCREATE TABLE IF NOT EXISTS bad(x);\nINSERT INTO once VALUES (1);\n"
                   "-- migrate:down\nDROP TABLE bad;\n"};
    box.run("CREATE TABLE once(x UNIQUE)");
    box.up({a, b, bad});
    const auto before = box.dump();
    CHECK(migration_error([&] { box.migrator({a, b, bad}, options).redo(); }).code() == "statement-failed");
    CHECK(box.dump() == before);
}

TEST_CASE("plan: a file renamed from 0002 to 2 is the same migration both ways") {
    const Sandbox box;
    box.up({a, b});
    const File renamed{"2_b.sql", b.text};
    CHECK(states(box, {a, renamed}) == "0001 applied, 0002 applied");
    auto migrator = box.migrator({a, renamed});
    CHECK(migrator.redo().applied.size() == 2);
    CHECK(box.value("SELECT group_concat(version, ' ') FROM _schema_migrations") == "0001 2");
    CHECK(box.migrator({a, b}).down().to == "0001");
    CHECK(box.value("SELECT group_concat(version, ' ') FROM _schema_migrations") == "0001");
    CHECK(tables(box) == "a");
}

TEST_CASE("plan: the history names the tools and no person") {
    const Sandbox box;
    MigrationOptions options;
    options.app_version = "app 1.2.3";
    box.up({file("0001", "a", "-- migrate: breaking\n"), b}, options);
    CHECK(box.value(
              "SELECT app_version || ' ' || sqlite_version || ' ' || kind || ' ' || status FROM _schema_migrations") ==
          std::string{"app 1.2.3 "} + sqlite3_libversion() + " versioned applied");
    CHECK(box.value("SELECT group_concat(min_compatible) FROM _schema_migrations") == "0001,0001");
    CHECK(box.value("SELECT group_concat(objects) FROM _schema_migrations") == "1,2");
    CHECK(box.value("SELECT count(DISTINCT schema_hash) FROM _schema_migrations WHERE schema_hash LIKE 'sha256:%'") ==
          "2");
    CHECK(
        box.value("SELECT group_concat(name) FROM pragma_table_info('_schema_migrations')") ==
        "seq,version,name,kind,checksum,status,statements_done,statements_total,applied_at,duration_ms,min_compatible,"
        "down_sql,schema_hash,objects,tool_version,app_version,sqlite_version,error");
}

TEST_CASE("plan: drift replays the migrations in the order in which they ran") {
    const Sandbox box;
    const std::vector<support::File> first{{"0001_first.sql", "CREATE TABLE t(a);\n"},
                                           {"0003_third.sql", "ALTER TABLE t ADD COLUMN c;\n"}};
    box.up(first);
    auto all = first;
    all.push_back({"0002_second.sql", "-- migrate: out-of-order\nALTER TABLE t ADD COLUMN b;\n"});
    box.up(all);
    CHECK(box.migrator(all).drift().empty());
}
