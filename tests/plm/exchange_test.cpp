#include <doctest/doctest.h>

#include "plm/kit.hpp"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <exception>
#include <fstream>
#include <functional>
#include <istream>
#include <sstream>
#include <stop_token>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#if __has_include(<sys/resource.h>)
#include <sys/resource.h>
#include <unistd.h>
#endif

// A file is taken as it was meant or not at all: bad rows are named, what was stopped goes on where it was, and what is
// exported comes back the same.

using namespace plm;
using plm_test::Company;
using support::caught;
using support::contains;

namespace {

ImportResult parts_from(Company& company, const std::string& csv, const ImportOptions& options = {}) {
    std::istringstream in{csv};
    return import_parts(company.db(), in, options);
}

ImportResult bom_from(Company& company, const std::string& csv, const ImportOptions& options = {}) {
    std::istringstream in{csv};
    return import_bom(company.db(), in, options);
}

std::string parts_of(Company& company, bool with_retired = true) {
    std::ostringstream out;
    export_parts(company.db(), out, with_retired);
    return out.str();
}

std::string bom_of(Company& company, const std::string& part = {}) {
    std::ostringstream out;
    export_bom(company.db(), out, part);
    return out.str();
}

/// Everything that an import could change, the search and the history too.
std::string fingerprint(Company& company) {
    return company.db().execute([](sqlane::Reader& r) {
        std::string all;
        for (const char* table : {"Parts", "Revisions", "Relationships", "History", "PartSearch"})
            all += std::string{table} + " " +
                   std::to_string(r.one<std::int64_t>("SELECT count(*) FROM " + std::string{table})) + "; ";
        return all + "next " + std::to_string(r.one<int>("SELECT next_value FROM PartSequence"));
    });
}

std::string row_of(std::int64_t number, const std::string& category, const std::string& name) {
    return "ME-" + std::to_string(number) + "," + category + "," + name;
}

/// A good row each, numbered from 20000.
std::string rows_of(int count) {
    std::string csv = "number,category,name\n";
    for (int i = 0; i < count; ++i) csv += row_of(20000 + i, "ME", "Screw\n");
    return csv;
}

/// 1,000 rows, three of them bad in ways of their own: on lines 12, 502 and 1001.
std::string three_bad_of_a_thousand() {
    std::string csv = "number,category,name\n";
    for (int i = 0; i < 1000; ++i) {
        csv += row_of(i == 500 ? 20499 : 20000 + i, i == 10 ? "XX" : "ME", i == 999 ? "\n" : "Screw\n");
    }
    return csv;
}

void check_the_three(const ImportResult& result) {
    CHECK(result.bad_rows == 3);
    REQUIRE(result.errors.size() == 3);
    CHECK(result.errors[0].line == 12);
    CHECK(contains(result.errors[0].why, "there is no category 'XX'"));
    CHECK(result.errors[1].line == 502);
    CHECK(contains(result.errors[1].why, "the part ME-20499 is there already"));
    CHECK(result.errors[2].line == 1001);
    CHECK(contains(result.errors[2].why, "name: must not be empty"));
}

/// What is wrong with the one row.
std::string complaint_about(const ImportResult& result) {
    REQUIRE(result.errors.size() == 1);
    CHECK(result.imported == 0);
    return result.errors[0].why;
}

void check_search_knows_every_part(Company& company) {
    CHECK(company.value<std::int64_t>("SELECT count(*) FROM PartSearch") ==
          company.value<std::int64_t>("SELECT count(*) FROM Parts"));
    CHECK(company.value<std::int64_t>("SELECT count(*) FROM Parts WHERE part_id NOT IN "
                                      "(SELECT rowid FROM PartSearch WHERE PartSearch MATCH 'screw')") == 0);
}

/// All of the 3,000 parts, each once.
void check_complete(Company& company) {
    CHECK(company.value<std::int64_t>("SELECT count(*) FROM Parts") == 3000);
    CHECK(company.value<std::int64_t>("SELECT count(*) FROM Parts WHERE number BETWEEN 'ME-20000' AND 'ME-22999'") ==
          3000);
    CHECK(company.value<std::int64_t>("SELECT count(*) FROM History WHERE action = 'adopted'") == 3000);
    check_search_knows_every_part(company);
}

/// A file that is made while it is read, so that only the import can hold much of it.
class GeneratedRows : public std::streambuf {
public:
    GeneratedRows(std::int64_t count, std::function<std::string(std::int64_t)> row)
        : count_(count), row_(std::move(row)), text_("number,category,name,description\n") {
        setg(text_.data(), text_.data(), text_.data() + text_.size());
    }

protected:
    int_type underflow() override {
        if (made_ == count_) return traits_type::eof();
        text_ = row_(made_++);
        setg(text_.data(), text_.data(), text_.data() + text_.size());
        return traits_type::to_int_type(text_[0]);
    }

private:
    std::int64_t count_;
    std::function<std::string(std::int64_t)> row_;
    std::string text_;
    std::int64_t made_ = 0;
};

#if defined(__linux__)

/// MiB of this process.
std::int64_t resident() {
    std::ifstream status{"/proc/self/statm"};
    std::int64_t all = 0;
    std::int64_t pages = 0;
    status >> all >> pages;
    return pages * sysconf(_SC_PAGESIZE) >> 20;
}

/// MiB that the process grew at most while the rows were read and imported.
std::int64_t growth_while_importing(std::int64_t count, const std::function<std::string(std::int64_t)>& row,
                                    ImportOptions options) {
    Company company;
    const auto before = resident();
    auto most = before;
    options.on_progress = [&](std::int64_t) { most = std::max(most, resident()); };
    GeneratedRows rows{count, row};
    std::istream csv{&rows};
    CHECK(import_parts(company.db(), csv, options).rows == count);
    return most - before;
}

/// The sanitizers keep what was freed.
void check_bounded(std::int64_t grown) {
    CAPTURE(grown);
    if (!support::sanitized) CHECK(grown < 48);
}

#endif

#if __has_include(<sys/resource.h>)

/// A limit on the size of files stands for the full disk.
class FullDisk {
public:
    explicit FullDisk(std::uintmax_t bytes) {
        getrlimit(RLIMIT_FSIZE, &limit_);
        auto small = limit_;
        small.rlim_cur = static_cast<rlim_t>(bytes);
        setrlimit(RLIMIT_FSIZE, &small);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        setrlimit(RLIMIT_FSIZE, &limit_);
        std::signal(SIGXFSZ, handler_);
    }

private:
    void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit_{};
};

#endif

/// Parts and BOMs with every text that a careless reader or writer breaks.
void fill_with_odd_things(Company& company) {
    const std::vector<std::string> odd{"plain",
                                       "comma, semicolon; and\ttab",
                                       "say \"hi\"",
                                       "\"",
                                       "two\nlines",
                                       " blanks around ",
                                       "=1+1",
                                       "+1",
                                       "-1",
                                       "@me",
                                       "größe €😀",
                                       "'quoted'",
                                       "ends with\n",
                                       "\"\"",
                                       ",",
                                       "a,\"b\"\nc",
                                       "\xEF\xBB\xBFmark"};
    std::vector<Part> parts;
    parts.reserve(odd.size() + 5);
    for (const auto& text : odd)
        parts.push_back(
            company.plm.parts().create({.category = "EL", .subcategory = "RES", .name = text, .description = text}));
    for (const std::string text : {"a\r\nb", "\r", "", " ", "\n"})
        parts.push_back(company.plm.parts().create({.category = "ME", .name = "Screw", .description = text}));
    company.plm.parts().retire(parts[1].id);
    company.plm.parts().adopt({.number = "=OLD\"7\"",
                               .category = "DO",
                               .name = "Old",
                               .created = Time{std::chrono::seconds{-1}},
                               .modified = Time{std::chrono::seconds{253402300799}}});
    auto revisions = company.plm.revisions();
    const auto first_child = revisions.create(parts[3].id, company.ada);
    revisions.create(parts[3].id, company.ada);
    std::vector<BomLine> lines;
    lines.reserve(odd.size() + 2);
    for (const auto& text : odd)
        lines.push_back({.child = parts[2].id,
                         .quantity = Quantity::parse("0.000001"),
                         .unit = text,
                         .designators = text,
                         .note = text});
    lines.push_back({.child = parts[3].id, .pinned = first_child.id, .find_number = 20});
    lines.push_back(
        {.child = parts[4].id, .quantity = Quantity::parse("123456.5"), .find_number = 3, .note = "x\r\ny"});
    company.draft("Gearbox", lines);
    company.released("Screw driver", {{.child = company.released("Bit").part.id}});
    company.plm.relationships().add(revisions.latest(parts[3].id)->id, {.child = parts[2].id});
}

}  // namespace

