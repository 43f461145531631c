#include <doctest/doctest.h>

#include <sqlane/testing.hpp>

#include "support/migration_kit.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

// What a folder of migrations may look like. Every mistake in it is found before anything runs.

namespace {

using sqlane::MigrationError;
using sqlane::MigrationProblem;
using sqlane::MigrationSet;
using support::contains;
using support::File;
using support::migration_error;
using support::Sandbox;
using support::set_of;

MigrationError refusal(const std::vector<File>& files) {
    auto error = migration_error([&] { set_of(files); });
    CHECK(error.problem() == MigrationProblem::refused);
    return error;
}

/// Refused with that code and at that place of the file.
void check_refused_at(const std::string& text, const char* code, int line, int column) {
    CAPTURE(text);
    const auto error = refusal({{"0001_file.sql", text}});
    CAPTURE(error.what());
    CHECK(error.code() == code);
    REQUIRE(error.place());
    CHECK(error.place()->file == "0001_file.sql");
    CHECK(error.place()->line == line);
    CHECK(error.place()->column == column);
    CHECK(contains(error.what(), "0001_file.sql:" + std::to_string(line) + ":" + std::to_string(column) + ": "));
    CHECK(contains(error.what(), "^"));
}

sqlane::Migration one(const std::string& text) { return set_of({{"0001_file.sql", text}}).all().at(0); }

constexpr const char* table = "CREATE TABLE t(x);\n";

}  // namespace

TEST_CASE("migration set: name and version are those of the file name and versions sort as numbers") {
    const auto set = set_of({{"20260131120000_c.sql", table}, {"10_b_2.sql", table}, {"0009_a.sql", table}});
    REQUIRE(set.all().size() == 3);
    CHECK(set.all()[0].version == "0009");
    CHECK(set.all()[0].name == "a");
    CHECK(set.all()[1].version == "10");
    CHECK(set.all()[1].name == "b_2");
    CHECK(set.all()[2].number() == 20260131120000U);
    CHECK(set.newest() == "20260131120000");
    CHECK(set.find("9") == &set.all()[0]);
    CHECK(set.find("00010") == &set.all()[1]);
    CHECK(set.find("11") == nullptr);
    CHECK(MigrationSet{}.newest().empty());
}

TEST_CASE("migration set: a misnamed file is refused by name") {
    for (const char* name : {"users.sql",
                             "0001.sql",
                             "_users.sql",
                             "0001_.sql",
                             "0001-users.sql",
                             "0001_Users.sql",
                             "0001_add users.sql",
                             "0001_add-users.sql",
                             "V1_users.sql",
                             "v0001_users.sql",
                             "1.2_users.sql",
                             "1a_users.sql",
                             "-1_users.sql",
                             "+1_users.sql",
                             " 1_users.sql",
                             "0x1_users.sql",
                             "0_users.sql",
                             "0000_users.sql",
                             "1234567890123456789_users.sql",
                             "0001_users.up.sql",
                             "0001_größe.sql",
                             "U0001_users.sql",
                             "r__views.sql",
                             "0001_users.SQL",
                             "0001_users.sql.sql",
                             "0001_users.sql.bak",
                             "0001_users.sqlite",
                             "0001_users",
                             ".0001_users.sql",
                             "0001_users.sql ",
                             ""}) {
        CAPTURE(name);
        const auto error = refusal({{name, table}});
        CHECK(error.code() == "misnamed-file");
        CHECK(contains(error.what(), std::string{name} + ":"));
        CHECK(contains(error.what(), "<version>_<snake_name>.sql"));
    }
}

TEST_CASE("migration set: a version given twice is refused with both files") {
    for (const auto& [a, b] :
         {std::pair{"0002_a.sql", "0002_b.sql"}, {"0002_a.sql", "2_b.sql"}, {"2_a.sql", "00000002_a.sql"}}) {
        const auto error = refusal({{a, table}, {"0003_c.sql", table}, {b, table}});
        CHECK(error.code() == "duplicate-version");
        CHECK(contains(error.what(), a));
        CHECK(contains(error.what(), b));
        CHECK_FALSE(contains(error.what(), "0003"));
    }
}

