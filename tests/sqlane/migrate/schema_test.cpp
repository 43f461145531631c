#include <doctest/doctest.h>

#include "support/migration_kit.hpp"

#include <string>
#include <vector>

// What the schema is, against what the migrations make of it.

namespace {

using sqlane::SchemaDifference;
using support::contains;
using support::File;
using support::Raw;
using support::Sandbox;

const std::vector<File> files{
    {"0001_parts.sql",
     "CREATE TABLE Parts(part_id INTEGER PRIMARY KEY, name TEXT DEFAULT 'A b' -- the name\n);\n"
     "CREATE TABLE Numbers(id INTEGER PRIMARY KEY AUTOINCREMENT, \"a b\" TEXT UNIQUE);\n"
     "CREATE INDEX ix_parts_name ON Parts(name);\n"
     "CREATE VIEW Names AS SELECT name FROM Parts;\n"
     "CREATE TRIGGER parts_insert AFTER INSERT ON Parts BEGIN UPDATE Numbers SET \"a b\" = new.name; END;\n"},
    {"0002_words.sql",
     "CREATE VIRTUAL TABLE Words USING fts5(word);\nINSERT INTO Words VALUES ('bolt');\n"
     "CREATE VIRTUAL TABLE Places USING rtree(id, x1, x2);\nINSERT INTO Places VALUES (1, 2, 3);\n"
     "ALTER TABLE Parts ADD COLUMN mass REAL;\nALTER TABLE Numbers RENAME TO Counters;\nANALYZE;\n"}};

std::vector<std::string> drift(const Sandbox& box) {
    std::vector<std::string> text;
    for (const auto& difference : box.migrator(files).drift()) {
        const char* kind = difference.kind == SchemaDifference::Kind::missing      ? "missing "
                           : difference.kind == SchemaDifference::Kind::unexpected ? "unexpected "
                                                                                   : "different ";
        text.push_back(kind + difference.object);
    }
    return text;
}

using List = std::vector<std::string>;

}  // namespace

TEST_CASE("drift: what the migrations made is no difference") {
    const Sandbox box;
    CHECK(box.up(files).applied.size() == 2);
    CHECK(drift(box).empty());
    box.run(
        "INSERT INTO Parts(name) VALUES ('x'); INSERT INTO Words VALUES ('y'); INSERT INTO Words(Words) VALUES "
        "('optimize'); INSERT INTO Places VALUES (5, 6, 7); ANALYZE");
    CHECK(drift(box).empty());
}

TEST_CASE("drift: only what was applied is expected") {
    const Sandbox box;
    box.up({files[0]});
    CHECK(drift(box).empty());
}

TEST_CASE("drift: finds what is missing") {
    const Sandbox box;
    box.up(files);
    box.run("DROP INDEX ix_parts_name; DROP VIEW Names; DROP TRIGGER parts_insert; DROP TABLE Words");
    CHECK(drift(box) == List{"missing index ix_parts_name", "missing table Words", "missing trigger parts_insert",
                             "missing view Names"});
    const auto all = box.migrator(files).drift();
    CHECK(all[0].expected == "CREATE INDEX ix_parts_name ON Parts(name)");
    CHECK(all[0].found.empty());
}

TEST_CASE("drift: finds what nobody expects") {
    const Sandbox box;
    box.up(files);
    box.run(
        "CREATE TABLE Theirs(x); CREATE INDEX ix_theirs ON Parts(mass); CREATE VIEW ViewOfTheirs AS SELECT 1; "
        "CREATE VIRTUAL TABLE TheirWords USING fts5(w)");
    CHECK(drift(box) == List{"unexpected index ix_theirs", "unexpected table Theirs", "unexpected table TheirWords",
                             "unexpected view ViewOfTheirs"});
    CHECK(contains(box.migrator(files).drift()[0].found, "Parts(mass)"));
}

TEST_CASE("drift: finds what is different") {
    const Sandbox box;
    box.up(files);
    box.run(
        "ALTER TABLE Parts ADD COLUMN color TEXT; DROP INDEX ix_parts_name; CREATE INDEX ix_parts_name ON Parts(name "
        "DESC);"
        "DROP VIEW Names; CREATE VIEW Names AS SELECT name, 'A B' FROM Parts");
    CHECK(drift(box) == List{"different index ix_parts_name", "different table Parts", "different view Names"});
    const auto all = box.migrator(files).drift();
    CHECK(contains(all[1].found, "color TEXT"));
    CHECK_FALSE(contains(all[1].expected, "color TEXT"));
}

TEST_CASE("drift: is silent about spacing and case and quotes and comments") {
    const Sandbox box;
    box.up(files);
    box.run(
        "DROP INDEX ix_parts_name; create index \"IX_Parts_name\"\n  on PARTS ( [name] /* by name */ );"
        "DROP VIEW Names; CREATE  VIEW names AS select `name` from \"Parts\" -- all\n;");
    CHECK(drift(box).empty());
    box.run("ALTER TABLE Parts RENAME TO P; ALTER TABLE P RENAME TO Parts");  // SQLite quotes the name
    CHECK(contains(box.value("SELECT sql FROM sqlite_schema WHERE name = 'Parts'"), "\"Parts\""));
    CHECK(drift(box).empty());
}

