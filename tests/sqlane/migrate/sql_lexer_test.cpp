#include <doctest/doctest.h>

#include "migrate/sql_lexer.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using sqlane::detail::count_statements;
using sqlane::detail::normalised_sql;
using sqlane::detail::sql_tokens;
using sqlane::detail::SqlToken;
using Kind = SqlToken::Kind;
using Expected = std::vector<std::pair<Kind, std::string>>;

Expected cut(std::string_view sql) {
    Expected found;
    for (const auto& token : sql_tokens(sql)) {
        CHECK(sql.substr(token.offset, token.text.size()) == token.text);
        found.emplace_back(token.kind, token.text);
    }
    return found;
}

}  // namespace

TEST_CASE("sql lexer: cuts words numbers strings and symbols") {
    CHECK(cut("SELECT a1,2.5\tFROM\r\nT") == Expected{{Kind::word, "SELECT"},
                                                      {Kind::word, "a1"},
                                                      {Kind::symbol, ","},
                                                      {Kind::number, "2"},
                                                      {Kind::symbol, "."},
                                                      {Kind::number, "5"},
                                                      {Kind::word, "FROM"},
                                                      {Kind::word, "T"}});
    CHECK(cut("größe x'00FF'") == Expected{{Kind::word, "größe"}, {Kind::word, "x"}, {Kind::string, "'00FF'"}});
    CHECK(cut("").empty());
    CHECK(cut(" \f\n").empty());
}

TEST_CASE("sql lexer: a doubled quote does not end what it quotes") {
    CHECK(cut("'it''s'") == Expected{{Kind::string, "'it''s'"}});
    CHECK(cut("''") == Expected{{Kind::string, "''"}});
    CHECK(cut("''''") == Expected{{Kind::string, "''''"}});
    CHECK(cut("'a' 'b'") == Expected{{Kind::string, "'a'"}, {Kind::string, "'b'"}});
    CHECK(cut(R"("a""b"`c``d`[e]]f)") == Expected{{Kind::quoted_name, R"("a""b")"},
                                                  {Kind::quoted_name, "`c``d`"},
                                                  {Kind::quoted_name, "[e]"},
                                                  {Kind::symbol, "]"},
                                                  {Kind::word, "f"}});
    CHECK(cut("'--' \"/*\" [;]") ==
          Expected{{Kind::string, "'--'"}, {Kind::quoted_name, "\"/*\""}, {Kind::quoted_name, "[;]"}});
}

TEST_CASE("sql lexer: comments end where SQLite ends them") {
    CHECK(cut("a--b\nc") == Expected{{Kind::word, "a"}, {Kind::comment, "--b"}, {Kind::word, "c"}});
    CHECK(cut("--") == Expected{{Kind::comment, "--"}});
    // They do not nest: https://www.sqlite.org/lang_comment.html
    CHECK(cut("/* a /* b */ c */") ==
          Expected{{Kind::comment, "/* a /* b */"}, {Kind::word, "c"}, {Kind::symbol, "*"}, {Kind::symbol, "/"}});
    CHECK(cut("/*/ x */ y") == Expected{{Kind::comment, "/*/ x */"}, {Kind::word, "y"}});
    CHECK(cut("/**/y") == Expected{{Kind::comment, "/**/"}, {Kind::word, "y"}});
    CHECK(cut("/* -- */ y") == Expected{{Kind::comment, "/* -- */"}, {Kind::word, "y"}});
    CHECK(cut("-- /*\ny") == Expected{{Kind::comment, "-- /*"}, {Kind::word, "y"}});
    CHECK(cut("-- it's\ny") == Expected{{Kind::comment, "-- it's"}, {Kind::word, "y"}});
    CHECK(cut("a - - b / * c").size() == 7);
}