TEST_CASE("migration set: what this version does not have is refused clearly") {
    const auto repeatable = refusal({{"R__views.sql", table}});
    CHECK(repeatable.code() == "repeatable-unsupported");
    CHECK(contains(repeatable.what(), "R__views.sql"));
    CHECK(contains(repeatable.what(), "not supported by this version"));
    check_refused_at("-- migrate: no-transaction\nVACUUM;\n", "no-transaction-unsupported", 1, 1);
    CHECK(contains(refusal({{"0001_a.sql", "-- migrate: no-transaction\nVACUUM;\n"}}).what(),
                   "not supported by this version"));
}

TEST_CASE("migration set: a folder gives what the files alone give") {
    const sqlane::testing::TemporaryFolder folder;
    support::write_file(folder.path() / "0002_b.sql", "CREATE TABLE b(x);\n");
    support::write_file(folder.path() / "0001_a.sql", table);
    support::write_file(folder.path() / "README.md", "no migration");
    support::write_file(folder.path() / "0001_a.sql~", "an editor's");
    const auto set = MigrationSet::from_folder(folder.path());
    REQUIRE(set.all().size() == 2);
    CHECK(set.all()[0].file == "0001_a.sql");
    CHECK(set.all()[0].checksum == one(table).checksum);
    CHECK(set.all()[1].up.sql == "CREATE TABLE b(x);\n");

    support::write_file(folder.path() / "add_users.sql", table);
    CHECK(migration_error([&] { MigrationSet::from_folder(folder.path()); }).code() == "misnamed-file");
}

TEST_CASE("migration set: a file whose name ends in another case of .sql is not passed over") {
    const sqlane::testing::TemporaryFolder folder;
    support::write_file(folder.path() / "0001_a.SQL", table);
    CHECK(migration_error([&] { MigrationSet::from_folder(folder.path()); }).code() == "misnamed-file");
}

TEST_CASE("migration set: a folder that is named like a file is refused") {
    const sqlane::testing::TemporaryFolder folder;
    std::filesystem::create_directory(folder.path() / "0001_a.sql");
    const auto error = migration_error([&] { MigrationSet::from_folder(folder.path()); });
    CHECK(error.code() == "misnamed-file");
    CHECK(contains(error.what(), "0001_a.sql"));
}

TEST_CASE("migration set: a folder that is not there is refused by name") {
    const auto error = migration_error([] { MigrationSet::from_folder("/nowhere/at/all"); });
    CHECK(error.problem() == MigrationProblem::refused);
    CHECK(error.code() == "no-folder");
    CHECK(contains(error.what(), "/nowhere/at/all"));
}

TEST_CASE("migration set: an empty folder gives an empty set") {
    const sqlane::testing::TemporaryFolder folder;
    CHECK(MigrationSet::from_folder(folder.path()).all().empty());
}

TEST_CASE("migration set: line ends and byte order marks do not make another migration") {
    const std::string text = "-- migrate:up\nCREATE TABLE t(x DEFAULT 'a');\n-- migrate:down\nDROP TABLE t;\n";
    std::string windows;
    for (const char c : text) windows += c == '\n' ? std::string{"\r\n"} : std::string{c};
    const auto plain = one(text);
    for (const auto& other : {windows, "\xEF\xBB\xBF" + text, "\xEF\xBB\xBF" + windows}) {
        const auto migration = one(other);
        CHECK(migration.checksum == plain.checksum);
        CHECK(migration.up.sql == plain.up.sql);
        CHECK(migration.down->sql == plain.down->sql);
        CHECK(migration.text == text);
    }
    CHECK(plain.checksum.starts_with("sha256:"));
    CHECK(one(text + " ").checksum != plain.checksum);
    CHECK(one("\n" + text).checksum != plain.checksum);
    // A carriage return by itself is no line end.
    CHECK(one("SELECT 'a\rb'").text == "SELECT 'a\rb'");
    CHECK(one("SELECT 'a\r\r\nb'").text == "SELECT 'a\r\nb'");
}

TEST_CASE("migration set: a database made from one checkout works with the other") {
    const Sandbox box;
    const std::string unix_text = "-- migrate:up\nCREATE TABLE t(x);\n-- migrate:down\nDROP TABLE t;\n";
    const std::string windows_text =
        "\xEF\xBB\xBF-- migrate:up\r\nCREATE TABLE t(x);\r\n-- migrate:down\r\nDROP TABLE t;\r\n";
    box.up({{"0001_a.sql", windows_text}});
    CHECK(box.up({{"0001_a.sql", unix_text}}).applied.empty());
    CHECK(box.up({{"0001_a.sql", windows_text}}).applied.empty());
    box.migrator({{"0001_a.sql", unix_text}}).validate();
    CHECK(box.migrator({{"0001_a.sql", unix_text}}).redo().applied.size() == 2);
    box.migrator({{"0001_a.sql", windows_text}}).validate();
    CHECK_FALSE(contains(box.value("SELECT sql FROM sqlite_schema WHERE name = 't'"), "\r"));
}

