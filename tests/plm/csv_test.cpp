#include <doctest/doctest.h>

#include "csv.hpp"

#include "support/steps.hpp"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

// What a spreadsheet writes is read as it was meant, what is broken is named with its line, and what is written is read
// again as it was.

using namespace plm;
using support::caught;
using support::contains;

namespace {

using Fields = std::vector<std::string>;

/// All records behind the header; a broken one is "line: why".
std::vector<Fields> records_of(const std::string& text) {
    std::istringstream in{text};
    CsvReader reader{in};
    std::vector<Fields> all;
    for (CsvRecord record;;) try {
            if (!reader.next(record)) return all;
            all.push_back(record.fields);
        } catch (const CsvError& error) {
            all.push_back({std::to_string(error.line()) + ": " + error.why()});
        }
}

/// The one record is broken: where, and why.
std::string complaint_about(const std::string& text) {
    const auto all = records_of(text);
    REQUIRE(all.size() == 1);
    REQUIRE(all[0].size() == 1);
    return all[0][0];
}

std::string header_error(const std::string& text) {
    std::istringstream in{text};
    return caught<CsvError>([&] { CsvReader{in}; }).what();
}

std::string written(const std::vector<Fields>& rows) {
    std::ostringstream out;
    CsvWriter writer{out};
    for (const auto& row : rows) writer.row({row.at(0), row.at(1), row.at(2)});
    writer.finish();
    return out.str();
}

}  // namespace

TEST_CASE("csv: quotes hold separators, line breaks and quotes written twice") {
    CHECK(records_of("a,b\n\"x,y\",\"1\r\n2\"\n\"say \"\"hi\"\"\",\"\"\n") ==
          std::vector<Fields>{{"x,y", "1\r\n2"}, {"say \"hi\"", ""}});
    CHECK(records_of("a\n\"\"\"\"\n") == std::vector<Fields>{{"\""}});
}

TEST_CASE("csv: a quote within a field that does not begin with one is text") {
    CHECK(records_of("a,b\n5\" pipe,x\n") == std::vector<Fields>{{"5\" pipe", "x"}});
}

TEST_CASE("csv: lines end with CRLF, LF or CR, the last one with nothing, and empty lines are none") {
    const std::vector<Fields> expected{{"1", "2"}, {"3", "4"}};
    for (const std::string end : {"\r\n", "\n", "\r"}) {
        // Each | is a line end.
        const auto with_ends = [&](std::string text) {
            for (std::size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += end.size())
                text.replace(at, 1, end);
            return text;
        };
        CAPTURE(end.size());
        CHECK(records_of(with_ends("a,b|1,2|3,4|")) == expected);
        CHECK(records_of(with_ends("||a,b||1,2|||3,4")) == expected);
    }
    CHECK(records_of("a,b\n1,2\r\n3,") == std::vector<Fields>{{"1", "2"}, {"3", ""}});
    CHECK(records_of("a,b\n").empty());
    CHECK(records_of("a,b").empty());
}

TEST_CASE("csv: the mark of UTF-8 belongs to no field") {
    std::istringstream in{
        "\xEF\xBB\xBF"
        "a,b\n\xEF\xBB\xBF"
        "1,2\n"};
    CsvReader reader{in};
    CHECK(reader.header() == Fields{"a", "b"});
    CsvRecord record;
    REQUIRE(reader.next(record));
    CHECK(record.fields == Fields{"\xEF\xBB\xBF"
                                  "1",
                                  "2"});
}

TEST_CASE("csv: the header tells the separator") {
    CHECK(records_of("a;b\n1,5;2\n") == std::vector<Fields>{{"1,5", "2"}});
    CHECK(records_of("a\tb\n1,5\t2;3\n") == std::vector<Fields>{{"1,5", "2;3"}});
    CHECK(records_of("\"a;;;\",b\n1;5,2\n") == std::vector<Fields>{{"1;5", "2"}});
    CHECK(records_of("only\n1\n") == std::vector<Fields>{{"1"}});
    CHECK(records_of("a,b\n1;;;2,3\n") == std::vector<Fields>{{"1;;;2", "3"}});
}

TEST_CASE("csv: blanks, tabs and what looks like a formula stay") {
    CHECK(records_of("a,b\n  x , \ty\n=1+1,@me\n") == std::vector<Fields>{{"  x ", " \ty"}, {"=1+1", "@me"}});
}

TEST_CASE("csv: a record knows the line it begins on") {
    std::istringstream in{"a,b\r\n\"1\r\n\n\r1\",2\r\n\r\n3,4\r\n\"5\r6\",7\r\n8,9"};
    CsvReader reader{in};
    std::vector<std::int64_t> lines;
    CsvRecord record;
    while (reader.next(record)) lines.push_back(record.line);
    CHECK(lines == std::vector<std::int64_t>{2, 7, 8, 10});
    std::istringstream mixed{"a\r1\n2"};
    CsvReader other{mixed};
    for (lines.clear(); other.next(record);) lines.push_back(record.line);
    CHECK(lines == std::vector<std::int64_t>{2, 3});
}

TEST_CASE("csv: a record with more or fewer fields than the header is refused, and the next one is read") {
    CHECK(records_of("a,b\n1\n1,2,3\n1,2\n") == std::vector<Fields>{{"2: it has 1 field, and the header has 2"},
                                                                    {"3: it has 3 fields, and the header has 2"},
                                                                    {"1", "2"}});
}

TEST_CASE("csv: text behind a closing quote is refused, and the next record is read") {
    const auto all = records_of("a,b\n1,\"2\"x,\"\n3,4\n");
    REQUIRE(all.size() == 1);
    const auto behind = records_of("a,b\n\"1\" ,2\n3,4\n");
    REQUIRE(behind.size() == 2);
    CHECK(contains(behind[0][0], "2: there is text behind the closing quote in field 1"));
    CHECK(behind[1] == Fields{"3", "4"});
}

