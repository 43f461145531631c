// expect: compiles
#include <sqlane/sqlane.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

enum class Letter : char { a };
enum Plain { one };

struct PartId {
    std::int64_t value = 0;
};

template <>
struct sqlane::Stored<PartId> {
    using type = std::int64_t;
    static type to(PartId id) { return id.value; }
    static PartId from(type value) { return PartId{value}; }
};

struct Part {
    PartId id;
};

template <>
struct sqlane::RowReader<Part> {
    static Part read(const sqlane::Row& row) { return {row.get<PartId>("id")}; }
};

template <class T>
void check(sqlane::Reader& r) {
    const T value = r.one<T>("SELECT 1");
    const std::optional<T> maybe = r.maybe<std::optional<T>>("SELECT ?", value).value_or(std::nullopt);
    static_cast<void>(r.all<T, T>("SELECT ?, ?", maybe, value));
    for (const T& row : r.rows<T>("SELECT 1")) static_cast<void>(row);
}

void types(sqlane::Reader& r) {
    check<bool>(r);
    check<signed char>(r);
    check<unsigned char>(r);
    check<short>(r);
    check<unsigned short>(r);
    check<int>(r);
    check<unsigned>(r);
    check<long>(r);
    check<unsigned long>(r);
    check<long long>(r);
    check<unsigned long long>(r);
    check<float>(r);
    check<double>(r);
    check<long double>(r);
    check<std::string>(r);
    check<sqlane::Blob>(r);
    check<Letter>(r);
    check<Plain>(r);
    check<PartId>(r);
    check<std::chrono::system_clock::time_point>(r);
    check<std::chrono::sys_seconds>(r);
    check<std::chrono::sys_days>(r);
    static_cast<void>(r.all<Part>("SELECT 1 AS id"));
    char buffer[] = "text";
    const char* text = buffer;
    static_cast<void>(r.one<int>("SELECT ?, ?, ?, ?, ?, ?, ?, ?", "literal", buffer, text, std::string{"text"},
                                 std::string_view{"text"}, std::nullopt, nullptr, std::span<const std::byte>{}));
}