// ---- there and back ----

TEST_CASE("exchange: export, import into an empty database, export gives the same bytes") {
    Company first;
    fill_with_odd_things(first);
    const auto parts = parts_of(first);
    const auto bom = bom_of(first);
    Company second;
    const auto taken = parts_from(second, parts, {.batch = 7, .by = second.ada});
    CHECK(taken.errors.empty());
    CHECK(taken.imported == first.plm.parts().count({.with_retired = true}));
    const auto lines = bom_from(second, bom, {.make_revisions = true, .batch = 7, .by = second.ada});
    for (const auto& error : lines.errors) MESSAGE(error.line << ": " << error.why);
    CHECK(lines.bad_rows == 0);
    CHECK(lines.imported == 21);
    CHECK(parts_of(second) == parts);
    CHECK(bom_of(second) == bom);
}

TEST_CASE("exchange: a pinned older revision does not become the newest one by being met last") {
    Company first;
    const auto screw = first.part("Screw");
    const auto old = first.plm.revisions().create(screw.id, first.ada);
    const auto nut = first.part("Nut");
    const auto newest = first.plm.revisions().create(screw.id, first.ada);
    first.plm.relationships().add(newest.id, {.child = nut.id});
    first.draft("Gearbox", {{.child = screw.id, .pinned = old.id}});
    for (const bool turned : {false, true}) {
        std::istringstream lines{bom_of(first)};
        std::array<std::string, 3> line;
        for (auto& text : line) std::getline(lines, text);
        if (turned) std::swap(line[1], line[2]);
        Company second;
        CHECK(parts_from(second, parts_of(first)).bad_rows == 0);
        const auto csv = line[0] + "\n" + line[1] + "\n" + line[2] + "\n";
        CHECK(bom_from(second, csv, {.make_revisions = true, .by = second.ada}).bad_rows == 0);
        CHECK(bom_of(second) == bom_of(first));
    }
}

