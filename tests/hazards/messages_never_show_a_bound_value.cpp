#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>

// The promise: what() may go into a log or a window. It shows the SQL text, which is the program's, and never a bound
// value, which is the user's.

using sqlane::ConnectionManager;
using sqlane::Reader;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

constexpr const char* secret = "s3cret";

/// What the call throws, whatever its class; the test fails when it throws nothing.
std::string words_of(const std::function<void()>& call) {
    try {
        call();
    } catch (const std::exception& error) {
        return error.what();
    }
    FAIL_CHECK("threw nothing");
    return {};
}

void check_secret_kept(const std::string& what) {
    CAPTURE(what);
    CHECK_FALSE(what.empty());
    CHECK(what.find(secret) == std::string::npos);
}

void make_schema(ConnectionManager& db) {
    db.execute_mut([](Writer& w) {
        w.script(R"(
            CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL CHECK (length(name) <> 7),
                            number INTEGER CHECK (number > 0));
            CREATE TABLE pair (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
            CREATE TABLE strict (n INTEGER) STRICT;
            CREATE TABLE child (t REFERENCES t (id));
            CREATE TRIGGER guard BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'parts are kept'); END;
            CREATE VIRTUAL TABLE words USING fts5(text);
            CREATE VIRTUAL TABLE boxes USING rtree(id, low, high);
            INSERT INTO t VALUES (1, 's3cret', 1);
            INSERT INTO pair VALUES ('s3cret', 's3cret');
            INSERT INTO words VALUES ('some words');
        )");
    });
}

}  // namespace

TEST_CASE("messages: no constraint shows the value that broke it") {
    TemporaryDatabase test;
    make_schema(test.db());
    const std::array<const char*, 9> statements{"INSERT INTO t (name) VALUES (?)",
                                                "INSERT INTO t (name) VALUES (? || '!')",
                                                "INSERT INTO t (name, number) VALUES ('x' || ?, -1)",
                                                "INSERT INTO t (name, number) VALUES (nullif(?1, ?1), 1)",
                                                "INSERT INTO pair VALUES (?1, ?1)",
                                                "INSERT INTO strict VALUES (?)",
                                                "INSERT INTO child VALUES (?)",
                                                "DELETE FROM t WHERE name = ?",
                                                "INSERT INTO boxes VALUES (1, length(?), 1)"};
    for (const char* sql : statements)
        test->execute_mut([&](Writer& w) { check_secret_kept(words_of([&] { w.run(sql, secret); })); });
}

TEST_CASE("messages: no full-text expression is shown that does not parse") {
    TemporaryDatabase test;
    make_schema(test.db());
    const std::array<const char*, 14> expressions{
        "*s3cret",         "NEAR(a b, \"s3cret\")", "NEAR(a b, s3cret)", "s3cret:",  "s3cret : x", "\"s3cret",
        "a AND (s3cret",   "{s3cret x} : y",        "'s3cret'",          "s3cret.x", "- s3cret",   "^ s3cret )",
        "a \"\" ) s3cret", ") \"a\" \"s3cret"};
    for (const char* expression : expressions)
        test->execute([&](Reader& r) {
            check_secret_kept(words_of([&] {
                static_cast<void>(r.all<std::string>("SELECT text FROM words WHERE words MATCH ?", expression));
            }));
        });
    test->execute([&](Reader& r) {
        check_secret_kept(words_of([&] {
            static_cast<void>(
                r.all<std::string>("SELECT text FROM words WHERE words MATCH 'some' AND rank MATCH ?", secret));
        }));
        check_secret_kept(words_of([&] {
            static_cast<void>(r.all<std::string>(
                "SELECT text FROM words WHERE words MATCH 'some' AND rank MATCH ? ORDER BY rank", "s3cret()"));
        }));
    });
    test->execute_mut(
        [&](Writer& w) { check_secret_kept(words_of([&] { w.run("INSERT INTO words(words) VALUES (?)", secret); })); });
}

TEST_CASE("messages: no function shows its argument") {
    TemporaryDatabase test;
    make_schema(test.db());
    const std::array<const char*, 10> queries{"SELECT json_extract('{}', ?)",
                                              "SELECT json_extract(?, '$')",
                                              "SELECT json_set('{}', ?, 1)",
                                              "SELECT json_patch('{}', ?)",
                                              "SELECT key FROM json_each(?)",
                                              "SELECT key FROM json_each('{}', ?)",
                                              "SELECT name FROM pragma_table_info('t', ?)",
                                              "SELECT load_extension(?)",
                                              "SELECT hex(fts3_tokenizer(?))",
                                              "SELECT 'a' LIKE 'a' ESCAPE ?"};
    for (const char* sql : queries)
        test->execute([&](Reader& r) {
            CAPTURE(sql);
            check_secret_kept(words_of([&] { static_cast<void>(r.all<std::optional<std::string>>(sql, secret)); }));
        });
    test->execute_mut([&](Writer& w) {
        check_secret_kept(words_of([&] { w.run("ATTACH ? AS other", "/no such folder/s3cret"); }));
        check_secret_kept(words_of([&] { w.run("VACUUM INTO ?", "/no such folder/s3cret"); }));
    });
}

TEST_CASE("messages: no misuse of a query shows what was bound or read") {
    TemporaryDatabase test;
    make_schema(test.db());
    test->execute([](Reader& r) {
        const std::array<std::function<void()>, 8> misuses{
            [&] { static_cast<void>(r.one<int>("SELECT id FROM t WHERE name = ? || 'x'", secret)); },
            [&] { static_cast<void>(r.one<int>("SELECT id FROM t, t AS u WHERE t.name <= ? UNION SELECT 5", secret)); },
            [&] { static_cast<void>(r.one<int>("SELECT name FROM t WHERE name = ?", secret)); },
            [&] { static_cast<void>(r.one<int, int>("SELECT name FROM t WHERE name = ?", secret)); },
            [&] { static_cast<void>(r.one<bool>("SELECT length(?) AS n", secret)); },
            [&] { static_cast<void>(r.one<int>("SELECT 1 WHERE ?1", secret, secret)); },
            [&] { static_cast<void>(r.one<int>("SELECT nowhere FROM t WHERE name = ?", secret)); },
            [&] { static_cast<void>(r.one<std::string>("SELECT ? || ?", secret, std::nan(""))); }};
        for (const auto& misuse : misuses) check_secret_kept(words_of(misuse));
    });
}

TEST_CASE("messages: without a value in them they still say what SQLite said") {
    TemporaryDatabase test;
    make_schema(test.db());
    const auto said = [&](const char* sql, const char* value) {
        return words_of([&] { test->execute([&](Reader& r) { static_cast<void>(r.all<std::string>(sql, value)); }); });
    };
    const auto match = said("SELECT text FROM words WHERE words MATCH ?", "a AND (s3cret");
    CHECK(match.find("SELECT text FROM words WHERE words MATCH ?") != std::string::npos);
    CHECK(match.find("fts5: syntax error near") != std::string::npos);
    CHECK(said("SELECT json_extract('{}', ?)", secret).find("JSON path") != std::string::npos);
    CHECK(said("SELECT json_extract(?, '$')", secret).find("malformed JSON") != std::string::npos);
}
