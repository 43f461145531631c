#pragma once

#include <sqlane/detail/function_ref.hpp>
#include <sqlane/detail/owning.hpp>

#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

namespace sqlane::detail {

/// What `f` returns, called with the view or (for parts of a transaction) with nothing.
template <class View, class F>
decltype(auto) call_with(F& f, View view) {
    if constexpr (std::is_invocable_v<F&, View>)
        return std::invoke(f, view);
    else
        return std::invoke(f);
}

/// Lets a closure with any result pass through code that knows only `void(View)`: `runner` gets a FunctionRef
/// that calls `f` once and keeps its result, which is moved out at the end.
template <class View, class F, class Runner>
auto with_result(F&& f, Runner&& runner) {
    static_assert(std::is_invocable_v<F&, View> || std::is_invocable_v<F&>,
                  "sqlane: the closure must be callable with the view this verb lends: execute lends "
                  "sqlane::Reader&, execute_mut sqlane::Writer&, transaction sqlane::Transaction&");
    using Result = decltype(call_with<View>(f, std::declval<View>()));
    static_assert(OwningResult<Result>,
                  "sqlane: a closure's result must own what it holds, because the row is gone when the closure "
                  "returns: return a std::string, a std::vector or a struct of values, not a view, reference, "
                  "pointer, Row or Rows");
    if constexpr (std::is_void_v<Result>) {
        auto body = [&f](View view) { call_with<View>(f, view); };
        runner(FunctionRef<void(View)>{body});
    } else {
        std::optional<Result> result;
        auto body = [&f, &result](View view) { result.emplace(call_with<View>(f, view)); };
        runner(FunctionRef<void(View)>{body});
        return std::move(*result);
    }
}

}  // namespace sqlane::detail
