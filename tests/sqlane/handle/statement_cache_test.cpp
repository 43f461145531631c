#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <cstdint>
#include <string>
#include <tuple>

using sqlane::Options;
using sqlane::Reader;
using sqlane::Row;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;

Options with_cache_of(int statements) {
    Options options;
    options.statement_cache = statements;
    options.upkeep_thread = false;
    // One reader handle, so that each closure meets the cache of the one before.
    options.readers.max = 1;
    return options;
}

struct Counts {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
    bool operator==(const Counts&) const = default;
};

[[maybe_unused]] std::ostream& operator<<(std::ostream& out, const Counts& counts) {
    return out << counts.hits << " hits, " << counts.misses << " misses, " << counts.evictions << " evictions";
}

/// What one closure on a reader does to the cache.
template <class F>
Counts counts_of(TemporaryDatabase& test, F&& body) {
    const auto before = test->stats().readers;
    test->execute(body);
    const auto after = test->stats().readers;
    return {after.cache_hits - before.cache_hits, after.cache_misses - before.cache_misses,
            after.cache_evictions - before.cache_evictions};
}

std::string numbered(int number) { return "SELECT " + std::to_string(number); }

/// Every column that there is, by the row's own word.
struct Columns {
    std::string names;
};

}  // namespace

template <>
struct sqlane::RowReader<Columns> {
    static Columns read(const Row& row) {
        Columns columns;
        for (int i = 0; i < row.size(); ++i) columns.names += row.get<std::string>(i) + " ";
        return columns;
    }
};

TEST_CASE("statement cache: a statement is compiled once per handle") {
    TemporaryDatabase test{with_cache_of(8)};
    const auto ask = [](Reader& r) {
        for (int i = 0; i < 10; ++i) static_cast<void>(r.one<int>("SELECT ?", i));
    };
    CHECK(counts_of(test, ask) == Counts{9, 1, 0});
    CHECK(counts_of(test, ask) == Counts{10, 0, 0});
}

TEST_CASE("statement cache: what stands around the statement is no reason to compile it again") {
    TemporaryDatabase test{with_cache_of(8)};
    for (const char* sql : {"SELECT 1;", "SELECT 1 -- one", "/* one */ SELECT 1 ; ; /* end */", "  SELECT 1\n"}) {
        CAPTURE(sql);
        const auto ask = [&](Reader& r) { CHECK(r.one<int>(sql) == 1); };
        CHECK(counts_of(test, ask) == Counts{0, 1, 0});
        CHECK(counts_of(test, ask) == Counts{1, 0, 0});
    }
}

TEST_CASE("statement cache: is bounded and the least recently used goes first") {
    TemporaryDatabase test{with_cache_of(3)};
    const auto ask = [](int number) { return [number](Reader& r) { CHECK(r.one<int>(numbered(number)) == number); }; };
    const Counts hit{1, 0, 0};
    const Counts miss{0, 1, 0};
    const Counts eviction{0, 1, 1};
    for (const int number : {1, 2, 3}) CHECK(counts_of(test, ask(number)) == miss);
    CHECK(counts_of(test, ask(1)) == hit);       // now 2 is the oldest
    CHECK(counts_of(test, ask(4)) == eviction);  // of 2
    CHECK(counts_of(test, ask(1)) == hit);
    CHECK(counts_of(test, ask(3)) == hit);
    CHECK(counts_of(test, ask(2)) == eviction);  // of 4
    CHECK(counts_of(test, ask(1)) == hit);
    CHECK(counts_of(test, ask(4)) == eviction);  // of 3
}

TEST_CASE("statement cache: never grows beyond its bound whatever is asked of it") {
    handle_tests::RawHandles raw_handles;
    TemporaryDatabase test{with_cache_of(4)};
    test->execute([](Reader& r) {
        auto* raw = handle_tests::RawHandles::of(r);
        for (int number = 0; number < 200; ++number) static_cast<void>(r.one<int>(numbered(number)));
        int alive = 0;
        for (auto* statement = sqlite3_next_stmt(raw, nullptr); statement != nullptr;
             statement = sqlite3_next_stmt(raw, statement))
            if (std::string{sqlite3_sql(statement)}.starts_with("SELECT")) ++alive;
        CHECK(alive == 4);
    });
}

TEST_CASE("statement cache: of nothing compiles each time and works") {
    TemporaryDatabase test{with_cache_of(0)};
    CHECK(counts_of(test, [](Reader& r) {
              for (int i = 0; i < 3; ++i) CHECK(r.one<int>("SELECT ?", i) == i);
          }) == Counts{0, 3, 0});
}

