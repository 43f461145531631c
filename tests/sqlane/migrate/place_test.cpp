#include <doctest/doctest.h>

#include "support/migration_kit.hpp"

#include <string>
#include <vector>

// Where an error is: file, line, column in characters, a caret below it, and which statement of how many.

namespace {

using sqlane::MigrationError;
using support::contains;
using support::Sandbox;

struct Expected {
    int line;
    int column;
    int statement;
    int statements;
    /// The line and the caret.
    std::string excerpt;
};

MigrationError failure(const std::string& text) {
    const Sandbox box;
    return box.up_fails({{"0007_file.sql", text}});
}

void check_place(const std::string& text, const Expected& expected) {
    CAPTURE(text);
    const auto error = failure(text);
    const std::string what = error.what();
    CAPTURE(what);
    CHECK(error.problem() == sqlane::MigrationProblem::failed);
    CHECK(error.sqlite_code() != 0);
    REQUIRE(error.place());
    const auto& place = *error.place();
    CHECK(place.file == "0007_file.sql");
    CHECK(place.line == expected.line);
    CHECK(place.column == expected.column);
    CHECK(place.statement == expected.statement);
    CHECK(place.statements == expected.statements);
    CHECK(place.excerpt == expected.excerpt);
    CHECK(what.starts_with("0007_file.sql:" + std::to_string(expected.line) + ":" + std::to_string(expected.column) +
                           ": "));
    CHECK(contains(what, ", statement " + std::to_string(expected.statement) + " of " +
                             std::to_string(expected.statements) + "\n" + expected.excerpt));
}

std::string with_windows_line_ends(const std::string& text) {
    std::string windows;
    for (const char c : text) windows += c == '\n' ? std::string{"\r\n"} : std::string{c};
    return windows;
}

void check_place_everywhere(const std::string& text, const Expected& expected) {
    check_place(text, expected);
    check_place(with_windows_line_ends(text), expected);
    check_place("\xEF\xBB\xBF" + with_windows_line_ends(text), expected);
}

}  // namespace

TEST_CASE("place: the word that SQLite stumbles over") {
    check_place_everywhere("CREATE TABEL t(x);\n", {1, 8, 1, 1, "CREATE TABEL t(x);\n       ^"});
    check_place_everywhere("CREATE TABLE t(x);\n\nSELECT x,\n  nope FROM t;\nSELECT 1;\n",
                           {4, 3, 2, 3, "  nope FROM t;\n  ^"});
    check_place_everywhere(
        "SELECT 1; SELECT 2; SELECT * FORM t; SELECT 4",
        {1, 30, 3, 4, "SELECT 1; SELECT 2; SELECT * FORM t; SELECT 4\n" + std::string(29, ' ') + "^"});
    check_place_everywhere("SELECT 1;\nSELECT x\nFROM nowhere;\n", {3, 6, 2, 2, "FROM nowhere;\n     ^"});
    check_place_everywhere("CREATE TABLE t(x);\nINSERT INTO t(x, y) VALUES (1, 2);\n",
                           {2, 18, 2, 2, "INSERT INTO t(x, y) VALUES (1, 2);\n                 ^"});
    check_place_everywhere("SELECT nofunction(1);\n", {1, 8, 1, 1, "SELECT nofunction(1);\n       ^"});
}

TEST_CASE("place: a name in quotes is found as well") {
    check_place_everywhere("CREATE TABLE t(x);\nSELECT x, \"nope\" FROM t;\n",
                           {2, 11, 2, 2, "SELECT x, \"nope\" FROM t;\n          ^"});
    check_place_everywhere("SELECT 1 FROM \"nowhere\";\n",
                           {1, 15, 1, 1, "SELECT 1 FROM \"nowhere\";\n              ^"});
    check_place_everywhere("SELECT 1 FROM [now here];\n", {1, 15, 1, 1, "SELECT 1 FROM [now here];\n              ^"});
}

