#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace sqlane {
class Reader;
class Row;
template <class... Ts>
class Rows;
}  // namespace sqlane

namespace sqlane::detail {

/// False for a type that visibly points into something else. What hides in a struct of the user's own cannot be seen.
template <class T>
struct Owns : std::true_type {};

template <class T>
struct Owns<const T> : Owns<T> {};
template <class T>
struct Owns<T*> : std::bool_constant<std::is_function_v<T>> {};
template <class T>
struct Owns<T&> : std::false_type {};
template <class T>
struct Owns<std::reference_wrapper<T>> : std::false_type {};
template <>
struct Owns<Row> : std::false_type {};
template <class... Ts>
struct Owns<Rows<Ts...>> : std::false_type {};

template <class T>
    requires std::is_base_of_v<Reader, T>
struct Owns<T> : std::false_type {};

/// string_view, span, subranges and lazy views.
template <class T>
    requires std::ranges::view<T>
struct Owns<T> : std::false_type {};

template <class T>
struct Owns<std::initializer_list<T>> : std::false_type {};

/// Containers own when their elements do. A path and a JSON value are ranges of themselves.
template <class T>
    requires(std::ranges::range<T> && !std::ranges::view<T>)
struct Owns<T> : std::disjunction<std::is_same<std::ranges::range_value_t<T>, T>,
                                  Owns<std::remove_cv_t<std::ranges::range_value_t<T>>>> {};

template <class T>
struct Owns<std::optional<T>> : Owns<T> {};
template <class... Ts>
struct Owns<std::tuple<Ts...>> : std::conjunction<Owns<Ts>...> {};
template <class A, class B>
struct Owns<std::pair<A, B>> : std::conjunction<Owns<A>, Owns<B>> {};
template <class... Ts>
struct Owns<std::variant<Ts...>> : std::conjunction<Owns<Ts>...> {};

template <class T>
concept OwningResult = std::is_void_v<T> || (!std::is_reference_v<T> && Owns<std::remove_cv_t<T>>::value);

}  // namespace sqlane::detail
