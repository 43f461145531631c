#pragma once

#include <sqlane/errors.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

/// Comma-separated values as RFC 4180 has them, one record at a time: https://www.rfc-editor.org/rfc/rfc4180
namespace plm {

/// A record that cannot be read.
class CsvError : public sqlane::Error {
public:
    CsvError(std::int64_t line, const std::string& why)
        : sqlane::Error("line " + std::to_string(line) + ": " + why), line_(line), why_(why) {}
    /// From 1, where the record begins.
    [[nodiscard]] std::int64_t line() const noexcept { return line_; }
    [[nodiscard]] const std::string& why() const noexcept { return why_; }

private:
    std::int64_t line_;
    std::string why_;
};

struct CsvRecord {
    /// From 1, where the record begins.
    std::int64_t line = 0;
    /// As many as the header has.
    std::vector<std::string> fields;
};

/// Reads what spreadsheets write: lines end with CRLF, LF or CR, fields are separated by comma, semicolon or tab as the
/// header has it, the mark of UTF-8 may stand in front. Holds one record and one block of the stream, whatever its size.
/// Thread safety: one thread at a time.
class CsvReader {
public:
    static constexpr std::size_t most_field_bytes = std::size_t{1} << 20;
    static constexpr std::size_t most_columns = 1000;

    /// Reads the header. Throws CsvError when there is none, StorageError when the stream cannot be read.
    explicit CsvReader(std::istream& in);

    [[nodiscard]] const std::vector<std::string>& header() const noexcept { return header_; }
    [[nodiscard]] char separator() const noexcept { return separator_; }

    /// False at the end. Throws CsvError for a broken record, and the next call goes on with the one behind it.
    bool next(CsvRecord& record);

private:
    static constexpr int at_end = -1;

    bool fill();
    [[nodiscard]] int peek();
    void take();
    void skip_mark();
    bool skip_empty_lines();
    void detect_separator();
    [[nodiscard]] std::string_view rest_of_block() const;
    [[nodiscard]] bool is_line_end(int c) const noexcept { return c == '\n' || c == '\r' || c == at_end; }
    void end_line();
    void count_lines(std::string_view text);
    void read_field(std::string& field);
    void read_quoted(std::string& field);
    void read_plain(std::string& field);
    void append(std::string& field, std::string_view text);
    void check_text(const std::string& field);
    std::size_t read_record(std::vector<std::string>& fields, std::size_t most);
    void break_record(const std::string& why);
    [[nodiscard]] std::string place() const;

    std::istream& in_;
    std::vector<char> block_;
    std::size_t at_ = 0;
    std::size_t end_ = 0;
    char separator_ = ',';
    std::int64_t line_ = 1;
    /// A line feed behind a carriage return is no second line end.
    bool after_return_ = false;
    std::size_t field_ = 0;
    /// What is wrong with the record: the first thing that was.
    std::string broken_;
    /// Takes the fields that nobody has a place for.
    std::string surplus_;
    std::vector<std::string> header_;
};

/// Writes what CsvReader reads into the same fields. Nothing is added to a field and nothing taken away: one that begins
/// with = is data and not a formula, here as there.
/// Thread safety: one thread at a time.
class CsvWriter {
public:
    explicit CsvWriter(std::ostream& out) : out_(out) {}

    /// Throws StorageError when the stream takes no more.
    void row(std::initializer_list<std::string_view> fields);
    /// What the stream holds back reaches its end, or this throws StorageError.
    void finish();

private:
    void append(std::string_view field);

    std::ostream& out_;
    std::string line_;
};

}  // namespace plm
