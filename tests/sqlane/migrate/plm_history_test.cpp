#include <doctest/doctest.h>

#include "handle/migration_connection.hpp"
#include "support/migration_kit.hpp"

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

// The plm schema's own history: forwards, backwards and forwards again, step by step.

namespace {

using sqlane::MigrationOptions;
using sqlane::MigrationSet;
using sqlane::Migrator;
using support::contains;
using support::File;
using support::Raw;
using support::Sandbox;

MigrationSet plm() {
    const auto folder = std::filesystem::path{__FILE__}.parent_path() / ".." / ".." / ".." / "migrations";
    return MigrationSet::from_folder(folder);
}

/// Up to that version, without copies.
void up_to(const Sandbox& box, const std::string& version) {
    MigrationOptions options;
    options.backup = false;
    options.to = version;
    Migrator{box.file(), plm(), options}.up();
}

/// The hash that the run recorded, and the dump.
std::string schema(const Sandbox& box) {
    const Migrator migrator{box.file(), plm()};
    CHECK(migrator.drift().empty());
    return migrator.dump() + box.value("SELECT schema_hash FROM _schema_migrations ORDER BY version DESC LIMIT 1");
}

/// Where its statements end; 0 for before the first.
std::vector<std::size_t> ends_of_statements(const std::string& sql) {
    std::vector<std::size_t> ends{0};
    for (auto at = sql.find(';'); at != std::string::npos; at = sql.find(';', at + 1))
        if (sqlane::detail::is_complete_statement(sql.substr(ends.back(), at + 1 - ends.back())))
            ends.push_back(at + 1);
    return ends;
}

/// The last of the files fails after each statement of one of its sections, and the database stays as it is.
void fail_everywhere(const Sandbox& box, std::vector<File> files, const sqlane::MigrationSection& section, bool down) {
    const auto text = files.back().text;
    for (const auto end : ends_of_statements(section.sql)) {
        CAPTURE(files.back().name);
        CAPTURE(down);
        CAPTURE(end);
        files.back().text = text;
        files.back().text.insert(section.offset + end, "\nSELECT nothing FROM nowhere;\n");
        auto migrator = box.migrator(files, support::without_backup());
        if (down) migrator.accept(migrator.version());
        const auto before = box.dump();
        const auto error = support::migration_error([&] { down ? migrator.down() : migrator.up(); });
        CHECK(error.code() == "statement-failed");
        CHECK(box.dump() == before);
    }
}

}  // namespace

TEST_CASE("plm migrations: up and down and up gives the same schema at each step") {
    const auto set = plm();
    REQUIRE(set.all().size() >= 4);
    const Sandbox box;
    std::vector<std::string> schemas{""};
    for (const auto& migration : set.all()) {
        REQUIRE(migration.down);
        up_to(box, migration.version);
        schemas.push_back(schema(box));
        CHECK(schemas.back() != schemas[schemas.size() - 2]);
    }
    const auto top = schemas.back();
    Migrator migrator{box.file(), set, support::without_backup()};
    for (auto at = set.all().size(); at-- > 0;) {
        CAPTURE(set.all()[at].file);
        migrator.down();
        CHECK(schema(box) == schemas[at]);
    }
    CHECK(migrator.version().empty());
    CHECK(migrator.dump().empty());
    CHECK(box.value("SELECT group_concat(name) FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'") ==
          "_schema_migrations");
    for (std::size_t at = 0; at < set.all().size(); ++at) {
        CAPTURE(set.all()[at].file);
        up_to(box, set.all()[at].version);
        CHECK(schema(box) == schemas[at + 1]);
    }
    CHECK(schema(box) == top);
}

TEST_CASE("plm migrations: each can be done again and all in one go give the same") {
    const auto set = plm();
    const Sandbox steps;
    for (const auto& migration : set.all()) {
        up_to(steps, migration.version);
        CHECK(Migrator(steps.file(), set, support::without_backup()).redo().applied.size() == 2);
    }
    const Sandbox at_once;
    Migrator migrator{at_once.file(), set};
    CHECK(migrator.up().applied.size() == set.all().size());
    CHECK(schema(at_once) == schema(steps));
    CHECK(migrator.down_to("0").applied.size() == set.all().size());
    CHECK(migrator.dump().empty());
    const Sandbox each;
    MigrationOptions options;
    options.commit_each_file = true;
    CHECK(Migrator(each.file(), set, options).up().applied.size() == set.all().size());
    CHECK(schema(each) == schema(steps));
}

TEST_CASE("plm migrations: the dump loads and gives the same dump") {
    const Sandbox box;
    Migrator migrator{box.file(), plm()};
    migrator.up();
    const auto dump = migrator.dump();
    CHECK(contains(dump, "CREATE TABLE Parts("));
    CHECK(contains(dump, "CREATE VIRTUAL TABLE PartSearch"));
    CHECK_FALSE(contains(dump, "PartSearch_"));
    const Sandbox other;
    other.run(dump);
    CHECK(Migrator(other.file(), MigrationSet{}).dump() == dump);
}

TEST_CASE("plm migrations: rows survive a step back and forth above them") {
    const Sandbox box;
    const auto set = plm();
    Migrator migrator{box.file(), set};
    migrator.up();
    box.run(
        "INSERT INTO Parts(number, category, name, created_date, modified_date) VALUES ('EL-1', 'EL', 'Bolt', 1, 1)");
    migrator.down_to(set.all()[0].version);
    CHECK(box.value("SELECT name FROM Parts") == "Bolt");
    migrator.up();
    CHECK(box.value("SELECT name FROM Parts") == "Bolt");
    CHECK(box.value("SELECT number FROM PartSearch WHERE PartSearch MATCH 'bolt'") == "EL-1");
}

TEST_CASE("plm migrations: a failure after any statement of any file leaves the database as before") {
    const auto set = plm();
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        box.run(std::string{"PRAGMA journal_mode="} + journal);
        std::vector<File> files;
        for (const auto& migration : set.all()) {
            files.push_back({migration.file, migration.text});
            fail_everywhere(box, files, migration.up, false);
            box.up(files, support::without_backup());
            if (files.size() == 1)
                box.run(
                    "INSERT INTO Parts(number, category, name, created_date, modified_date) VALUES ('EL-1', 'EL', "
                    "'Bolt', 1, 1)");
            REQUIRE(migration.down);
            fail_everywhere(box, files, *migration.down, true);
            box.migrator(files).accept(migration.version);
        }
        CHECK(box.value("SELECT name FROM Parts") == "Bolt");
    }
}