TEST_CASE("statement cache: a statement in use is neither evicted nor lent twice") {
    TemporaryDatabase test{with_cache_of(1)};
    test->execute([](Reader& r) {
        constexpr const char* sql = "SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3";
        int sum = 0;
        for (const int outer : r.rows<int>(sql)) {
            for (int number = 10; number < 20; ++number) CHECK(r.one<int>(numbered(number)) == number);
            for (const int inner : r.rows<int>(sql)) sum += outer * inner;
        }
        CHECK(sum == 36);
    });
}

TEST_CASE("statement cache: a statement that does not compile leaves nothing in it") {
    TemporaryDatabase test{with_cache_of(2)};
    test->execute([](Reader& r) {
        static_cast<void>(r.one<int>("SELECT 1"));
        static_cast<void>(r.one<int>("SELECT 2"));
        for (const char* bad : {"SELECT", "SELECT 1; SELECT 2", "INSERT INTO t VALUES (1)", ""})
            complaint<UsageError>([&] { static_cast<void>(r.one<int>(bad)); });
    });
    CHECK(counts_of(test, [](Reader& r) {
              static_cast<void>(r.one<int>("SELECT 1"));
              static_cast<void>(r.one<int>("SELECT 2"));
          }) == Counts{2, 0, 0});
}

TEST_CASE("statement cache: SELECT * follows a schema that another handle changed") {
    // With a cache of nothing each statement is new: the same results with and without prove the cached ones right.
    for (const int cached : {8, 0}) {
        CAPTURE(cached);
        TemporaryDatabase test{with_cache_of(cached)};
        test->execute_mut([](Writer& w) { w.script("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('a')"); });
        constexpr const char* sql = "SELECT * FROM t";

        const auto check = [&](const std::string& names) {
            test->execute([&](Reader& r) {
                CHECK(r.one<Columns>(sql).names == names);
                CHECK(r.all<Columns>(sql).at(0).names == names);
                CHECK(r.maybe<Columns>(sql)->names == names);
                for (const auto& row : r.rows<Columns>(sql)) CHECK(row.names == names);
            });
        };
        const auto check_width = [&]<class... Ts>(std::tuple<Ts...>*) {
            test->execute([&](Reader& r) {
                CHECK(r.all<Ts...>(sql).size() == 1);
                static_cast<void>(r.one<Ts...>(sql));
                for ([[maybe_unused]] const auto& row : r.rows<Ts...>(sql)) CHECK(true);
                // One column too many is refused, on the first row as on none.
                complaint<UsageError>([&] { static_cast<void>(r.all<std::string, Ts...>(sql)); });
                complaint<UsageError>([&] { static_cast<void>(r.one<std::string, Ts...>(sql)); });
                complaint<UsageError>([&] {
                    for ([[maybe_unused]] const auto& row : r.rows<std::string, Ts...>(sql)) CHECK(false);
                });
            });
        };
        using One = std::tuple<std::string>;
        using Two = std::tuple<std::string, std::string>;

        check("a ");
        check_width(static_cast<One*>(nullptr));
        test->execute_mut([](Writer& w) { w.run("ALTER TABLE t ADD COLUMN b TEXT NOT NULL DEFAULT 'b'"); });
        check("a b ");
        check_width(static_cast<Two*>(nullptr));
        test->execute_mut([](Writer& w) { w.run("ALTER TABLE t DROP COLUMN a"); });
        check("b ");
        check_width(static_cast<One*>(nullptr));
        test->execute_mut(
            [](Writer& w) { w.script("DROP TABLE t; CREATE TABLE t (x, y); INSERT INTO t VALUES ('x', 'y')"); });
        check("x y ");
        check_width(static_cast<Two*>(nullptr));
    }
}

TEST_CASE("statement cache: names follow a renamed column on the handle that renamed it") {
    TemporaryDatabase test{with_cache_of(8)};
    test->transaction([](Transaction& tx) {
        tx.script("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('value')");
        CHECK(tx.one<Columns>("SELECT * FROM t").names == "value ");
        tx.run("ALTER TABLE t ADD COLUMN b TEXT DEFAULT 'more'");
        CHECK(tx.one<Columns>("SELECT * FROM t").names == "value more ");
        // An insert that was compiled before the table had the column.
        tx.run("INSERT INTO t (a) VALUES (?)", "x");
        tx.run("ALTER TABLE t DROP COLUMN b");
        tx.run("INSERT INTO t (a) VALUES (?)", "y");
        CHECK(tx.all<Columns>("SELECT * FROM t").size() == 3);
    });
}

TEST_CASE("statement cache: a statement whose table is gone says so and does not answer from memory") {
    TemporaryDatabase test{with_cache_of(8)};
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE t (a)"); });
    test->execute([](Reader& r) { CHECK(r.all<int>("SELECT a FROM t").empty()); });
    test->execute_mut([](Writer& w) { w.run("DROP TABLE t"); });
    test->execute([](Reader& r) {
        CHECK(contains(complaint<UsageError>([&] { static_cast<void>(r.all<int>("SELECT a FROM t")); }),
                       "no such table"));
    });
}
