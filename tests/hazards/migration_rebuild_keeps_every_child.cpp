#include <doctest/doctest.h>

#include "support/migration_kit.hpp"

#include <string>
#include <vector>

/// The promise: a table may be rebuilt as SQLite's documentation says (https://www.sqlite.org/lang_altertable.html#otheralter)
/// without a row of its children being touched; and no row loses its parent unseen.
namespace {

using sqlane::MigrationProblem;
using support::contains;
using support::File;
using support::Sandbox;

const File first{"0001_families.sql",
                 "CREATE TABLE Parents(parent_id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
                 "CREATE TABLE Children(child_id INTEGER PRIMARY KEY,\n"
                 "    parent_id INTEGER NOT NULL REFERENCES Parents(parent_id) ON DELETE CASCADE);\n"
                 "CREATE TABLE Toys(toy_id INTEGER PRIMARY KEY,\n"
                 "    child_id INTEGER REFERENCES Children(child_id) ON DELETE SET NULL);\n"};

File rebuild(const std::string& which) {
    return {"0002_rebuild_parents.sql",
            "CREATE TABLE Parents_new(parent_id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE);\n"
            "INSERT INTO Parents_new(parent_id, name) SELECT parent_id, name FROM Parents WHERE " +
                which + ";\nDROP TABLE Parents;\nALTER TABLE Parents_new RENAME TO Parents;\n"};
}

/// 40 parents with 3 children of a toy each.
void fill(const Sandbox& box) {
    box.up({first});
    box.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40) "
        "INSERT INTO Parents SELECT i, 'P' || i FROM n;"
        "INSERT INTO Children SELECT parent_id * 10 + k, parent_id FROM Parents, "
        "(SELECT 1 AS k UNION SELECT 2 UNION SELECT 3);"
        "INSERT INTO Toys SELECT child_id, child_id FROM Children");
}

const std::string rows_of_children =
    "SELECT group_concat(child_id || ':' || parent_id, ' ') FROM (SELECT child_id, parent_id FROM Children ORDER BY 1)";
const std::string rows_of_toys =
    "SELECT group_concat(toy_id || ':' || child_id, ' ') FROM (SELECT toy_id, child_id FROM Toys ORDER BY 1)";

}  // namespace

TEST_CASE("migration: rebuilding a parent table loses no child row and no reference of a grandchild") {
    const Sandbox box;
    fill(box);
    const auto children = box.value(rows_of_children);
    const auto toys = box.value(rows_of_toys);
    const auto result = box.up({first, rebuild("1")});
    CHECK(result.warnings.empty());
    CHECK(box.value("SELECT count(*) FROM Children") == "120");
    CHECK(box.value(rows_of_children) == children);
    CHECK(box.value(rows_of_toys) == toys);
    CHECK(contains(box.value("SELECT sql FROM sqlite_schema WHERE name = 'Parents'"), "NOCASE"));
    CHECK(box.value("PRAGMA foreign_key_check").empty());
    CHECK(contains(box.value("SELECT sql FROM sqlite_schema WHERE name = 'Children'"), "REFERENCES Parents("));
}

TEST_CASE("migration: the same rebuild by hand with foreign keys on wipes the children") {
    // What the tests here are for: without the protection the rows are gone and nothing says so.
    const Sandbox box;
    fill(box);
    box.run("PRAGMA foreign_keys=ON; BEGIN; PRAGMA foreign_keys=OFF;" + rebuild("1").text + "COMMIT");
    CHECK(box.value("SELECT count(*) FROM Children") == "0");
}

TEST_CASE("migration: an old orphan gives one warning and does not block") {
    const Sandbox box;
    fill(box);
    box.run("DELETE FROM Parents WHERE parent_id IN (7, 8)");  // foreign keys are off here
    const auto children = box.value(rows_of_children);
    const auto result = box.up({first, rebuild("1")});
    REQUIRE(result.warnings.size() == 1);
    CHECK(contains(result.warnings[0], "6 rows violated foreign keys before this run"));
    CHECK(box.value(rows_of_children) == children);
}

TEST_CASE("migration: a new orphan blocks and is listed and everything is rolled back") {
    const Sandbox box;
    fill(box);
    box.run("DELETE FROM Parents WHERE parent_id = 7");
    const auto before = box.dump();
    const auto error = box.up_fails({first, rebuild("parent_id <> 39")});
    CHECK(error.problem() == MigrationProblem::failed);
    CHECK(error.code() == "foreign-key-violation");
    const std::string what = error.what();
    CAPTURE(what);
    CHECK(contains(what, "0002_rebuild_parents.sql: 3 rows would violate foreign keys"));
    CHECK(contains(what, "\n  Children.391 -> Parents\n  Children.392 -> Parents\n  Children.393 -> Parents"));
    CHECK_FALSE(contains(what, "Children.71"));  // the old one
    CHECK(box.dump() == before);
    CHECK(box.names() == std::vector<std::string>{"test.db"});
}

