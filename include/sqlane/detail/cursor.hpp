#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sqlane::detail {

class Handle;
class Statement;

/// What the view that runs a statement may do.
enum class Rights : std::uint8_t { read, write, write_in_transaction };

/// Whether bound text and blobs stay alive until the statement is done, or must be copied.
enum class Bound : std::uint8_t { borrowed, copied };

/// One statement being run. Gives its statement back to the handle's cache when destroyed.
/// Thread safety: used by the thread of the closure only; anything else throws UsageError.
class Cursor {
public:
    Cursor(Handle& handle, Rights rights, std::string_view sql, std::size_t parameters, Bound bound);
    Cursor(const Cursor&) = delete;
    Cursor& operator=(const Cursor&) = delete;
    Cursor(Cursor&& other) noexcept;
    Cursor& operator=(Cursor&&) = delete;
    ~Cursor();

    /// Parameters count from 1, as in SQL.
    void bind_null(int parameter);
    void bind_integer(int parameter, std::int64_t value);
    void bind_real(int parameter, double value);
    void bind_text(int parameter, std::string_view value);
    void bind_blob(int parameter, std::span<const std::byte> value);
    [[noreturn]] void cannot_bind(int parameter, const std::string& why) const;

    /// True when there is a row. After the end or a failure it stays false: SQLite would begin anew.
    bool step();
    /// Steps to the end and tells how many rows were changed.
    std::int64_t run_to_end();
    /// Runs to the end and tells the rowid of the row that this inserted; NotFound when it inserted none.
    std::int64_t run_insert();

    /// Throws UsageError unless the statement returns this many columns.
    void expect_columns(int wanted) const;
    [[nodiscard]] int columns() const;
    /// Throws UsageError when there is no such column.
    [[nodiscard]] int column_named(std::string_view name) const;

    /// Columns count from 0. Each throws TypeError unless the value is of that storage class.
    [[nodiscard]] bool is_null(int column) const;
    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    /// Valid until the next step.
    [[nodiscard]] std::string_view text(int column) const;
    [[nodiscard]] std::span<const std::byte> blob(int column) const;
    [[noreturn]] void does_not_fit(int column, const std::string& why) const;

    [[noreturn]] void no_row() const;
    [[noreturn]] void more_than_one_row() const;
    [[noreturn]] void misused(const std::string& why) const;

private:
    void require_mine() const;
    void require_column(int column) const;
    void read_names() const;
    [[noreturn]] void wrong_type(int column, const char* wanted) const;
    void checked_bind(int parameter, int result) const;

    Handle* handle_;
    Statement* statement_;
    std::uint64_t lease_;
    Bound bound_;
    bool over_ = false;
    bool started_ = false;
    /// Read when the first name is asked for; and where names were found, by where the caller's text of them stands.
    mutable std::vector<std::string_view> names_;
    mutable std::array<std::uint16_t, 32> known_{};
};

/// Runs every statement of a script; parameters are not allowed in it.
void run_script(Handle& handle, Rights rights, std::string_view sql);

}  // namespace sqlane::detail