TEST_CASE("exchange: an export without retired parts leaves them out") {
    Company company;
    const auto old = company.part("Old");
    company.part("New");
    company.plm.parts().retire(old.id);
    CHECK(contains(parts_of(company), "Old"));
    CHECK_FALSE(contains(parts_of(company, false), "Old"));
    std::ostringstream out;
    CHECK(export_parts(company.db(), out, false) == 1);
}

TEST_CASE("exchange: the BOM of one part is its latest revision's, and a part that is not there is NotFound") {
    Company company;
    const auto screw = company.released("Screw");
    const auto made = company.released("Gearbox", {{.child = screw.part.id}});
    company.draft("Motor", {{.child = screw.part.id}});
    const auto second = company.plm.management().new_revision(made.part.id, company.ada);
    company.plm.relationships().add(second.id, {.child = screw.part.id, .quantity = Quantity{4}, .find_number = 1});
    CHECK(bom_of(company, made.part.number) ==
          "parent,revision,child,child_revision,quantity,unit,find,designators,note\r\n" + made.part.number + ",2," +
              screw.part.number + ",,4,pcs,1,,\r\n" + made.part.number + ",2," + screw.part.number + ",,1,pcs,,,\r\n");
    CHECK_THROWS_AS(bom_of(company, "AS-1"), NotFound);
}

TEST_CASE("exchange: an export to a stream that takes no more is an error") {
    Company company;
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    CHECK_THROWS_AS(export_parts(company.db(), out), sqlane::StorageError);
    CHECK_THROWS_AS(export_bom(company.db(), out), sqlane::StorageError);
}

// ---- columns and values ----

TEST_CASE("exchange: columns stand in any order, in any case, and those that are not needed may be missing") {
    Company company;
    const auto result = parts_from(company, "\xEF\xBB\xBFName; CATEGORY \r\nScrew;ME\r\nNut;ME\r\n");
    CHECK(result.imported == 2);
    const auto part = company.plm.parts().find("ME-10001");
    CHECK(part.name == "Nut");
    CHECK_FALSE(part.subcategory.has_value());
    CHECK(part.created == part.modified);
}

