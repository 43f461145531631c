#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

using sqlane::Blob;
using sqlane::Reader;
using sqlane::Row;
using sqlane::TypeError;
using sqlane::UsageError;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;

enum class Color : std::uint8_t { red = 0, green = 1, ultraviolet = 255 };
enum class Letter : char { a = 'a', below_zero = -1 };
enum class Flag : bool { off, on };
enum Loose { first = 1, second = 2 };

/// Kept as an integer.
struct PartId {
    std::int64_t value = 0;
    bool operator==(const PartId&) const = default;
};
/// Kept as text.
struct Category {
    std::string code;
    bool operator==(const Category&) const = default;
};
/// Read from a whole row, by name.
struct Part {
    PartId id;
    std::string name;
    std::optional<double> weight;
};
/// Read from a whole row, by position.
struct Place {
    int x = 0;
    int y = 0;
};
struct Misnamed {
    int value = 0;
};
struct TooFar {
    int value = 0;
};

}  // namespace

template <>
struct sqlane::Stored<PartId> {
    using type = std::int64_t;
    static type to(PartId id) { return id.value; }
    static PartId from(type value) { return PartId{value}; }
};
template <>
struct sqlane::Stored<Category> {
    using type = std::string;
    static type to(const Category& category) { return "EL-" + category.code; }
    static Category from(const type& value) { return Category{value.substr(3)}; }
};
template <>
struct sqlane::RowReader<Part> {
    static Part read(const Row& row) {
        return {row.get<PartId>("id"), row.get<std::string>("name"), row.get<std::optional<double>>("weight")};
    }
};
template <>
struct sqlane::RowReader<Place> {
    static Place read(const Row& row) {
        if (row.size() != 2 || row.is_null(1)) return {row.get<int>(0), -1};
        return {row.get<int>(0), row.get<int>(1)};
    }
};
template <>
struct sqlane::RowReader<Misnamed> {
    static Misnamed read(const Row& row) { return {row.get<int>("no_such")}; }
};
template <>
struct sqlane::RowReader<TooFar> {
    static TooFar read(const Row& row) { return {row.get<int>(1)}; }
};

namespace {

/// What one<T> makes of an SQL expression.
template <class T>
T value(TemporaryDatabase& test, const std::string& expression) {
    return test->execute([&](Reader& r) { return r.one<T>("SELECT " + expression + " AS wanted"); });
}

/// What it says when it does not make a T of it. It must name the column and say what it is.
template <class T>
void refuses(TemporaryDatabase& test, const std::string& expression,
             const std::source_location& at = std::source_location::current()) {
    INFO(expression);
    const auto what = complaint<TypeError>([&] { static_cast<void>(value<T>(test, expression)); }, at);
    CHECK(contains(what, "column 0 \"wanted\": "));
}

template <class T>
void check_integer_limits(TemporaryDatabase& test) {
    using Limits = std::numeric_limits<T>;
    const auto text = [](auto number) { return std::to_string(number); };
    CAPTURE(sizeof(T));
    CAPTURE(std::is_signed_v<T>);
    CHECK(value<T>(test, text(Limits::max())) == Limits::max());
    CHECK(value<T>(test, "0") == T{0});
    // -9223372036854775808 is parsed as minus and a number that is too large for an integer.
    CHECK(value<T>(test, "(" + text(Limits::min() + (std::is_signed_v<T> ? 1 : 0)) + ")" +
                             (std::is_signed_v<T> ? " - 1" : "")) == Limits::min());
    if constexpr (sizeof(T) < 8) {
        refuses<T>(test, text(std::int64_t{Limits::max()} + 1));
        refuses<T>(test, text(std::int64_t{Limits::min()} - 1));
        refuses<T>(test, text(std::numeric_limits<std::int64_t>::max()));
    }
    if constexpr (std::is_unsigned_v<T>) refuses<T>(test, "-1");
    refuses<T>(test, "NULL");
    refuses<T>(test, "'1'");
    refuses<T>(test, "1.0");
    refuses<T>(test, "x'01'");
}

}  // namespace

