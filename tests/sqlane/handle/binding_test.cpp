#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

using sqlane::Blob;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::TypeError;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;

enum class Unit : std::int16_t { piece = 1, metre = -300 };
enum class Grade : char { best = 'A' };

struct Serial {
    std::int64_t value = 0;
};
struct Tag {
    std::string text;
};

}  // namespace

template <>
struct sqlane::Stored<Serial> {
    using type = std::int64_t;
    static type to(Serial serial) { return serial.value; }
    static Serial from(type value) { return Serial{value}; }
};
template <>
struct sqlane::Stored<Tag> {
    using type = std::string;
    // Long enough to lie on the heap, and gone at the end of the statement.
    static type to(const Tag& tag) { return "a tag that no small string could hold: " + tag.text; }
    static Tag from(const type& value) { return Tag{value}; }
};

namespace {

/// The storage class that SQLite was given, and the value as an SQL literal.
template <class T>
std::string bound(TemporaryDatabase& test, const T& value) {
    return test->execute([&](Reader& r) { return r.one<std::string>("SELECT typeof(?1) || ' ' || quote(?1)", value); });
}

}  // namespace

TEST_CASE("binding: each integer width arrives whole") {
    TemporaryDatabase test;
    CHECK(bound(test, std::numeric_limits<std::int8_t>::min()) == "integer -128");
    CHECK(bound(test, std::numeric_limits<std::uint8_t>::max()) == "integer 255");
    CHECK(bound(test, std::numeric_limits<std::int16_t>::min()) == "integer -32768");
    CHECK(bound(test, std::numeric_limits<std::uint16_t>::max()) == "integer 65535");
    CHECK(bound(test, std::numeric_limits<std::int32_t>::min()) == "integer -2147483648");
    CHECK(bound(test, std::numeric_limits<std::uint32_t>::max()) == "integer 4294967295");
    CHECK(bound(test, std::numeric_limits<std::int64_t>::min()) == "integer -9223372036854775808");
    CHECK(bound(test, std::numeric_limits<std::int64_t>::max()) == "integer 9223372036854775807");
    CHECK(bound(test, std::uint64_t{9223372036854775807U}) == "integer 9223372036854775807");
    CHECK(bound(test, true) == "integer 1");
    CHECK(bound(test, false) == "integer 0");
}

TEST_CASE("binding: an unsigned number above 63 bits is refused and not made negative") {
    TemporaryDatabase test;
    const auto what = complaint<TypeError>([&] { bound(test, std::uint64_t{9223372036854775808U}); });
    CHECK(contains(what, "parameter 1 is above the 63 bits"));
    CHECK_FALSE(contains(what, "9223372036854775808"));
    complaint<TypeError>([&] { bound(test, std::numeric_limits<std::uint64_t>::max()); });
    complaint<TypeError>([&] { bound(test, std::optional{std::numeric_limits<std::uint64_t>::max()}); });
}

TEST_CASE("binding: floating-point numbers arrive whole and NaN is refused") {
    TemporaryDatabase test;
    CHECK(bound(test, 0.5) == "real 0.5");
    CHECK(bound(test, 0.5F) == "real 0.5");
    CHECK(bound(test, 1.0) == "real 1.0");
    CHECK(bound(test, std::numeric_limits<double>::infinity()).starts_with("real "));
    test->execute([](Reader& r) {
        for (const double value : {0.1, -1e300, 4.9e-324, std::numeric_limits<double>::max()})
            CHECK(r.one<double>("SELECT ?", value) == value);
    });
    // SQLite would store it as NULL.
    CHECK(contains(complaint<TypeError>([&] { bound(test, std::numeric_limits<double>::quiet_NaN()); }), "NaN"));
    CHECK(contains(complaint<TypeError>([&] { bound(test, std::numeric_limits<float>::signaling_NaN()); }), "NaN"));
}

TEST_CASE("binding: text of every kind keeps every byte") {
    TemporaryDatabase test;
    const std::string with_nul{"a\0b", 3};
    CHECK(bound(test, "literal") == "text 'literal'");
    CHECK(bound(test, std::string{"泵"}) == "text '泵'");
    CHECK(bound(test, std::string_view{"only a part"}.substr(5, 1)) == "text 'a'");
    const char* pointer = "pointer";
    CHECK(bound(test, pointer) == "text 'pointer'");
    test->execute([&](Reader& r) {
        CHECK(r.one<std::string>("SELECT ?", with_nul) == with_nul);
        CHECK(r.one<int>("SELECT length(CAST(? AS BLOB))", with_nul) == 3);
    });
}

