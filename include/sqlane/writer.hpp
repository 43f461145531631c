#pragma once

#include <sqlane/reader.hpp>

#include <cstdint>
#include <string_view>

namespace sqlane {

/// A Reader that can also write.
/// Thread safety: as Reader.
class Writer : public Reader {
public:
    /// Runs one statement to its end and tells how many rows it changed (0 for CREATE and the like).
    template <class... Args>
    std::int64_t run(std::string_view sql, const Args&... args) {
        return query(sql, args...).run_to_end();
    }

    /// Runs one INSERT and tells the rowid of the new row. NotFound when there is none: OR IGNORE, DO NOTHING, an UPSERT
    /// that updated, a table WITHOUT ROWID.
    template <class... Args>
    std::int64_t insert(std::string_view sql, const Args&... args) {
        return query(sql, args...).run_insert();
    }

    /// Runs several statements, separated by semicolons, without parameters.
    void script(std::string_view sql) { detail::run_script(handle_, rights_, sql); }

protected:
    friend class detail::Handle;
    explicit Writer(detail::Handle& handle, detail::Rights rights = detail::Rights::write) noexcept
        : Reader(handle, rights) {}
    ~Writer() = default;
};

}  // namespace sqlane