TEST_CASE("migration set: sections begin at their markers") {
    const auto whole = one("CREATE TABLE t(x);\n");
    CHECK(whole.up.sql == "CREATE TABLE t(x);\n");
    CHECK(whole.up.offset == 0);
    CHECK_FALSE(whole.down);

    const auto both = one("-- about\n--migrate:up\nSELECT 1;\n  -- migrate: down \nSELECT 2;\n");
    CHECK(both.up.sql == "\nSELECT 1;\n  ");
    REQUIRE(both.down);
    CHECK(both.down->sql == "\nSELECT 2;\n");
    CHECK(both.text.substr(both.down->offset) == both.down->sql);

    const auto comments =
        one("-- migrate:up\nCREATE TABLE t( -- the table\n x);\n-- migrated: no marker\n-- migrate nothing");
    CHECK_FALSE(comments.down);
}

TEST_CASE("migration set: misplaced and doubled markers are refused at their place") {
    check_refused_at("SELECT 1;\n-- migrate:up\nSELECT 2;\n", "misplaced-marker", 2, 1);
    check_refused_at("-- migrate:up\nSELECT 1;\n-- migrate:up\nSELECT 2;\n", "misplaced-marker", 3, 1);
    check_refused_at("-- migrate:up\n-- migrate:up\nSELECT 2;\n", "misplaced-marker", 2, 1);
    check_refused_at("SELECT 1;\n  -- migrate:down\nSELECT 2;\n", "misplaced-marker", 2, 3);
    check_refused_at("-- migrate:down\nSELECT 2;\n", "misplaced-marker", 1, 1);
    check_refused_at("-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT 1;\n", "misplaced-marker", 1, 1);
    check_refused_at("-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n/* */ -- migrate:down\n",
                     "misplaced-marker", 5, 7);
    check_refused_at("-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:up\nSELECT 3;\n",
                     "misplaced-marker", 5, 1);
}

TEST_CASE("migration set: options are read") {
    const auto none = one("SELECT 1");
    CHECK_FALSE(none.breaking);
    CHECK_FALSE(none.out_of_order);
    CHECK(none.check_foreign_keys);
    CHECK(none.foreign_key_tables.empty());
    const auto all =
        one("-- Why.\n-- migrate: breaking\n--migrate:out-of-order\n-- migrate: fk-check = A, b ,\"c d\"\n"
            "-- migrate: allow-lost=i1,i2\n-- migrate:up\n-- migrate: allow-lost=i3\n-- migrate: "
            "requires-sqlite=3.35\nSELECT 1;\n");
    CHECK(all.breaking);
    CHECK(all.out_of_order);
    CHECK(all.check_foreign_keys);
    CHECK(all.foreign_key_tables == std::vector<std::string>{"A", "b", "\"c d\""});
    CHECK(all.allowed_lost == std::vector<std::string>{"i1", "i2", "i3"});
    CHECK(all.requires_sqlite == "3.35");
    CHECK_FALSE(one("-- migrate: fk-check=none\nSELECT 1").check_foreign_keys);
    CHECK(one("-- migrate: fk-check=all\nSELECT 1").foreign_key_tables.empty());
}

TEST_CASE("migration set: an option that is unknown or wrong is refused at its place") {
    check_refused_at("\n  -- migrate: braking\nSELECT 1;\n", "unknown-option", 2, 3);
    CHECK(contains(refusal({{"0001_a.sql", "-- migrate: braking\nSELECT 1"}}).what(), "'braking'"));
    check_refused_at("-- migrate: Breaking\nSELECT 1;\n", "unknown-option", 1, 1);
    check_refused_at("-- migrate:\nSELECT 1;\n", "unknown-option", 1, 1);
    check_refused_at("-- migrate: =none\nSELECT 1;\n", "unknown-option", 1, 1);
    check_refused_at("-- migrate: breaking out-of-order\nSELECT 1;\n", "unknown-option", 1, 1);
    check_refused_at("-- migrate: fk-check\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: allow-lost=\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: allow-lost = \t\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: requires-sqlite\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: breaking=yes\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: out-of-order=1\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: requires-sqlite=new\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: requires-sqlite=3.\nSELECT 1;\n", "bad-option", 1, 1);
    check_refused_at("-- migrate: requires-sqlite=3.35.1.2\nSELECT 1;\n", "bad-option", 1, 1);
}

