#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>

/// One class per thing the caller can do about it. `what()` says what failed, the numbers at that
/// moment and what to do; it never contains a bound value.
namespace sqlane {

struct Report;

/// The root. Catch this to catch everything that sqlane throws (a closure's own exceptions arrive unchanged).
class Error : public std::runtime_error {
public:
    explicit Error(const std::string& what, const std::source_location& where = {}, int sqlite_code = 0)
        : std::runtime_error(what), where_(where), sqlite_code_(sqlite_code) {}

    /// The call of `execute`, `execute_mut` or `transaction` that failed; line 0 when there was none.
    [[nodiscard]] const std::source_location& where() const noexcept { return where_; }

    /// SQLite's extended result code (https://www.sqlite.org/rescode.html), 0 when SQLite had no part in it.
    [[nodiscard]] int sqlite_code() const noexcept { return sqlite_code_; }

private:
    std::source_location where_;
    int sqlite_code_;
};

/// An error that tells who held what when it was thrown.
class ErrorWithReport : public Error {
public:
    ErrorWithReport(const std::string& what, const std::source_location& where, std::shared_ptr<const Report> report)
        : Error(what, where), report_(std::move(report)) {}

    [[nodiscard]] const Report& report() const noexcept { return *report_; }

private:
    std::shared_ptr<const Report> report_;
};

/// The deadline passed, in the queue or while running. Look at who holds the lane; retry later.
class Timeout : public ErrorWithReport {
    using ErrorWithReport::ErrorWithReport;
};

/// The queue was full, so the call was refused at once. Shed load or raise `max_waiters`.
class Saturated : public ErrorWithReport {
    using ErrorWithReport::ErrorWithReport;
};

/// Another process kept the file locked until the deadline. Retry later.
class Busy : public Error {
    using Error::Error;
};

/// Waiting would have closed a ring of threads that wait for each other. Take the databases in one order.
class Deadlock : public Error {
    using Error::Error;
};

/// The calling code broke a rule; the message names the rule. Fix the code.
class UsageError : public Error {
    using Error::Error;
};

/// The caller's stop token or `close()` ended the call.
class Cancelled : public Error {
    using Error::Error;
};

enum class ConstraintKind : std::uint8_t {
    unique,
    primary_key,
    foreign_key,
    not_null,
    check,
    trigger,
    datatype,
    other
};

/// A row broke a rule of the schema. Tell the user which.
class ConstraintError : public Error {
public:
    ConstraintError(const std::string& what, const std::source_location& where, int sqlite_code, ConstraintKind kind,
                    std::string table, std::string column)
        : Error(what, where, sqlite_code), kind_(kind), table_(std::move(table)), column_(std::move(column)) {}

    [[nodiscard]] ConstraintKind kind() const noexcept { return kind_; }
    /// Empty where SQLite does not say (FOREIGN KEY, CHECK).
    [[nodiscard]] const std::string& table() const noexcept { return table_; }
    /// The column, several joined by ", ", or the name of the CHECK.
    [[nodiscard]] const std::string& column() const noexcept { return column_; }

private:
    ConstraintKind kind_;
    std::string table_;
    std::string column_;
};

/// A row that had to be there was not.
class NotFound : public Error {
    using Error::Error;
};

/// A value is not of the C++ type asked for, or does not fit it. Names the column.
class TypeError : public Error {
    using Error::Error;
};

/// The file is damaged, encrypted or not a database. Restore a backup; `sqlane doctor` tells more.
class CorruptError : public Error {
    using Error::Error;
};

/// The storage said no: disk full, I/O error, read-only, permissions, a network file system.
class StorageError : public Error {
    using Error::Error;
};

/// The manager is closing or closed.
class Closed : public Error {
    using Error::Error;
};

/// The transaction was undone for a reason outside it; nothing of it was kept. Run it again, or say `Call::replay`.
class Aborted : public Error {
    using Error::Error;
};

}  // namespace sqlane