TEST_CASE("place: inside of a trigger body which counts as one statement") {
    check_place_everywhere(
        "CREATE TABLE t(x);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN\n  SELECT 1; SELECT 2;\n  DELET FROM "
        "t;\nEND;\nSELECT 3;\n",
        {4, 3, 2, 3, "  DELET FROM t;\n  ^"});
    check_place_everywhere(
        "CREATE TABLE t(x);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN\n  SELECT 1;\nEND;\nSELECT 3;\nSELECT nope FROM "
        "t",
        {6, 8, 4, 4, "SELECT nope FROM t\n       ^"});
}

TEST_CASE("place: the column counts characters and tabs stay tabs above the caret") {
    check_place_everywhere("CREATE TABLE größe(x);\nINSERT INTO größe VALUES ('€ 𝄞 ü'), (nope);\n",
                           {2, 38, 2, 2, "INSERT INTO größe VALUES ('€ 𝄞 ü'), (nope);\n" + std::string(37, ' ') + "^"});
    check_place_everywhere("CREATE TABLE t(x);\n\t\tSELECT\t'ü',\tnope FROM t;\n",
                           {2, 15, 2, 2, "\t\tSELECT\t'ü',\tnope FROM t;\n\t\t      \t    \t^"});
    check_place_everywhere("-- größer\n/* ü\n€ */ SELECT 'ä', nope;\n",
                           {3, 18, 1, 1, "€ */ SELECT 'ä', nope;\n" + std::string(17, ' ') + "^"});
}

TEST_CASE("place: what fails while it runs points at its statement") {
    check_place_everywhere(
        "CREATE TABLE t(x UNIQUE);\nINSERT INTO t VALUES (1);\n\n  INSERT INTO t\n  VALUES (1);\nSELECT 1;\n",
        {4, 3, 3, 4, "  INSERT INTO t\n  ^"});
    check_place_everywhere("CREATE TABLE t(x CHECK (x > 0)); -- ü\n-- ü\n/* ü */ INSERT INTO t VALUES (0);\n",
                           {3, 9, 2, 2, "/* ü */ INSERT INTO t VALUES (0);\n        ^"});
    check_place_everywhere(";;\n;; INSERT INTO nowhere VALUES (0);\n",
                           {2, 16, 1, 1, ";; INSERT INTO nowhere VALUES (0);\n" + std::string(15, ' ') + "^"});
}

TEST_CASE("place: what fails in a trigger that fires points at the statement that fired it") {
    check_place_everywhere(
        "CREATE TABLE t(x);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT RAISE(ABORT, 'not t today'); END;\n\n"
        " INSERT INTO t VALUES (1);\n",
        {4, 2, 3, 3, " INSERT INTO t VALUES (1);\n ^"});
    check_place_everywhere(
        "CREATE TABLE t(x);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO nowhere VALUES (1); END;\n\n"
        " INSERT INTO t VALUES (1);\n",
        {4, 2, 3, 3, " INSERT INTO t VALUES (1);\n ^"});
}

TEST_CASE("place: what is cut off points at where it begins") {
    check_place_everywhere("SELECT 1;\n SELECT 'abc;\n", {2, 9, 2, 2, " SELECT 'abc;\n        ^"});
    check_place_everywhere("SELECT 1;\n CREATE TABLE t(input TEXT\n", {2, 2, 2, 2, " CREATE TABLE t(input TEXT\n ^"});
    check_place_everywhere("CREATE TABLE t(x);\nCREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1;\nSELECT 2;\n",
                           {2, 1, 2, 2, "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1;\n^"});
}

TEST_CASE("place: the message has SQLite's words and code") {
    const std::string syntax = failure("CREATE TABEL t(x);").what();
    CHECK(contains(syntax, "near \"TABEL\": syntax error (SQLITE_ERROR 1), statement 1 of 1"));
    const auto constraint = failure("CREATE TABLE t(x UNIQUE); INSERT INTO t VALUES (1), (1);");
    CHECK(contains(constraint.what(), "UNIQUE constraint failed: t.x (SQLITE_CONSTRAINT 2067), statement 2 of 2"));
    CHECK(constraint.sqlite_code() == 2067);
    CHECK(constraint.code() == "statement-failed");
}