TEST_CASE("exchange: columns that are missing, unknown or there twice are one error before anything is read") {
    Company company;
    const auto before = fingerprint(company);
    const auto error = caught<InvalidValue>([&] { parts_from(company, "category,price,number,number\nME,1,2,3\n"); });
    CHECK(contains(error.what(), "'price' is unknown"));
    CHECK(contains(error.what(), "'number' is there twice"));
    CHECK(contains(error.what(), "'name' is missing"));
    CHECK(contains(error.what(), "known are number, category"));
    CHECK(contains(caught<InvalidValue>([&] { bom_from(company, "parent,find\n"); }).what(),
                   "'child' is missing, 'quantity' is missing"));
    CHECK_THROWS_AS(parts_from(company, ""), sqlane::Error);
    CHECK(fingerprint(company) == before);
}

TEST_CASE("exchange: options that make no sense are refused") {
    Company company;
    CHECK_THROWS_AS(parts_from(company, rows_of(1), {.batch = 0}), InvalidValue);
    CHECK_THROWS_AS(parts_from(company, rows_of(1), {.skip = -1}), InvalidValue);
    CHECK_THROWS_AS(parts_from(company, rows_of(1), {.by = UserId{99}}), NotFound);
    CHECK_THROWS_AS(bom_from(company, "parent,child,quantity\n", {.make_revisions = true}), InvalidValue);
    CHECK(contains(caught<InvalidValue>([&] { parts_from(company, rows_of(3), {.skip = 4}); }).what(),
                   "the file has 3 rows, not 4"));
    CHECK(parts_from(company, rows_of(3), {.skip = 3}).rows == 0);
}

TEST_CASE("exchange: a row without a number draws one, above those that were adopted") {
    Company company;
    const auto result = parts_from(company, "number,category,name\nME-50000,ME,a\n,ME,b\nME-7,ME,c\n,EL,d\n");
    CHECK(result.imported == 4);
    CHECK(company.plm.parts().find("ME-50001").name == "b");
    CHECK(company.plm.parts().find("EL-50002").name == "d");
}

TEST_CASE("exchange: dates are read as they are written, and one that no calendar has is refused") {
    Company company;
    CHECK(parts_from(company,
                     "number,category,name,created,modified,retired\n"
                     "A,ME,a,2024-02-29,2026-01-31T12:00:01Z,\nB,ME,b,2024-02-29,,2026-01-31\nC,ME,c,,2024-02-29,\n")
              .bad_rows == 0);
    CHECK(contains(parts_of(company), "A,ME,,a,,2024-02-29T00:00:00Z,2026-01-31T12:00:01Z,\r\n"));
    CHECK(contains(parts_of(company), "B,ME,,b,,2024-02-29T00:00:00Z,2024-02-29T00:00:00Z,2026-01-31T00:00:00Z\r\n"));
    CHECK(contains(parts_of(company), "C,ME,,c,,2024-02-29T00:00:00Z,2024-02-29T00:00:00Z,\r\n"));
    for (const std::string bad :
         {"2023-02-29", "2026-13-01", "2026-00-01", "31.01.2026", "2026-1-31", "2026-01-31 12:00",
          "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z", "2026-01-31T12:00:00",
          "2026-01-31T12:00:00+01:00", "-026-01-31", "today"})
        CHECK(contains(complaint_about(parts_from(company, "category,name,created\nME,x," + bad + "\n")),
                       "created: '" + bad + "' is no date such as"));
    CHECK(contains(complaint_about(parts_from(company, "category,name,created,modified\nME,x,2026-01-02,2026-01-01\n")),
                   "modified: is before created"));
}