TEST_CASE("drift: up warns as long as the schema is not what the last run left") {
    const std::vector<support::File> both{
        {"0001_a.sql", "-- migrate:up\nCREATE TABLE t(x);\n-- migrate:down\nDROP TABLE t;\n"},
        {"0002_b.sql", "-- migrate:up\nCREATE TABLE u(x);\n-- migrate:down\nDROP TABLE u;\n"}};
    const Sandbox box;
    CHECK(box.up({both[0]}).warnings.empty());
    box.run("CREATE INDEX by_hand ON t(x)");
    const auto nothing_to_do = box.up({both[0]});
    REQUIRE(nothing_to_do.warnings.size() == 1);
    CHECK(contains(nothing_to_do.warnings[0], "the schema is not what the last migration left"));
    CHECK(box.up(both).warnings == nothing_to_do.warnings);
    CHECK(box.up(both).warnings.empty());  // told once: what that run left had the index
    box.run("DROP INDEX by_hand");
    CHECK(box.up(both).warnings.size() == 1);
    box.migrator(both).down();
    CHECK(box.up({both[0]}).warnings.empty());
    CHECK(box.migrator({both[0]}).drift().empty());
}

TEST_CASE("drift: up does not warn of what a way back left behind one that came out of order") {
    const support::File first{"0001_a.sql", "CREATE TABLE t(x);\n"};
    const support::File late{"0002_b.sql", "-- migrate: out-of-order\nCREATE TABLE u(x);\n"};
    const support::File newest{"0003_c.sql", "-- migrate:up\nCREATE TABLE v(x);\n-- migrate:down\nDROP TABLE v;\n"};
    const Sandbox box;
    box.up({first, newest});
    box.up({first, late, newest});
    box.migrator({first, late, newest}).down();
    CHECK(box.up({first, late}).warnings.empty());
}

TEST_CASE("dump: loaded into an empty database it gives the same dump") {
    const Sandbox box;
    box.up(files);
    const auto dump = box.migrator(files).dump();
    CHECK_FALSE(contains(dump, "_schema_migrations"));
    CHECK_FALSE(contains(dump, "sqlite_"));
    CHECK_FALSE(contains(dump, "Words_"));
    CHECK_FALSE(contains(dump, "Places_"));
    const Sandbox other;
    other.run(dump);
    CHECK(other.migrator({}).dump() == dump);
    // Tables first, then what stands on them.
    CHECK(dump.find("CREATE TABLE \"Counters\"") < dump.find("CREATE TABLE Parts"));
    CHECK(dump.find("CREATE VIRTUAL TABLE Words") < dump.find("CREATE INDEX"));
    CHECK(dump.find("CREATE INDEX") < dump.find("CREATE VIEW"));
    CHECK(dump.find("CREATE VIEW") < dump.find("CREATE TRIGGER"));
}

TEST_CASE("dump: a comment before the semicolon does not swallow it") {
    const Sandbox box;
    box.up({{"0001_file.sql",
             "CREATE TABLE t(x -- inside\n) -- after\n;\nCREATE INDEX i ON t(x) -- after\n;\n"
             "CREATE VIEW v AS SELECT 1 AS x -- after\n;\nCREATE VIEW w AS SELECT 2 AS x /* after */;\n"
             "CREATE VIEW y AS SELECT '--' AS x"}});
    const auto dump = box.migrator({}).dump();
    CHECK(contains(dump, "-- inside"));
    CHECK_FALSE(contains(dump, "after"));
    CHECK(contains(dump, "SELECT '--' AS x;\n"));
    const Sandbox other;
    other.run(dump);
    CHECK(other.migrator({}).dump() == dump);
}

TEST_CASE("dump: does not depend on the order in which things were made") {
    const Sandbox box;
    const Sandbox other;
    box.run("CREATE TABLE a(x); CREATE TABLE b(x); CREATE INDEX i ON a(x); CREATE INDEX j ON b(x)");
    other.run("CREATE TABLE b(x); CREATE INDEX j ON b(x); CREATE TABLE a(x); CREATE INDEX i ON a(x)");
    CHECK(box.migrator({}).dump() == other.migrator({}).dump());
}

TEST_CASE("drift: a migration that needs data or foreign keys can be replayed") {
    const Sandbox box;
    const std::vector<File> needy{
        {"0001_a.sql",
         "CREATE TABLE P(id INTEGER PRIMARY KEY); CREATE TABLE C(p REFERENCES P(id) ON DELETE CASCADE);"
         "INSERT INTO P VALUES (1); INSERT INTO C VALUES (1);"},
        {"0002_b.sql",
         "CREATE TABLE P2(id INTEGER PRIMARY KEY, more TEXT); INSERT INTO P2(id) SELECT id FROM P; DROP TABLE P;"
         "ALTER TABLE P2 RENAME TO P; CREATE UNIQUE INDEX one ON C(p);"}};
    box.up(needy);
    CHECK(box.migrator(needy).drift().empty());
    CHECK(box.value("SELECT count(*) FROM C") == "1");
}
