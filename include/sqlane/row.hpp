#pragma once

#include <sqlane/detail/cursor.hpp>

#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace sqlane {

class Row;

/// A blob that owns its bytes.
using Blob = std::vector<std::byte>;

/// How a type of yours is read from a whole row:
///     template <> struct sqlane::RowReader<Part> {
///         static Part read(const sqlane::Row& row) { return {row.get<int>("id"), row.get<std::string>("name")}; }
///     };
template <class T>
struct RowReader;

/// How a type of yours is kept in one column, by a type that sqlane knows:
///     template <> struct sqlane::Stored<PartId> {
///         using type = std::int64_t;
///         static type to(PartId id) { return id.value; }
///         static PartId from(type value) { return PartId{value}; }
///     };
template <class T>
struct Stored;

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_system_time = false;
template <class D>
inline constexpr bool is_system_time<std::chrono::time_point<std::chrono::system_clock, D>> = true;

template <class T>
concept HasStored = requires { typename Stored<T>::type; };

template <class T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !Character<T>;

/// The types that fill one column.
template <class T>
concept Scalar = HasStored<T> || std::same_as<T, bool> || Integer<T> || std::floating_point<T> || std::is_enum_v<T> ||
                 std::same_as<T, std::string> || std::same_as<T, Blob> || is_system_time<T> || is_optional<T>;

/// The integer that an enum is kept as; one over a character type is a number too.
template <class E>
consteval auto number_of_enum() {
    using Number = std::underlying_type_t<E>;
    if constexpr (!Character<Number>)
        return std::type_identity<Number>{};
    else if constexpr (std::is_signed_v<Number>)
        return std::type_identity<std::make_signed_t<Number>>{};
    else
        return std::type_identity<std::make_unsigned_t<Number>>{};
}
template <class E>
using EnumNumber = typename decltype(number_of_enum<E>())::type;

template <class>
inline constexpr bool always_false = false;

template <class T>
T read_number(const Cursor& cursor, int column) {
    if constexpr (std::same_as<T, bool>) {
        const auto value = cursor.integer(column);
        if (value != 0 && value != 1) cursor.does_not_fit(column, "a bool is 0 or 1");
        return value == 1;
    } else if constexpr (Integer<T>) {
        const auto value = cursor.integer(column);
        if (!std::in_range<T>(value)) cursor.does_not_fit(column, "the number does not fit the integer asked for");
        return static_cast<T>(value);
    } else {
        const auto value = cursor.real(column);
        if (std::isfinite(value) && std::abs(value) > static_cast<double>((std::numeric_limits<T>::max)()))
            cursor.does_not_fit(column, "the number does not fit the floating-point type asked for");
        return static_cast<T>(value);
    }
}

template <class T>
T read_column(const Cursor& cursor, int column) {
    if constexpr (HasStored<T>) {
        return Stored<T>::from(read_column<typename Stored<T>::type>(cursor, column));
    } else if constexpr (is_optional<T>) {
        if (cursor.is_null(column)) return std::nullopt;
        return read_column<typename T::value_type>(cursor, column);
    } else if constexpr (std::same_as<T, bool> || Integer<T> || std::floating_point<T>) {
        return read_number<T>(cursor, column);
    } else if constexpr (std::is_enum_v<T>) {
        return static_cast<T>(read_number<EnumNumber<T>>(cursor, column));
    } else if constexpr (std::same_as<T, std::string>) {
        return std::string{cursor.text(column)};
    } else if constexpr (std::same_as<T, Blob>) {
        const auto bytes = cursor.blob(column);
        return Blob{bytes.begin(), bytes.end()};
    } else if constexpr (is_system_time<T>) {
        using Ticks = typename T::duration;
        return T{Ticks{read_number<typename Ticks::rep>(cursor, column)}};
    } else {
        static_assert(always_false<T>,
                      "sqlane: this type cannot be read from one column; use an integer, a floating-point number, "
                      "bool, an enum, std::string, sqlane::Blob, std::optional, a system_clock time point, or "
                      "specialise sqlane::Stored (one column) or sqlane::RowReader (a row)");
    }
}

template <class T>
void bind_one(Cursor& cursor, int parameter, const T& value) {
    if constexpr (HasStored<T>) {
        const auto stored = Stored<T>::to(value);
        bind_one(cursor, parameter, stored);
    } else if constexpr (std::same_as<T, std::nullopt_t> || std::same_as<T, std::nullptr_t>) {
        cursor.bind_null(parameter);
    } else if constexpr (is_optional<T>) {
        value.has_value() ? bind_one(cursor, parameter, *value) : cursor.bind_null(parameter);
    } else if constexpr (std::is_enum_v<T>) {
        bind_one(cursor, parameter, static_cast<EnumNumber<T>>(value));
    } else if constexpr (std::same_as<T, bool>) {
        cursor.bind_integer(parameter, value ? 1 : 0);
    } else if constexpr (Integer<T>) {
        if (!std::in_range<std::int64_t>(value))
            cursor.cannot_bind(parameter, "is above the 63 bits of a SQLite integer");
        cursor.bind_integer(parameter, static_cast<std::int64_t>(value));
    } else if constexpr (std::floating_point<T>) {
        if (std::isnan(value)) cursor.cannot_bind(parameter, "is NaN, which SQLite would store as NULL");
        cursor.bind_real(parameter, static_cast<double>(value));
    } else if constexpr (is_system_time<T>) {
        bind_one(cursor, parameter, value.time_since_epoch().count());
    } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
        if constexpr (std::is_pointer_v<T>)
            if (value == nullptr) cursor.cannot_bind(parameter, "is a null char pointer; bind std::nullopt for NULL");
        cursor.bind_text(parameter, value);
    } else if constexpr (std::is_convertible_v<const T&, std::span<const std::byte>>) {
        cursor.bind_blob(parameter, value);
    } else {
        static_assert(always_false<T>,
                      "sqlane: this type cannot be bound; use an integer, a floating-point number, bool, an enum, "
                      "text, bytes, std::optional, a system_clock time point, std::nullopt, or specialise "
                      "sqlane::Stored");
    }
}