TEST_CASE("exchange: each thing that is wrong with a line of a BOM is named") {
    Company company;
    const auto screw = company.released("Screw").part.number;
    const auto made = company.draft("Gearbox").part.number;
    const auto why = [&](const std::string& row) {
        return complaint_about(
            bom_from(company, "parent,revision,child,child_revision,quantity,unit,find\n" + row + "\n"));
    };
    CHECK(contains(why("AS-1,," + screw + ",,1,,"), "there is no part 'AS-1'"));
    CHECK(contains(why(made + ",,AS-1,,1,,"), "there is no part 'AS-1'"));
    CHECK(contains(why(made + ",7," + screw + ",,1,,"), "there is no revision '7' of " + made));
    CHECK(contains(why(made + ",," + screw + ",7,1,,"), "there is no revision '7' of " + screw));
    CHECK(contains(why(made + ",," + screw + ",,0,,"), "quantity: must be above zero"));
    CHECK(contains(why(made + ",," + screw + ",,\"1,5\",,"), "is no decimal number"));
    CHECK(contains(why(made + ",," + screw + ",,1,,x"), "find: 'x' is no whole number"));
    CHECK(contains(why(made + ",," + screw + ",,1,,0"), "find number: must be above zero"));
    CHECK(contains(why(made + ",," + made + ",,1,,"), "cannot contain itself"));
    CHECK(contains(why(screw + ",," + made + ",,1,,"), "is locked"));
    CHECK(contains(why(company.part("New").number + ",," + screw + ",,1,,"), "make one first"));
}

TEST_CASE("exchange: a BOM goes to the latest revision, or to the one that is named") {
    Company company;
    const auto screw = company.part("Screw");
    const auto made = company.draft("Gearbox");
    const auto second = company.plm.revisions().create(made.part.id, company.ada);
    CHECK(bom_from(company, "parent,revision,child,quantity\n" + made.part.number + ",," + screw.number + ",2.5\n" +
                                made.part.number + ",1," + screw.number + ",4\n")
              .imported == 2);
    CHECK(company.plm.relationships().lines(second.id).at(0).line.quantity == Quantity::parse("2.5"));
    CHECK(company.plm.relationships().lines(made.revision.id).at(0).line.quantity == Quantity{4});
}

TEST_CASE("exchange: a revision that was made for a bad line goes with it") {
    Company company;
    const auto screw = company.part("Screw");
    const auto before = fingerprint(company);
    const auto result =
        bom_from(company, "parent,child,child_revision,quantity\n" + screw.number + "," + screw.number + ",3,1\n",
                 {.make_revisions = true, .by = company.ada});
    CHECK(contains(complaint_about(result), "cannot contain itself"));
    CHECK(fingerprint(company) == before);
}

// ---- bad rows ----

TEST_CASE("exchange: of 1,000 rows with 3 bad ones 997 are imported, and the three are listed") {
    Company company;
    const auto result = parts_from(company, three_bad_of_a_thousand(), {.batch = 100});
    check_the_three(result);
    CHECK(result.rows == 1000);
    CHECK(result.imported == 997);
    CHECK(result.settled == 1000);
    CHECK(company.plm.parts().count() == 997);
    check_search_knows_every_part(company);
}

TEST_CASE("exchange: of 1,000 rows with 3 bad ones none is imported when it is all or nothing") {
    Company company;
    const auto before = fingerprint(company);
    const auto result =
        parts_from(company, three_bad_of_a_thousand(), {.all_or_nothing = true, .batch = 100, .by = company.ada});
    check_the_three(result);
    CHECK(result.rows == 1000);
    CHECK(result.imported == 0);
    CHECK(result.settled == 0);
    CHECK(fingerprint(company) == before);
    CHECK(parts_from(company, rows_of(1000), {.all_or_nothing = true, .batch = 100}).imported == 1000);
}

TEST_CASE("exchange: a row that cannot be read is a bad row like the others") {
    Company company;
    const auto result = parts_from(company, "category,name\nME,a\nME\nME,\"b\"x\nME,\xFF\nME,c\nME,\"d\n");
    CHECK(result.imported == 2);
    CHECK(result.bad_rows == 4);
    std::string lines;
    for (const auto& error : result.errors) lines += std::to_string(error.line) + " ";
    CHECK(lines == "3 4 5 7 ");
}

TEST_CASE("exchange: a bad row that drew a number gives it back") {
    Company company;
    CHECK(parts_from(company, "category,name\nME,a\nXX,b\nME,\nME,c\n").imported == 2);
    CHECK(company.plm.parts().find("ME-10001").name == "c");
    CHECK(company.value<int>("SELECT next_value FROM PartSequence") == 10002);
}

TEST_CASE("exchange: every bad row is counted, and the first thousand are listed") {
    Company company;
    std::string csv = "category,name\n";
    for (int i = 0; i < 2500; ++i) csv += "XX,a\n";
    const auto result = parts_from(company, csv, {.batch = 300});
    CHECK(result.bad_rows == 2500);
    REQUIRE(result.errors.size() == 1000);
    CHECK(result.errors.back().line == 1001);
}