TEST_CASE("reading: each integer type takes its limits and refuses what is one beyond") {
    TemporaryDatabase test;
    check_integer_limits<std::int8_t>(test);
    check_integer_limits<std::uint8_t>(test);
    check_integer_limits<std::int16_t>(test);
    check_integer_limits<std::uint16_t>(test);
    check_integer_limits<std::int32_t>(test);
    check_integer_limits<std::uint32_t>(test);
    check_integer_limits<std::int64_t>(test);
    check_integer_limits<long long>(test);
    check_integer_limits<long>(test);
    // SQLite's integers have 63 bits and a sign.
    CHECK(value<std::uint64_t>(test, "9223372036854775807") == 9223372036854775807U);
    refuses<std::uint64_t>(test, "-1");
    refuses<std::uint64_t>(test, "9223372036854775808");  // already a floating-point number for SQLite
}

TEST_CASE("reading: a bool is 0 or 1 and nothing else") {
    TemporaryDatabase test;
    CHECK(value<bool>(test, "1"));
    CHECK_FALSE(value<bool>(test, "0"));
    CHECK(value<bool>(test, "true"));
    for (const char* other : {"2", "-1", "NULL", "'true'", "1.0", "x'01'"}) refuses<bool>(test, other);
}

TEST_CASE("reading: a double takes integers up to 2^53 and refuses those that would be rounded") {
    TemporaryDatabase test;
    CHECK(value<double>(test, "2.5") == 2.5);
    CHECK(value<double>(test, "-0.1") == -0.1);
    CHECK(value<double>(test, "9007199254740992") == 9007199254740992.0);
    CHECK(value<double>(test, "-9007199254740992") == -9007199254740992.0);
    CHECK(value<double>(test, "1.7976931348623157e308") == std::numeric_limits<double>::max());
    CHECK(std::isinf(value<double>(test, "9e999")));
    for (const char* other : {"9007199254740993", "-9007199254740993", "9223372036854775807", "NULL", "'2.5'", "x'00'"})
        refuses<double>(test, other);
}

TEST_CASE("reading: a float refuses what is beyond its range") {
    TemporaryDatabase test;
    CHECK(value<float>(test, "2.5") == 2.5F);
    CHECK(value<float>(test, "3.4028234663852886e38") == std::numeric_limits<float>::max());
    CHECK(std::isinf(value<float>(test, "-9e999")));
    for (const char* other : {"3.5e38", "-1e300", "NULL", "'1'"}) refuses<float>(test, other);
}

TEST_CASE("reading: text keeps every byte and empty text is not NULL") {
    TemporaryDatabase test;
    CHECK(value<std::string>(test, "''").empty());
    CHECK(value<std::optional<std::string>>(test, "''") == std::optional<std::string>{""});
    CHECK(value<std::string>(test, "'Schräge Ölpumpe 泵 🔩'") == "Schräge Ölpumpe 泵 🔩");
    CHECK(value<std::string>(test, "CAST(x'610062' AS TEXT)") == std::string{"a\0b", 3});
    CHECK(value<std::string>(test, "CAST(zeroblob(100000) AS TEXT)").size() == 100000);
    for (const char* other : {"NULL", "1", "1.5", "x'61'"}) refuses<std::string>(test, other);
}

TEST_CASE("reading: a blob keeps every byte and an empty blob is not NULL") {
    TemporaryDatabase test;
    CHECK(value<Blob>(test, "x''").empty());
    CHECK(value<std::optional<Blob>>(test, "x''") == std::optional<Blob>{Blob{}});
    CHECK(value<Blob>(test, "x'00ff00'") == Blob{std::byte{0}, std::byte{0xff}, std::byte{0}});
    for (const char* other : {"NULL", "1", "1.5", "'a'", "''"}) refuses<Blob>(test, other);
}

TEST_CASE("reading: an enum takes what its underlying type takes") {
    TemporaryDatabase test;
    CHECK(value<Color>(test, "1") == Color::green);
    CHECK(value<Color>(test, "255") == Color::ultraviolet);
    CHECK(value<Letter>(test, "97") == Letter::a);
    CHECK(value<Letter>(test, "-1") == Letter::below_zero);
    CHECK(value<Flag>(test, "1") == Flag::on);
    CHECK(value<Loose>(test, "2") == second);
    for (const char* other : {"256", "-1", "NULL", "'red'", "1.0"}) refuses<Color>(test, other);
    // Not a text, and not a number with a fraction that would be cut off.
    for (const char* other : {"128", "97.5", "'a'"}) refuses<Letter>(test, other);
    refuses<Flag>(test, "2");
}