TEST_CASE("csv: a quote that is never closed is named with the line it opens on") {
    CHECK(complaint_about("a,b\n1,\"2\n3,4\n5,6\n") ==
          "2: the quote that opens in field 2 on line 2 is never closed; nothing behind it was read");
    CHECK(contains(complaint_about("a,b\n\"1\n\n\",\"2\n3,4"), "2: the quote that opens in field 2 on line 4"));
    CHECK(contains(header_error("a,\"b\n1,2\n"), "line 1: the quote that opens in field 2"));
}

TEST_CASE("csv: a field over 1 MiB is refused, quoted or not, and the next record is read") {
    const std::string most(CsvReader::most_field_bytes, 'x');
    CHECK(records_of("a\n" + most + "\n") == std::vector<Fields>{{most}});
    for (const auto& [open, close] : {std::pair{"", ""}, std::pair{"\"", "\""}}) {
        const auto all = records_of(std::string{"a,b\n1,"} + open + most + "x" + close + "\n3,4\n");
        REQUIRE(all.size() == 2);
        CHECK(contains(all[0].at(0), "2: there is more than 1 MiB in field 2"));
        CHECK(all[1] == Fields{"3", "4"});
    }
}

TEST_CASE("csv: NUL is refused, and the next record is read") {
    using namespace std::string_literals;
    CHECK(records_of("a,b\n1,x\0y\n3,4\n"s) == std::vector<Fields>{{"2: there is a NUL in field 2"}, {"3", "4"}});
}

TEST_CASE("csv: what is no UTF-8 is refused, and the next record is read") {
    const std::vector<std::string> bad{"\x80",
                                       "\xC3",
                                       "\xC3(",
                                       "\xC0\xAF",
                                       "\xE0\x80\xAF",
                                       "\xED\xA0\x80",
                                       "\xE2\x82",
                                       "\xF0\x80\x80\x80",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xFF\xFE",
                                       "caf\xE9 au"};
    for (const auto& text : bad) {
        CAPTURE(text);
        const auto all = records_of("a,b\n1," + text + "\n3,4\n");
        REQUIRE(all.size() == 2);
        CHECK(contains(all[0].at(0), "2: there are bytes that are no UTF-8 in field 2"));
        CHECK(all[1] == Fields{"3", "4"});
    }
    for (const std::string good :
         {"\xC2\x80", "é", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "€", "😀", "\xF4\x8F\xBF\xBF"}) {
        CAPTURE(good);
        CHECK(records_of("a\n" + good + "\n") == std::vector<Fields>{{good}});
    }
    CHECK(contains(header_error("caf\xE9,b\n"), "line 1: there are bytes that are no UTF-8"));
}

TEST_CASE("csv: an empty file has no header, and says so") {
    CHECK(contains(header_error(""), "the file is empty"));
    CHECK(contains(header_error("\xEF\xBB\xBF\r\n\r\n"), "the file is empty"));
}

TEST_CASE("csv: a header of more than a thousand columns is refused") {
    CHECK(contains(header_error(std::string(CsvReader::most_columns, ',')), "more than 1000 columns"));
}

TEST_CASE("csv: a stream that cannot be read is an error and no short file") {
    std::istringstream in{"a\n1\n"};
    in.setstate(std::ios::failbit);
    CHECK_THROWS_AS(CsvReader{in}, sqlane::StorageError);
}

TEST_CASE("csv: records that cross the blocks of the reader are read as the others") {
    // Every place of a quote, a line end and a character of several bytes against the end of a block.
    for (std::size_t shift = 0; shift < 40; ++shift) {
        const std::string filler((std::size_t{64} << 10) - 20 + shift - 20, 'x');
        const auto all = records_of("a,b\n" + filler + ",\"1\"\"€\r\n2\"\r\n😀,\"\"\r\nend,1\r\n");
        REQUIRE(all.size() == 3);
        CHECK(all[0] == Fields{filler, "1\"€\r\n2"});
        CHECK(all[1] == Fields{"😀", ""});
        CHECK(all[2] == Fields{"end", "1"});
    }
}

TEST_CASE("csv: quotes are written where they are needed, and lines end with CRLF") {
    CHECK(written({{"a", "b c", "d;e"}, {"x,y", "say \"hi\"", "1\n2"}, {" a ", "=1+1", ""}}) ==
          "a,b c,d;e\r\n\"x,y\",\"say \"\"hi\"\"\",\"1\n2\"\r\n a ,=1+1,\r\n");
    std::ostringstream out;
    CsvWriter{out}.row({""});
    CHECK(out.str() == "\"\"\r\n");
}

TEST_CASE("csv: what is written is read again as it was") {
    const std::vector<Fields> rows{{"a", "b", "c"},
                                   {"", "", ""},
                                   {" lead", "trail ", "\ttab\t"},
                                   {"=SUM(A1)", "+1", "-1"},
                                   {"@x", "\"", "\"\""},
                                   {"\r", "\n", "\r\n"},
                                   {",", ";", "\t"},
                                   {"€😀", "\xEF\xBB\xBFmark", "a\"b,c\r\nd"}};
    auto behind_header = rows;
    behind_header.erase(behind_header.begin());
    CHECK(records_of(written(rows)) == behind_header);
}

TEST_CASE("csv: a stream that takes no more is an error") {
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    CHECK_THROWS_AS(CsvWriter{out}.row({"a"}), sqlane::StorageError);
    CHECK_THROWS_AS(CsvWriter{out}.finish(), sqlane::StorageError);
}