// ---- dry run ----

TEST_CASE("exchange: a dry run tells what would be, and leaves everything as it was") {
    Company company;
    const auto before = fingerprint(company);
    // 499 comes twice, in two batches.
    const auto result = parts_from(company, three_bad_of_a_thousand(), {.dry_run = true, .batch = 500});
    check_the_three(result);
    CHECK(result.imported == 997);
    CHECK(result.settled == 0);
    CHECK(fingerprint(company) == before);
    CHECK(parts_from(company, three_bad_of_a_thousand(), {.dry_run = true, .all_or_nothing = true}).imported == 0);
    CHECK(parts_from(company, three_bad_of_a_thousand()).imported == 997);
}

TEST_CASE("exchange: a dry run finds what one batch takes from a later one, drawn numbers too") {
    const std::string csv =
        "number,category,name\nME-20000,ME,a\n,ME,draws 20001\n,ME,draws 20002\nME-20001,ME,is late\n,ME,draws\n"
        "ME-20000,ME,is twice\nME-20004,ME,is good\n,ME,draws 20005\nME-20005,ME,is late\n";
    for (const int batch : {1, 2, 3, 100}) {
        CAPTURE(batch);
        Company company;
        const auto tried = parts_from(company, csv, {.dry_run = true, .batch = batch});
        const auto done = parts_from(company, csv, {.batch = batch});
        CHECK(tried.bad_rows == 3);
        CHECK(tried.imported == done.imported);
        REQUIRE(tried.errors.size() == done.errors.size());
        for (std::size_t i = 0; i < done.errors.size(); ++i) {
            CHECK(tried.errors[i].line == done.errors[i].line);
            CHECK(tried.errors[i].why == done.errors[i].why);
        }
    }
}

TEST_CASE("exchange: a dry run of a BOM finds a cycle whose halves are in two batches") {
    Company company;
    const auto a = company.draft("a").part.number;
    const auto b = company.draft("b").part.number;
    const auto csv = "parent,child,quantity\n" + a + "," + b + ",1\n" + b + "," + a + ",1\n";
    const auto result = bom_from(company, csv, {.dry_run = true, .batch = 1});
    CHECK(result.imported == 1);
    REQUIRE(result.errors.size() == 1);
    CHECK(contains(result.errors[0].why, "contains"));
}

TEST_CASE("exchange: a dry run of a BOM leaves everything as it was") {
    Company company;
    const auto screw = company.part("Screw");
    const auto made = company.part("Gearbox");
    const auto before = fingerprint(company);
    const auto csv = "parent,child,quantity\n" + made.number + "," + screw.number + ",1\n";
    CHECK(bom_from(company, csv, {.dry_run = true, .make_revisions = true, .by = company.ada}).imported == 1);
    CHECK(fingerprint(company) == before);
}

// ---- stopped, and gone on with ----

TEST_CASE("exchange: an import that was asked to stop keeps what is settled, and goes on from there") {
    Company company;
    std::stop_source source;
    ImportOptions options{.batch = 200, .stop = source.get_token()};
    options.on_progress = [&](std::int64_t rows) {
        if (rows == 1000) source.request_stop();
    };
    const auto stopped = caught<ImportStopped>([&] { parts_from(company, rows_of(3000), options); });
    CHECK(stopped.result().settled == 1000);
    CHECK(stopped.result().imported == 1000);
    CHECK(company.plm.parts().count() == 1000);
    std::int64_t last = 0;
    const auto rest = parts_from(company, rows_of(3000),
                                 {.skip = stopped.result().settled, .on_progress = [&](auto rows) { last = rows; }});
    CHECK(rest.rows == 2000);
    CHECK(rest.settled == 3000);
    CHECK(last == 3000);
    check_complete(company);
}

