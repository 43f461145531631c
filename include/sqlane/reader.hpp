#pragma once

#include <sqlane/row.hpp>

#include <optional>
#include <string_view>
#include <vector>

namespace sqlane {

/// Runs queries on the handle that a closure was lent.
/// Thread safety: belongs to the thread and the time of its closure; used elsewhere it throws UsageError.
class Reader {
public:
    Reader(const Reader&) = delete;
    Reader& operator=(const Reader&) = delete;

    /// The one row. None is NotFound, a second one is UsageError.
    template <class... Ts, class... Args>
    [[nodiscard]] detail::RowResult<Ts...> one(std::string_view sql, const Args&... args) {
        auto cursor = query(sql, args...);
        const bool found = cursor.step();
        detail::expect_shape<Ts...>(cursor);
        if (!found) cursor.no_row();
        return only_row<Ts...>(cursor);
    }

    /// The one row, or nothing. A second one is UsageError.
    template <class... Ts, class... Args>
    [[nodiscard]] std::optional<detail::RowResult<Ts...>> maybe(std::string_view sql, const Args&... args) {
        auto cursor = query(sql, args...);
        const bool found = cursor.step();
        detail::expect_shape<Ts...>(cursor);
        if (!found) return std::nullopt;
        return only_row<Ts...>(cursor);
    }

    template <class... Ts, class... Args>
    [[nodiscard]] std::vector<detail::RowResult<Ts...>> all(std::string_view sql, const Args&... args) {
        auto cursor = query(sql, args...);
        std::vector<detail::RowResult<Ts...>> rows;
        bool more = cursor.step();
        for (detail::expect_shape<Ts...>(cursor); more; more = cursor.step())
            rows.push_back(detail::read_row<Ts...>(cursor));
        return rows;
    }

    /// For results too large to hold: read while stepping. Bound values are copied.
    template <class... Ts, class... Args>
    [[nodiscard]] Rows<Ts...> rows(std::string_view sql, const Args&... args) {
        detail::Cursor cursor{handle_, rights_, sql, sizeof...(Args), detail::Bound::copied};
        detail::bind_all(cursor, args...);
        return Rows<Ts...>{std::move(cursor)};
    }

protected:
    friend class detail::Handle;
    Reader(detail::Handle& handle, detail::Rights rights) noexcept : handle_(handle), rights_(rights) {}
    ~Reader() = default;

    template <class... Args>
    detail::Cursor query(std::string_view sql, const Args&... args) {
        detail::Cursor cursor{handle_, rights_, sql, sizeof...(Args), detail::lifetime_of_all<Args...>()};
        detail::bind_all(cursor, args...);
        return cursor;
    }

    detail::Handle& handle_;
    detail::Rights rights_;

private:
    template <class... Ts>
    detail::RowResult<Ts...> only_row(detail::Cursor& cursor) {
        auto row = detail::read_row<Ts...>(cursor);
        if (cursor.step()) cursor.more_than_one_row();
        return row;
    }
};

}  // namespace sqlane
