#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <array>
#include <string>
#include <string_view>

using sqlane::Reader;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

// SQL that is wrong is one clear UsageError, whichever verb it is given to, and the closure can go on after it.

namespace {

using handle_tests::complaint;
using handle_tests::contains;

/// The same complaint from a reader, from the writer in autocommit and from a transaction, each going on after it.
template <class... Args>
std::string complaint_of(TemporaryDatabase& test, std::string_view sql, const Args&... args) {
    CAPTURE(std::string{sql});
    const auto ask = [&](Reader& view) {
        const auto what = complaint<UsageError>([&] { static_cast<void>(view.all<int>(sql, args...)); });
        CHECK(view.one<int>("SELECT 1") == 1);
        return what;
    };
    const auto what = test->execute(ask);
    CHECK(test->execute_mut(ask) == what);
    CHECK(test->transaction([&](Transaction& tx) {
        const auto said = ask(tx);
        CHECK(complaint<UsageError>([&] { tx.run(sql, args...); }) == said);
        return said;
    }) == what);
    return what;
}

}  // namespace

TEST_CASE("statements: a syntax error names the place and shows the SQL") {
    TemporaryDatabase test;
    const auto what = complaint_of(test, "SELECT 1 FORM Parts");
    CHECK(contains(what, "near \"Parts\": syntax error"));
    CHECK(contains(what, "SELECT 1 FORM Parts"));
    CHECK(contains(complaint_of(test, "SELECT 1 FROM Nowhere"), "no such table: Nowhere"));
    CHECK(contains(complaint_of(test, "SELECT missing"), "no such column: missing"));
    CHECK(contains(complaint_of(test, "SELECT no_function(1)"), "no such function: no_function"));
    CHECK(contains(complaint_of(test, "SELECT (1"), "incomplete input"));
}

TEST_CASE("statements: two where one is expected are refused and neither is run") {
    TemporaryDatabase test;
    CHECK(contains(complaint_of(test, "SELECT 1; SELECT 2"), "two statements where one is expected"));
    complaint_of(test, "SELECT 1;;SELECT 2");
    complaint_of(test, "SELECT 1; -- first\n SELECT 2 -- second");
    test->execute_mut([](Writer& w) {
        w.run("CREATE TABLE t (x)");
        complaint<UsageError>([&] { w.run("INSERT INTO t VALUES (1); INSERT INTO t VALUES (2)"); });
        complaint<UsageError>([&] { w.run("INSERT INTO t VALUES (1); DROP TABLE t"); });
        complaint<UsageError>([&] { w.run("INSERT INTO t VALUES (?); INSERT INTO t VALUES (?)", 1, 2); });
        CHECK(w.one<int>("SELECT count(*) FROM t") == 0);
    });
}

TEST_CASE("statements: what comes after one is no second one when it is blank or a comment") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        for (const char* sql : {"SELECT 1;", "SELECT 1 ; ; ", "SELECT 1; -- done", "SELECT 1 /* one */;\n/* more */",
                                "-- first\nSELECT 1", "  ;; /* a */ SELECT 1"})
            CHECK(r.one<int>(sql) == 1);
        CHECK(r.one<std::string>("SELECT ';'") == ";");
    });
}

TEST_CASE("statements: no statement at all is refused") {
    TemporaryDatabase test;
    for (const char* sql : {"", " \n\t", ";", " ; ;", "-- only a comment", "/* only a comment */", "/* never closed"})
        CHECK(contains(complaint_of(test, sql), "holds no statement"));
}

TEST_CASE("statements: too few or too many parameters are refused with both numbers") {
    TemporaryDatabase test;
    CHECK(contains(complaint_of(test, "SELECT ?"), "takes 1 parameters and was given 0"));
    CHECK(contains(complaint_of(test, "SELECT 1", 5), "takes 0 parameters and was given 1"));
    CHECK(contains(complaint_of(test, "SELECT ?, ?", 5), "takes 2 parameters and was given 1"));
    CHECK(contains(complaint_of(test, "SELECT ?1 + ?1", 5, 6), "takes 1 parameters and was given 2"));
    CHECK(contains(complaint_of(test, "SELECT ?3", 5), "takes 3 parameters and was given 1"));
    test->execute([](Reader& r) {
        complaint<UsageError>([&] { static_cast<void>(r.rows<int>("SELECT ?")); });
        // The statement went back: it can be had again.
        CHECK(r.one<int>("SELECT ?", 4) == 4);
    });
    test->execute_mut([](Writer& w) {
        w.run("CREATE TABLE t (x)");
        complaint<UsageError>([&] { w.run("INSERT INTO t VALUES (?)"); });
        complaint<UsageError>([&] { w.insert("INSERT INTO t VALUES (?)", 1, 2); });
        CHECK(w.one<int>("SELECT count(*) FROM t") == 0);
    });
}

TEST_CASE("statements: a NUL inside is refused before SQLite would stop reading at it") {
    TemporaryDatabase test;
    using namespace std::string_view_literals;
    for (const auto sql : {"SELECT 1\0"sv, "SELECT 1\0; DROP TABLE t"sv, "\0SELECT 1"sv, "SELECT 1 --\0"sv,
                           "SELECT 'a\0b'"sv, "SELECT 1;\0SELECT 2"sv})
        CHECK(contains(complaint_of(test, sql), "NUL character"));
    test->execute_mut([](Writer& w) {
        complaint<UsageError>([&] { w.script("CREATE TABLE t (x); \0 CREATE TABLE u (x)"sv); });
        CHECK(w.one<int>("SELECT count(*) FROM sqlite_schema") == 0);
    });
}

TEST_CASE("statements: one that is too long is a UsageError and its message is short") {
    TemporaryDatabase test;
    const std::string sql = "SELECT 1 --" + std::string(10'000'000, 'x');
    const auto what = complaint_of(test, sql);
    CHECK(contains(what, "too long"));
    CHECK(what.size() < 500);
}

TEST_CASE("statements: a message that cuts the SQL cuts between characters") {
    TemporaryDatabase test;
    // Of one, two, three and four bytes: at each offset some character lies across the cut.
    const std::array<std::string, 4> characters{"a", "é", "泵", "🔩"};
    for (std::size_t offset = 0; offset < 4; ++offset)
        for (const auto& character : characters) {
            std::string sql = "SELECT missing --" + std::string(offset, '-');
            for (int i = 0; i < 200; ++i) sql += character;
            const auto what = complaint_of(test, sql);
            const auto cut = what.find(" …");
            REQUIRE(cut != std::string::npos);
            const auto whole = what.substr(0, cut);
            CHECK(whole.ends_with(character));
        }
}

TEST_CASE("statements: one in use by a loop can be used again inside that loop") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        constexpr const char* sql =
            "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT n FROM c";
        int seen = 0;
        for (const int outer : r.rows<int>(sql, 3)) {
            for (const int inner : r.rows<int>(sql, 3)) seen += outer * 10 + inner;
            CHECK(r.all<int>(sql, 2).size() == 2);
        }
        CHECK(seen == 3 * (10 + 20 + 30) + 3 * (1 + 2 + 3));
    });
}