TEST_CASE("exchange: an import that stops in the middle of a batch tells only of the batches before") {
    Company company;
    const std::string filler(200, 'x');
    for (const bool all_or_nothing : {true, false}) {
        std::stop_source source;
        // The reader holds 300 such rows at most: this stops it while it reads the third batch.
        GeneratedRows rows{3000, [&](std::int64_t i) {
                               if (i == 2800) source.request_stop();
                               return row_of(20000 + i, "ME", i % 1000 == 7 ? "," : "Screw,") + filler + "\n";
                           }};
        std::istream csv{&rows};
        const ImportOptions options{.all_or_nothing = all_or_nothing, .stop = source.get_token()};
        const auto stopped = caught<ImportStopped>([&] { import_parts(company.db(), csv, options); });
        CHECK(stopped.result().settled == (all_or_nothing ? 0 : 2000));
        CHECK(stopped.result().rows == stopped.result().settled);
        CHECK(stopped.result().bad_rows == (all_or_nothing ? 0 : 2));
        CHECK(stopped.result().errors.size() == (all_or_nothing ? 0 : 2));
        CHECK(stopped.result().imported == (all_or_nothing ? 0 : 1998));
        CHECK(company.plm.parts().count() == stopped.result().imported);
        CHECK(contains(stopped.what(), "skip them to go on"));
    }
}