/// A `Stored` type that becomes a std::string is bound from a temporary, so it is copied by SQLite.
template <class T>
consteval Bound lifetime_of() {
    if constexpr (HasStored<T>)
        return Bound::copied;
    else if constexpr (is_optional<T>)
        return lifetime_of<typename T::value_type>();
    else
        return Bound::borrowed;
}

template <class... Args>
consteval Bound lifetime_of_all() {
    return ((lifetime_of<Args>() == Bound::copied) || ...) ? Bound::copied : Bound::borrowed;
}

template <class... Args>
void bind_all(Cursor& cursor, const Args&... args) {
    int parameter = 0;
    (bind_one(cursor, ++parameter, args), ...);
}

template <class... Ts>
consteval auto row_result() {
    if constexpr (sizeof...(Ts) == 1)
        return std::type_identity<Ts...>{};
    else
        return std::type_identity<std::tuple<Ts...>>{};
}

/// `T` for one type, a tuple for several.
template <class... Ts>
using RowResult = typename decltype(row_result<Ts...>())::type;

}  // namespace detail

/// The row that a RowReader reads. Lives no longer than the call that it is given to.
class Row {
public:
    explicit Row(const detail::Cursor& cursor) noexcept : cursor_(cursor) {}
    Row(const Row&) = delete;
    Row& operator=(const Row&) = delete;

    [[nodiscard]] int size() const { return cursor_.columns(); }
    [[nodiscard]] bool is_null(int column) const { return cursor_.is_null(column); }

    template <detail::Scalar T>
    [[nodiscard]] T get(int column) const {
        return detail::read_column<T>(cursor_, column);
    }
    template <detail::Scalar T>
    [[nodiscard]] T get(std::string_view name) const {
        return detail::read_column<T>(cursor_, cursor_.column_named(name));
    }

private:
    const detail::Cursor& cursor_;
};

namespace detail {

template <class T>
concept HasRowReader = requires(const Row& row) {
    { RowReader<T>::read(row) } -> std::convertible_to<T>;
};

template <class... Ts>
RowResult<Ts...> read_row(const Cursor& cursor) {
    if constexpr (sizeof...(Ts) == 1 && (HasRowReader<Ts> && ...)) {
        return (RowReader<Ts>::read(Row{cursor}), ...);
    } else {
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return RowResult<Ts...>{read_column<Ts>(cursor, static_cast<int>(I))...};
        }(std::index_sequence_for<Ts...>{});
    }
}

/// Checked after the first step: a schema that changed since the statement was prepared shows then.
template <class... Ts>
void expect_shape(const Cursor& cursor) {
    if constexpr (!(sizeof...(Ts) == 1 && (HasRowReader<Ts> && ...)))
        cursor.expect_columns(static_cast<int>(sizeof...(Ts)));
}

}  // namespace detail

/// Rows read one at a time, inside the closure: `for (auto [id, name] : r.rows<int, std::string>(sql))`.
/// Can be walked once.
template <class... Ts>
class Rows {
public:
    explicit Rows(detail::Cursor&& cursor) noexcept : cursor_(std::move(cursor)) {}
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;

    class iterator {
    public:
        using value_type = detail::RowResult<Ts...>;
        using difference_type = std::ptrdiff_t;

        value_type operator*() const { return detail::read_row<Ts...>(rows_->cursor_); }
        iterator& operator++() {
            rows_->advance();
            return *this;
        }
        void operator++(int) { ++*this; }
        bool operator==(std::default_sentinel_t) const noexcept { return !rows_->has_row_; }

    private:
        friend class Rows;
        explicit iterator(Rows& rows) noexcept : rows_(&rows) {}
        Rows* rows_;
    };

    iterator begin() {
        if (started_) cursor_.misused("rows(): the rows can be walked only once; run the query again or use all()");
        started_ = true;
        advance();
        detail::expect_shape<Ts...>(cursor_);
        return iterator{*this};
    }
    [[nodiscard]] std::default_sentinel_t end() const noexcept { return {}; }

private:
    void advance() { has_row_ = cursor_.step(); }

    detail::Cursor cursor_;
    bool started_ = false;
    bool has_row_ = false;
};

}  // namespace sqlane
