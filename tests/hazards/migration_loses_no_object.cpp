#include <doctest/doctest.h>

#include "support/migration_kit.hpp"

#include <string>
#include <vector>

/// The promise: an index or a trigger that goes with a table which is there afterwards goes only when somebody says so.
namespace {

using sqlane::MigrationProblem;
using support::contains;
using support::File;
using support::Sandbox;

const File first{"0001_parts.sql",
                 "CREATE TABLE Parts(part_id INTEGER PRIMARY KEY, name TEXT UNIQUE);\n"
                 "CREATE TABLE Log(entry TEXT);\n"
                 "CREATE INDEX ix_parts_name ON Parts(name COLLATE NOCASE);\n"
                 "CREATE TRIGGER parts_are_logged AFTER INSERT ON Parts BEGIN INSERT INTO Log VALUES (new.name); END;\n"
                 "CREATE VIEW AllParts AS SELECT name AS name FROM Parts;\n"
                 "CREATE TRIGGER all_parts_insert INSTEAD OF INSERT ON AllParts BEGIN\n"
                 "  INSERT INTO Parts(name) VALUES (new.name);\nEND;\n"
                 "INSERT INTO Parts(name) VALUES ('bolt');\n"};

const std::string index_again = "CREATE INDEX ix_parts_name ON Parts(name);\n";
const std::string trigger_again =
    "CREATE TRIGGER parts_are_logged AFTER INSERT ON Parts BEGIN INSERT INTO Log VALUES ('new ' || new.name); END;\n";
const std::string rebuild =
    "DROP VIEW AllParts;\nCREATE TABLE Parts_new(part_id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
    "INSERT INTO Parts_new SELECT part_id, name FROM Parts;\nDROP TABLE Parts;\n"
    "ALTER TABLE Parts_new RENAME TO Parts;\n";

/// The second file brings exactly these losses to light, and everything is rolled back.
void check_lost(const std::string& text, const std::vector<std::string>& lost) {
    CAPTURE(text);
    const Sandbox box;
    box.up({first}, support::without_backup());
    const auto before = box.dump();
    const auto error = box.up_fails({first, {"0002_second.sql", text}});
    const std::string what = error.what();
    CAPTURE(what);
    CHECK(error.problem() == MigrationProblem::failed);
    CHECK(error.code() == "lost-objects");
    CHECK(contains(what, "0002_second.sql"));
    CHECK(contains(what, "allow-lost"));
    for (const std::string name : {"ix_parts_name", "parts_are_logged", "all_parts_insert"}) {
        CAPTURE(name);
        CHECK(contains(what, name) == (std::ranges::find(lost, name) != lost.end()));
    }
    CHECK_FALSE(contains(what, "sqlite_autoindex"));
    CHECK(box.dump() == before);
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

void check_fine(const std::string& text) {
    CAPTURE(text);
    const Sandbox box;
    box.up({first}, support::without_backup());
    std::string why;
    try {
        box.up({first, {"0002_second.sql", text}}, support::without_backup());
    } catch (const sqlane::Error& error) {
        why = error.what();
    }
    CHECK(why.empty());
}

}  // namespace

TEST_CASE("migration: what a rebuild forgets is named and everything is rolled back") {
    check_lost(rebuild, {"ix_parts_name", "parts_are_logged"});
    check_lost(rebuild + index_again, {"parts_are_logged"});
    check_lost(rebuild + trigger_again, {"ix_parts_name"});
    check_lost("DROP INDEX ix_parts_name;\n" + rebuild, {"parts_are_logged"});
    check_lost("-- migrate: allow-lost=ix_parts_name\n" + rebuild, {"parts_are_logged"});
    check_lost("-- migrate: allow-lost=ix_parts\n" + rebuild, {"ix_parts_name", "parts_are_logged"});
}

TEST_CASE("migration: an object lost by way of a renamed table is named too") {
    check_lost(
        "DROP VIEW AllParts;\nALTER TABLE Parts RENAME TO Parts_old;\nCREATE TABLE Parts(part_id INTEGER PRIMARY KEY, "
        "name "
        "TEXT);\nINSERT INTO Parts SELECT part_id, name FROM Parts_old;\nDROP TABLE Parts_old;\n",
        {"ix_parts_name", "parts_are_logged"});
    check_lost("DROP VIEW AllParts;\nDROP TABLE Parts;\nCREATE TABLE PARTS(x);\n",
               {"ix_parts_name", "parts_are_logged"});
}

TEST_CASE("migration: an object that is dropped and made and then lost is named") {
    check_lost("DROP INDEX ix_parts_name;\n" + index_again + rebuild + trigger_again, {"ix_parts_name"});
}

TEST_CASE("migration: a view made again without its triggers loses them") {
    check_lost("DROP VIEW AllParts;\nCREATE VIEW AllParts AS SELECT part_id, name FROM Parts;\n", {"all_parts_insert"});
}

TEST_CASE("migration: what is made again or given up by name is not lost") {
    check_fine(rebuild + index_again + trigger_again);
    check_fine("DROP INDEX ix_parts_name;\nDROP TRIGGER parts_are_logged;\n" + rebuild);
    check_fine("DROP INDEX IX_parts_NAME;\nDROP TRIGGER IF EXISTS \"Parts_Are_Logged\";\n" + rebuild);
    check_fine("-- migrate: allow-lost=ix_parts_name,parts_are_logged\n" + rebuild);
    check_fine("-- migrate: allow-lost=IX_PARTS_NAME , parts_are_logged\n" + rebuild);
    check_fine("-- migrate: allow-lost=ix_parts_name\n-- migrate: allow-lost=parts_are_logged\n" + rebuild);
}

TEST_CASE("migration: what goes with a table or view that is gone for good is not lost") {
    check_fine("DROP VIEW AllParts;\nDROP TABLE Parts;\n");
    check_fine("DROP VIEW AllParts;\n");
}

TEST_CASE("migration: renaming loses nothing") {
    check_fine("ALTER TABLE Parts RENAME TO Items;\n");
    check_fine("ALTER TABLE Parts RENAME COLUMN name TO title;\n");
    check_fine("ALTER TABLE Log RENAME TO Journal;\nALTER TABLE Journal RENAME TO Log;\n");
}

TEST_CASE("migration: a view that a rebuild leaves without its table fails where SQLite says so") {
    const Sandbox box;
    box.up({first}, support::without_backup());
    const auto before = box.dump();
    const auto error = box.up_fails({first, {"0002_second.sql", rebuild.substr(rebuild.find('\n') + 1)}});
    CHECK(error.code() == "statement-failed");
    CHECK(contains(error.what(), "AllParts"));
    REQUIRE(error.place());
    CHECK(error.place()->statement == 4);
    CHECK(box.dump() == before);
}

TEST_CASE("migration: a way back that forgets an object is refused too") {
    const Sandbox box;
    const std::vector<File> files{first, {"0002_second.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\n" + rebuild}};
    box.up(files);
    const auto before = box.dump();
    CHECK(support::migration_error([&] { box.migrator(files).down(); }).code() == "lost-objects");
    CHECK(box.dump() == before);
}