TEST_CASE("sql lexer: what never ends runs to the end of the text") {
    CHECK(cut("'a;b") == Expected{{Kind::string, "'a;b"}});
    CHECK(cut("\"a;b") == Expected{{Kind::quoted_name, "\"a;b"}});
    CHECK(cut("[a;b") == Expected{{Kind::quoted_name, "[a;b"}});
    CHECK(cut("/* a;b") == Expected{{Kind::comment, "/* a;b"}});
    CHECK(cut("/*") == Expected{{Kind::comment, "/*"}});
    CHECK(cut("'") == Expected{{Kind::string, "'"}});
    CHECK(cut("'a''") == Expected{{Kind::string, "'a''"}});
    CHECK_NOTHROW(normalised_sql("[ab"));
    CHECK_NOTHROW(normalised_sql("\""));
}

TEST_CASE("sql lexer: counts statements") {
    CHECK(count_statements("") == 0);
    CHECK(count_statements("-- only a comment") == 0);
    CHECK(count_statements("/* only */ ; ;; -- ; \n") == 0);
    CHECK(count_statements("SELECT 1") == 1);
    CHECK(count_statements("SELECT 1;") == 1);
    CHECK(count_statements("SELECT 1; -- the end") == 1);
    CHECK(count_statements("SELECT 1;;; SELECT 2") == 2);
    CHECK(count_statements("SELECT ';'; SELECT \";\"; SELECT [;] /* ; */; SELECT -- ;\n 4") == 4);
}

TEST_CASE("sql lexer: a trigger counts as one statement") {
    CHECK(count_statements("CREATE TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM a; DELETE FROM b; END;") == 1);
    CHECK(count_statements("CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN DELETE FROM a; END; SELECT 2") == 2);
    CHECK(count_statements("create /* ; */ trigger if not exists r after insert on t when 1 begin\n"
                           "  select case when 1 then 2 end; -- end;\n  select ';end;'; end; select 2;") == 2);
    CHECK(count_statements("CREATE TABLE begin_end(x); INSERT INTO begin_end VALUES ('BEGIN'); SELECT 3") == 3);
    CHECK(count_statements("CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1;") == 1);  // cut off
}

TEST_CASE("sql lexer: spacing case comments and quotes do not make another schema") {
    const auto plain = normalised_sql("CREATE TABLE Parts(part_id INTEGER, name TEXT DEFAULT 'A b')");
    CHECK(plain ==
          normalised_sql("create  table\n\"Parts\" ( part_id integer , -- the key\n [name] Text default 'A b' )"));
    CHECK(plain == normalised_sql("CREATE TABLE `PARTS`(PART_ID INTEGER,/**/name TEXT DEFAULT'A b')"));
}

TEST_CASE("sql lexer: what means something else is another schema") {
    const auto differ = [](std::string_view a, std::string_view b) {
        CAPTURE(a);
        CAPTURE(b);
        CHECK(normalised_sql(a) != normalised_sql(b));
    };
    differ("CREATE TABLE t(a DEFAULT 'A b')", "CREATE TABLE t(a DEFAULT 'a b')");
    differ("CREATE TABLE t(a DEFAULT 'A b')", "CREATE TABLE t(a DEFAULT 'A  b')");
    differ("CREATE TABLE t(a, b)", "CREATE TABLE t(b, a)");
    differ("CREATE TABLE t(ab)", "CREATE TABLE t(a b)");
    differ("CREATE TABLE t(\"a b\")", "CREATE TABLE t(a b)");
    differ("CREATE TABLE t(\"a,b\")", "CREATE TABLE t(a,b)");
    differ("CREATE TABLE t(\"a b\")", "CREATE TABLE t(\"a  b\")");
    differ("CREATE TABLE t(a 'b')", "CREATE TABLE t(a b)");
    differ("CREATE TABLE t(a CHECK (a < 1))", "CREATE TABLE t(a CHECK (a <= 1))");
    differ("CREATE TABLE t(a DEFAULT 1.5)", "CREATE TABLE t(a DEFAULT 15)");
}