TEST_CASE("migration: of many new orphans twenty are listed and the rest counted") {
    const Sandbox box;
    fill(box);
    const auto before = box.dump();
    const std::string what = box.up_fails({first, rebuild("parent_id > 10")}).what();
    CAPTURE(what);
    CHECK(contains(what, "30 rows would violate"));
    std::size_t listed = 0;
    for (auto at = what.find(" -> Parents"); at != std::string::npos; at = what.find(" -> Parents", at + 1)) ++listed;
    CHECK(listed == 20);
    CHECK(contains(what, "and 10 more"));
    CHECK(box.dump() == before);
}

TEST_CASE("migration: rows written by the migration itself are checked too") {
    const Sandbox box;
    fill(box);
    const auto error = box.up_fails({first, {"0002_more.sql", "INSERT INTO Children VALUES (9000, 4711)"}});
    CHECK(error.code() == "foreign-key-violation");
    CHECK(contains(error.what(), "Children.9000 -> Parents"));
}

TEST_CASE("migration: fk-check chooses whose foreign keys are compared") {
    const Sandbox box;
    fill(box);
    const std::string orphan = "INSERT INTO Children VALUES (9000, 4711);\n";
    SUBCASE("none") {
        box.up({first, {"0002_more.sql", "-- migrate: fk-check=none\n" + orphan}});
        CHECK(box.value("SELECT count(*) FROM Children") == "121");
    }
    SUBCASE("another table") {
        box.up({first, {"0002_more.sql", "-- migrate: fk-check=Toys\n" + orphan}});
        CHECK(box.value("SELECT count(*) FROM Children") == "121");
    }
    SUBCASE("this table among others") {
        const auto error = box.up_fails({first, {"0002_more.sql", "-- migrate: fk-check=Toys, Children\n" + orphan}});
        CHECK(error.code() == "foreign-key-violation");
    }
    SUBCASE("a table that the migration makes") {
        const File file{"0002_more.sql",
                        "-- migrate: fk-check=Pets\nCREATE TABLE Pets(pet_id INTEGER PRIMARY KEY, "
                        "parent_id INTEGER REFERENCES Parents(parent_id));\nINSERT INTO Pets VALUES (1, 4711)"};
        const auto error = box.up_fails({first, file});
        CHECK(error.code() == "foreign-key-violation");
        CHECK(contains(error.what(), "Pets.1 -> Parents"));
    }
    SUBCASE("a table that the migration drops") {
        box.up({first, {"0002_no_toys.sql", "-- migrate: fk-check=Toys\nDROP TABLE Toys"}});
        CHECK(box.value("SELECT count(*) FROM sqlite_schema WHERE name = 'Toys'") == "0");
    }
    SUBCASE("a table that was never there") {
        const auto before = box.dump();
        const auto error = box.up_fails({first, {"0002_more.sql", "-- migrate: fk-check=Childs\n" + orphan}});
        CHECK(error.problem() == MigrationProblem::refused);
        CHECK(error.code() == "bad-option");
        CHECK(contains(error.what(), "Childs"));
        CHECK(box.dump() == before);
    }
}

TEST_CASE("migration: a rebuild that takes away the key its children refer to is listed") {
    const Sandbox box;
    fill(box);
    const auto before = box.dump();
    const auto error =
        box.up_fails({first,
                      {"0002_rebuild_parents.sql",
                       "CREATE TABLE Parents_new(parent_id INTEGER, name TEXT NOT NULL);\nINSERT INTO Parents_new "
                       "SELECT parent_id, name "
                       "FROM Parents;\nDROP TABLE Parents;\nALTER TABLE Parents_new RENAME TO Parents;\n"}});
    CHECK(error.code() == "foreign-key-violation");
    CHECK(contains(error.what(), "foreign key mismatch"));
    CHECK(contains(error.what(), "Children"));
    CHECK(box.dump() == before);
}

TEST_CASE("migration: an old reference to what is no key gives a warning and does not block") {
    const Sandbox box;
    box.run(
        "CREATE TABLE Parents(name TEXT); CREATE TABLE Children(parent TEXT REFERENCES Parents(name));"
        "INSERT INTO Children VALUES ('nobody')");
    const auto result = box.up({{"0001_more.sql", "CREATE TABLE Others(name TEXT)"}});
    CHECK(result.applied.size() == 1);
    CHECK(result.warnings.size() == 1);
}