TEST_CASE("reading: an optional is empty for NULL only and as strict as its value otherwise") {
    TemporaryDatabase test;
    CHECK_FALSE(value<std::optional<int>>(test, "NULL").has_value());
    CHECK(value<std::optional<int>>(test, "0") == 0);
    CHECK_FALSE(value<std::optional<PartId>>(test, "NULL").has_value());
    CHECK(value<std::optional<PartId>>(test, "7") == PartId{7});
    CHECK(value<std::optional<Color>>(test, "0") == Color::red);
    refuses<std::optional<int>>(test, "'0'");
    refuses<std::optional<std::int8_t>>(test, "128");
}

TEST_CASE("reading: time points are counts of their own unit since 1970") {
    using namespace std::chrono;
    TemporaryDatabase test;
    using Seconds = time_point<system_clock, seconds>;
    using Milliseconds = time_point<system_clock, milliseconds>;
    using Days = time_point<system_clock, duration<int, std::ratio<86400>>>;
    CHECK(value<Seconds>(test, "1700000000") == Seconds{seconds{1700000000}});
    CHECK(value<Milliseconds>(test, "-1") == Milliseconds{milliseconds{-1}});
    CHECK(value<system_clock::time_point>(test, "1700000000123456789").time_since_epoch().count() ==
          1700000000123456789);
    CHECK(value<Days>(test, "19675") == Days{Days::duration{19675}});
    CHECK_FALSE(value<std::optional<Seconds>>(test, "NULL").has_value());
    for (const char* other : {"NULL", "'2023-11-14'", "1.5"}) refuses<Seconds>(test, other);
    refuses<Days>(test, "2147483648");  // does not fit its count
}

TEST_CASE("reading: a user's type is made of what it is stored as") {
    TemporaryDatabase test;
    CHECK(value<PartId>(test, "42") == PartId{42});
    CHECK(value<Category>(test, "'EL-7'") == Category{"7"});
    refuses<PartId>(test, "'42'");
    refuses<PartId>(test, "NULL");
    refuses<Category>(test, "7");
}

TEST_CASE("reading: a row becomes a user's type by name or by position") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        const auto part = r.one<Part>("SELECT 1.5 AS weight, 'Pump' AS name, 9 AS id, 'unused' AS more");
        CHECK(part.id == PartId{9});
        CHECK(part.name == "Pump");
        CHECK(part.weight == 1.5);
        CHECK_FALSE(r.one<Part>("SELECT 9 AS id, 'Pump' AS name, NULL AS weight").weight.has_value());
        CHECK_FALSE(r.maybe<Part>("SELECT 9 AS id, 'Pump' AS name, NULL AS weight WHERE 0").has_value());
        CHECK(r.all<Place>("SELECT 1, 2 UNION ALL SELECT 3, 4").at(1).y == 4);
        CHECK(r.one<Place>("SELECT 1, NULL").y == -1);
        int sum = 0;
        for (const auto& place : r.rows<Place>("SELECT 1, 2 UNION ALL SELECT 3, 4")) sum += place.x * 10 + place.y;
        CHECK(sum == 46);
    });
}

TEST_CASE("reading: a row reader that asks for a column which is not there gets a UsageError naming it") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        const auto by_name = complaint<UsageError>([&] { static_cast<void>(r.one<Misnamed>("SELECT 1 AS value")); });
        CHECK(contains(by_name, "\"no_such\""));
        CHECK(contains(by_name, "SELECT 1 AS value"));
        CHECK(contains(complaint<UsageError>([&] { static_cast<void>(r.one<TooFar>("SELECT 1")); }), "column 1"));
        // Names are the query's own, letter by letter.
        complaint<UsageError>([&] { static_cast<void>(r.one<Part>("SELECT 1 AS ID, 'x' AS name, 1.0 AS weight")); });
        // The reader of a row is as strict as a column is.
        const auto what = complaint<TypeError>(
            [&] { static_cast<void>(r.one<Part>("SELECT 'one' AS id, 'Pump' AS name, 1.5 AS weight")); });
        CHECK(contains(what, "column 0 \"id\""));
        CHECK(contains(what, "wanted an integer, found text"));
    });
}

TEST_CASE("reading: an error names the column among several and what was found there") {
    TemporaryDatabase test;
    test->execute([](Reader& r) {
        const auto what = complaint<TypeError>(
            [&] { static_cast<void>(r.one<int, std::string, int>("SELECT 1 AS id, 'Pump' AS name, NULL AS amount")); });
        CHECK(contains(what, "column 2 \"amount\": wanted an integer, found NULL"));
        CHECK(contains(what, "test.db"));
        // Nothing is lost by it: the closure may go on.
        CHECK(r.one<int>("SELECT 1") == 1);
    });
}