TEST_CASE("migration set: an option after the first statement is refused at its place") {
    check_refused_at("SELECT 1;\n-- migrate: breaking\n", "misplaced-option", 2, 1);
    check_refused_at("-- migrate:up\nSELECT -- migrate: breaking\n1;\n", "misplaced-option", 2, 8);
    check_refused_at("-- migrate:up\nSELECT 1;\n-- migrate:down\n-- migrate: breaking\nSELECT 2;\n", "misplaced-option",
                     4, 1);
}

TEST_CASE("migration set: a directive in another case is refused and not passed over") {
    check_refused_at("-- migrate:up\nCREATE TABLE t(x);\n-- Migrate:Down\nDROP TABLE t;\n", "misplaced-option", 3, 1);
    check_refused_at("-- MIGRATE: BREAKING\nSELECT 1;\n", "unknown-option", 1, 1);
}

TEST_CASE("migration set: in a string a block comment or a quoted name it is no directive") {
    const auto text =
        one("/* -- migrate:down\n-- migrate: nonsense */\nSELECT '\n-- migrate:down\n', \"\n-- migrate: nonsense\n\", "
            "[\n--migrate:up\n];\n"
            "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT '-- migrate:down'; END;\n");
    CHECK_FALSE(text.down);
    CHECK_FALSE(text.breaking);
    CHECK(text.up.sql == text.text);
}

TEST_CASE("migration set: a migration without a statement is refused") {
    check_refused_at("", "empty-migration", 1, 1);
    for (const std::string text : {"\n\n", "-- nothing yet\n", "-- migrate:up\n\n", ";;\n", "/* CREATE TABLE t(x); */",
                                   "-- migrate:up\n-- migrate:down\n", "\xEF\xBB\xBF"}) {
        CAPTURE(text);
        const auto error = refusal({{"0001_a.sql", text}});
        CHECK(error.code() == "empty-migration");
        CHECK(error.place());
        CHECK(contains(error.what(), "0001_a.sql:"));
    }
    const auto down = refusal({{"0001_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\n-- later\n"}});
    CHECK(down.code() == "empty-migration");
    CHECK(contains(down.what(), "down section"));
}

TEST_CASE("migration set: a NUL character is refused at its place") {
    check_refused_at(std::string{"SELECT 1;\nSELECT '\0';\n", 22}, "nul-character", 2, 9);
    check_refused_at(std::string{"\0", 1}, "nul-character", 1, 1);
}

TEST_CASE("migration set: SQLite older than a migration needs is refused before anything runs") {
    const Sandbox box;
    const auto error =
        box.up_fails({{"0001_a.sql", table}, {"0002_b.sql", "-- migrate: requires-sqlite=99.1\nSELECT 1;\n"}});
    CHECK(error.problem() == MigrationProblem::refused);
    CHECK(error.code() == "sqlite-too-old");
    CHECK(contains(error.what(), "0002_b.sql"));
    CHECK(contains(error.what(), "99.1"));
    CHECK(contains(error.what(), sqlite3_libversion()));
    CHECK(box.names().empty());
    for (const std::string version : {"3", "3.35", "3.35.5", SQLITE_VERSION})
        CHECK_NOTHROW(Sandbox{}.up({{"0001_a.sql", "-- migrate: requires-sqlite=" + version + "\nSELECT 1;\n"}}));
}

TEST_CASE("migration set: a file may be longer than any one statement may be") {
    std::string text = "CREATE TABLE t(x);\n";
    for (int i = 0; i < 11; ++i) text += "INSERT INTO t VALUES ('" + std::string(1'000'000, 'x') + "');\n";
    const Sandbox box;
    box.up({{"0001_a.sql", text}});
    CHECK(box.value("SELECT sum(length(x)) FROM t") == "11000000");
}

TEST_CASE("migration set: a comment that a carriage return does not end is refused at its place") {
    check_refused_at("SELECT 1; -- one\rSELECT 2;\n", "lone-carriage-return", 1, 17);
    check_refused_at("SELECT 1;\r\n-- two\r\r\nSELECT 2;\n", "lone-carriage-return", 2, 7);
}