TEST_CASE("binding: empty text and empty blobs are not NULL") {
    TemporaryDatabase test;
    CHECK(bound(test, "") == "text ''");
    CHECK(bound(test, std::string{}) == "text ''");
    CHECK(bound(test, std::string_view{}) == "text ''");  // its data() is null
    CHECK(bound(test, Blob{}) == "blob X''");
    CHECK(bound(test, std::span<const std::byte>{}) == "blob X''");
    CHECK(bound(test, std::optional<std::string>{""}) == "text ''");
}

TEST_CASE("binding: NULL is said and never meant by accident") {
    TemporaryDatabase test;
    CHECK(bound(test, std::nullopt) == "null NULL");
    CHECK(bound(test, nullptr) == "null NULL");
    CHECK(bound(test, std::optional<int>{}) == "null NULL");
    CHECK(bound(test, std::optional<Serial>{}) == "null NULL");
    CHECK(bound(test, std::optional<Tag>{}) == "null NULL");
    const char* nothing = nullptr;
    CHECK(contains(complaint<TypeError>([&] { bound(test, nothing); }), "parameter 1 is a null char pointer"));
    char* writable = nullptr;
    complaint<TypeError>([&] { bound(test, writable); });
}

TEST_CASE("binding: bytes of every kind become a blob") {
    TemporaryDatabase test;
    CHECK(bound(test, Blob{std::byte{0}, std::byte{255}}) == "blob X'00FF'");
    CHECK(bound(test, std::array{std::byte{1}, std::byte{2}}) == "blob X'0102'");
    const Blob bytes{std::byte{7}};
    CHECK(bound(test, std::span<const std::byte>{bytes}) == "blob X'07'");
}

TEST_CASE("binding: enums and times and a user's types become what they are stored as") {
    using namespace std::chrono;
    TemporaryDatabase test;
    CHECK(bound(test, Unit::metre) == "integer -300");
    CHECK(bound(test, Grade::best) == "integer 65");
    CHECK(bound(test, time_point<system_clock, seconds>{seconds{1700000000}}) == "integer 1700000000");
    CHECK(bound(test, time_point<system_clock, milliseconds>{milliseconds{-5}}) == "integer -5");
    CHECK(bound(test, system_clock::time_point{nanoseconds{1700000000123456789}}) == "integer 1700000000123456789");
    CHECK(bound(test, Serial{8}) == "integer 8");
    CHECK(bound(test, Tag{"x"}) == "text 'a tag that no small string could hold: x'");
    CHECK(bound(test, std::optional{Tag{"y"}}) == "text 'a tag that no small string could hold: y'");
}

TEST_CASE("binding: a value read back from a table is the one that was bound") {
    using namespace std::chrono;
    TemporaryDatabase test;
    const std::string text{"Schräge\0Pumpe 泵", 18};
    const Blob blob{std::byte{0}, std::byte{1}, std::byte{0}};
    const auto now = system_clock::now();
    test->transaction([&](Transaction& tx) {
        tx.run("CREATE TABLE t (i INTEGER, d REAL, s TEXT, b BLOB, n TEXT, at INTEGER, u INTEGER) STRICT");
        tx.run("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", std::numeric_limits<std::int64_t>::min(), 0.1, text, blob,
               std::optional<std::string>{}, now, Unit::metre);
    });
    const auto row = test->execute([](Reader& r) {
        return r
            .one<std::int64_t, double, std::string, Blob, std::optional<std::string>, system_clock::time_point, Unit>(
                "SELECT i, d, s, b, n, at, u FROM t");
    });
    CHECK(row == std::tuple{std::numeric_limits<std::int64_t>::min(), 0.1, text, blob, std::optional<std::string>{},
                            now, Unit::metre});
}

TEST_CASE("binding: rows keep what was bound after the caller's variable has changed") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        std::string name = "a name that no small string could hold";
        auto rows = r.rows<std::string>("SELECT ?1 UNION ALL SELECT ?1", name);
        name.assign(name.size(), '-');
        int count = 0;
        for (const auto& row : rows) {
            CHECK(row == "a name that no small string could hold");
            ++count;
        }
        CHECK(count == 2);
    });
}

TEST_CASE("binding: a cached statement does not remember the last caller's values") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        for (int i = 0; i < 3; ++i) CHECK(r.one<int>("SELECT ?", i) == i);
        CHECK_FALSE(r.one<std::optional<int>>("SELECT ?", std::nullopt).has_value());
    });
}

TEST_CASE("binding: named and numbered parameters take their values in the order of their numbers") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        CHECK(r.one<std::string>("SELECT ?2 || ?1", "b", "a") == "ab");
        CHECK(r.one<std::string>("SELECT :first || $second || :first", "x", "y") == "xyx");
    });
}