TEST_CASE("migration: an old orphan does not block when a rebuild numbers its row anew or a table is renamed") {
    const File notes{"0001_notes.sql",
                     "CREATE TABLE Parts(part_id INTEGER PRIMARY KEY);\n"
                     "CREATE TABLE Notes(part_id INTEGER REFERENCES Parts(part_id), text TEXT);\n"};
    const std::vector<std::string> changes{
        "CREATE TABLE Notes_new(part_id INTEGER REFERENCES Parts(part_id), text TEXT NOT NULL);\n"
        "INSERT INTO Notes_new SELECT part_id, text FROM Notes;\nDROP TABLE Notes;\n"
        "ALTER TABLE Notes_new RENAME TO Notes;\n",
        "ALTER TABLE Notes RENAME TO Remarks;\n", "ALTER TABLE Parts RENAME TO Items;\n",
        "ALTER TABLE Notes RENAME COLUMN part_id TO item_id;\n"};
    for (const auto& change : changes) {
        CAPTURE(change);
        const Sandbox box;
        box.up({notes});
        box.run(
            "INSERT INTO Parts VALUES (1); INSERT INTO Notes VALUES (1, 'first'), (99, 'orphan'); "
            "DELETE FROM Notes WHERE text = 'first'");
        const auto result = box.up({notes, {"0002_change.sql", change}});
        REQUIRE(result.warnings.size() == 1);
        CHECK(contains(result.warnings[0], "1 row violated foreign keys before this run"));
    }
}

TEST_CASE("migration: an old orphan does not block when the table that it refers to is made at last") {
    const File links{"0001_links.sql", "CREATE TABLE Links(part_id INTEGER REFERENCES Parts(part_id));\n"};
    const Sandbox box;
    box.up({links});
    box.run("INSERT INTO Links VALUES (7)");
    const auto result = box.up({links,
                                {"0002_parts.sql",
                                 "CREATE TABLE Parts(part_id INTEGER PRIMARY KEY);\n"
                                 "UPDATE Links SET rowid = 50;\n"}});
    CHECK(result.applied.size() == 1);
    CHECK(result.warnings.size() == 1);
}

TEST_CASE("migration: a new orphan does not pass for an old one that stood in its row") {
    const File notes{"0001_notes.sql",
                     "CREATE TABLE Parts(part_id INTEGER PRIMARY KEY);\n"
                     "CREATE TABLE Notes(note_id INTEGER PRIMARY KEY, part_id INTEGER REFERENCES Parts(part_id), "
                     "other_id INTEGER REFERENCES Parts(part_id));\n"
                     "CREATE TABLE Tags(part_id INTEGER REFERENCES Parts(part_id));\n"};
    const std::vector<std::string> changes{
        "DELETE FROM Notes WHERE note_id = 5;\nINSERT INTO Notes VALUES (5, 77, 1);\n",  // in its place
        "UPDATE Notes SET part_id = 1, other_id = 88;\n",                                // by its other column
        "UPDATE Notes SET part_id = 1;\nINSERT INTO Tags VALUES (99);\n",                // in another table
        "ALTER TABLE Notes RENAME TO Remarks;\nINSERT INTO Remarks VALUES (6, 77, 1);\n",
        "ALTER TABLE Parts RENAME TO Items;\nINSERT INTO Tags VALUES (99);\n"};
    for (const auto& change : changes) {
        CAPTURE(change);
        const Sandbox box;
        box.up({notes});
        box.run("INSERT INTO Parts VALUES (1); INSERT INTO Notes VALUES (5, 99, 1)");
        const auto before = box.dump();
        const auto error = box.up_fails({notes, {"0002_change.sql", change}});
        CHECK(error.code() == "foreign-key-violation");
        CHECK(contains(error.what(), "0002_change.sql: 1 row would violate foreign keys"));
        CHECK(box.dump() == before);
    }
}

TEST_CASE("migration: going back over a rebuild is guarded in the same way") {
    const Sandbox box;
    fill(box);
    auto file = rebuild("1");
    file.text = "-- migrate:up\n" + file.text + "-- migrate:down\nDELETE FROM Parents WHERE parent_id = 5;\n";
    box.up({first, file});
    const auto before = box.dump();
    const auto error = support::migration_error([&] { box.migrator({first, file}).down(); });
    CHECK(error.code() == "foreign-key-violation");
    CHECK(contains(error.what(), "Children.51 -> Parents"));
    CHECK(box.dump() == before);
}