TEST_CASE("exchange: a stop is heeded while a batch is read, and what was skipped stays settled") {
    Company company;
    std::stop_source source;
    std::int64_t made = 0;
    GeneratedRows rows{50'000, [&](std::int64_t i) {
                           if (i == 10'000) source.request_stop();
                           made = i;
                           return row_of(20000 + i, "ME", "Screw,\n");
                       }};
    std::istream csv{&rows};
    const ImportOptions options{.batch = 50'000, .skip = 700, .stop = source.get_token()};
    const auto stopped = caught<ImportStopped>([&] { import_parts(company.db(), csv, options); });
    CHECK(stopped.result().settled == 700);
    CHECK(stopped.result().rows == 0);
    CHECK(made < 20'000);
}

TEST_CASE("exchange: an import that fails tells its cause, and all or nothing is nothing") {
    Company company;
    const auto before = fingerprint(company);
    for (const bool dry : {false, true}) {
        ImportOptions options{.dry_run = dry, .all_or_nothing = !dry, .batch = 100};
        options.on_progress = [&](std::int64_t rows) {
            if (rows == 500) throw std::runtime_error{"no more"};
        };
        try {
            parts_from(company, rows_of(1000), options);
            FAIL("nothing was thrown");
        } catch (const ImportStopped& stopped) {
            CHECK(stopped.result().settled == 0);
            CHECK(stopped.result().imported == 0);
            CHECK(contains(stopped.what(), "no more"));
            CHECK(std::string{caught<std::runtime_error>([&] { std::rethrow_if_nested(stopped); }).what()} ==
                  "no more");
        }
        CHECK(fingerprint(company) == before);
    }
}

#if __has_include(<sys/resource.h>)
TEST_CASE("exchange: a full disk in the middle of an import loses nothing and doubles nothing") {
    // At many points: in a statement, in the spill of the cache, in the words for the search, in the commit.
    std::int64_t most = 0;
    for (int round = 0; round < support::rounds(12); ++round) {
        CAPTURE(round);
        Company company;
        const auto bytes = std::filesystem::file_size(company.db().path());
        std::int64_t settled = 0;
        {
            const FullDisk full{bytes + 100'000 + 37'000 * static_cast<std::uintmax_t>(round)};
            try {
                parts_from(company, rows_of(3000), {.batch = 200});
                FAIL("nothing was thrown");
            } catch (const ImportStopped& stopped) {
                settled = stopped.result().settled;
                CHECK_THROWS_AS(std::rethrow_if_nested(stopped), sqlane::StorageError);
            }
        }
        most = std::max(most, settled);
        CHECK(settled < 3000);
        CHECK(company.plm.parts().count() == settled);
        CHECK(parts_from(company, rows_of(3000), {.batch = 200, .skip = settled}).settled == 3000);
        check_complete(company);
    }
    CHECK(most > 0);
}
#endif

TEST_CASE("exchange: others write between two batches") {
    Company company;
    int written = 0;
    ImportOptions options{.batch = 100};
    options.on_progress = [&](std::int64_t) {
        // Another thread waits for the writer, and would wait for ever within a transaction.
        support::Steps steps;
        support::Crew crew{steps};
        crew.start([&] { company.part("by hand"); });
        crew.join();
        ++written;
    };
    CHECK(parts_from(company, rows_of(1000), options).imported == 1000);
    CHECK(written == 10);
    CHECK(company.plm.parts().count() == 1010);
}

TEST_CASE("exchange: an import inside of a caller's transaction goes with it") {
    Company company;
    const auto before = fingerprint(company);
    CHECK_THROWS_AS(company.db().transaction([&](sqlane::Transaction&) {
        CHECK(parts_from(company, three_bad_of_a_thousand(), {.batch = 100}).imported == 997);
        throw std::runtime_error{"undo"};
    }),
                    std::runtime_error);
    CHECK(fingerprint(company) == before);
}

TEST_CASE("exchange: an import from inside of a reader's closure is a fault of the program") {
    Company company;
    CHECK_THROWS_AS(company.db().execute([&](sqlane::Reader&) { parts_from(company, rows_of(1)); }),
                    sqlane::UsageError);
}

// ---- memory ----

#if defined(__linux__)

TEST_CASE("exchange: memory does not grow with the file") {
    const std::string filler(1000, 'x');
    const auto row = [&](std::int64_t i) {
        const std::string category = i % 10 == 0 ? "ME" : "XX";
        return "ME-" + std::to_string(20000 + i) + "," + category + ",Screw," + filler + "\n";
    };
    check_bounded(growth_while_importing(support::rounds(100'000), row, {}));
}

TEST_CASE("exchange: memory does not grow with the parts that a dry run takes and gives back") {
    const std::string filler(2000, 'x');
    const auto row = [&](std::int64_t) { return ",ME,Screw," + filler + "\n"; };
    check_bounded(growth_while_importing(support::rounds(30'000), row, {.dry_run = true}));
}

TEST_CASE("exchange: memory does not grow with the length of the rows") {
    const std::string filler(std::size_t{1} << 20, 'x');
    const auto row = [&](std::int64_t) { return ",XX,Screw," + filler + "\n"; };
    check_bounded(growth_while_importing(support::rounds(100), row, {}));
}

TEST_CASE("exchange: memory does not grow with the parts that are exported") {
    Company company;
    const std::string filler(1000, 'x');
    const auto count = support::rounds(50'000);
    company.db().transaction([&](sqlane::Transaction& tx) {
        tx.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) "
            "INSERT INTO Parts(number, category, name, description, created_date, modified_date) "
            "SELECT i, 'ME', 'Screw', ?2, 0, 0 FROM n",
            count, filler);
    });
    class Sink : public std::streambuf {
    public:
        std::int64_t most = 0;

    protected:
        std::streamsize xsputn(const char*, std::streamsize size) override {
            if (++writes_ % 1000 == 0) most = std::max(most, resident());
            return size;
        }
        int_type overflow(int_type c) override { return traits_type::not_eof(c); }

    private:
        int writes_ = 0;
    };
    Sink sink;
    std::ostream out{&sink};
    const auto before = resident();
    CHECK(export_parts(company.db(), out) == count);
    check_bounded(sink.most - before);
}

#endif

TEST_CASE("exchange: a BOM line is added only where the user may edit") {
    Company company;
    const auto screw = company.part("Screw");
    const auto made = company.draft("Gearbox");  // Ada's
    const auto csv = "parent,child,quantity\n" + made.part.number + "," + screw.number + ",1\n";
    const auto refused = bom_from(company, csv, {.by = company.grace});
    REQUIRE(refused.bad_rows == 1);
    CHECK(contains(refused.errors.front().why, "Grace (Designer) may not edit"));
    CHECK(bom_from(company, csv, {.by = company.ada}).imported == 1);
}

TEST_CASE("exchange: no revision is made beside one that is open") {
    Company company;
    const auto screw = company.part("Screw");
    const auto made = company.draft("Gearbox");
    const auto csv = "parent,revision,child,quantity\n " + made.part.number + " ,7," + screw.number + ",1\n";
    const auto result = bom_from(company, csv, {.make_revisions = true, .by = company.ada});
    REQUIRE(result.bad_rows == 1);
    CHECK(contains(result.errors.front().why, "has an open revision, 1"));
    CHECK(company.plm.revisions().list(made.part.id).size() == 1);
}

TEST_CASE("exchange: parts are imported only by who may create them") {
    Company company;
    std::istringstream csv{"category,name\nEL,x\n"};
    CHECK_THROWS_AS(import_parts(company.db(), csv, {.by = company.vera}), ImportStopped);
    CHECK(company.plm.parts().count() == 0);
}
