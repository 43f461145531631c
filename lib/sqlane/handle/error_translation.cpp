#include "handle/error_translation.hpp"

#include <sqlane/errors.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace sqlane::detail {
namespace {

std::string code_name(int code) {
    return std::string{" ("} + sqlite3_errstr(code) + ", SQLite code " + std::to_string(code) + ")";
}

/// Functions and virtual tables repeat what they were given, and that may be a bound value: "fts5: syntax error near
/// "x"", "JSON path error near 'x'", "unable to open database: x". What follows a quotation mark or a colon is left out.
std::string without_given_values(std::string message) {
    constexpr std::string_view fts5 = "fts5: ";
    const auto start = message.starts_with(fts5) ? fts5.size() : 0;
    const auto end = std::min({message.find('"', start), message.find('\'', start), message.find(": ", start)});
    if (end == std::string::npos) return message;
    message.resize(end);
    return message + (message.ends_with(' ') ? "…" : " …");
}

std::string sentence(const Failure& failure) {
    std::string text;
    switch (failure.doing) {
        case Doing::opening: text = "cannot open"; break;
        case Doing::preparing: text = "cannot compile"; break;
        case Doing::running: text = "failed"; break;
    }
    text += failure.sql.empty() ? ":" : ": " + shortened(failure.sql) + ":";
    const int primary = failure.code & 0xff;
    const bool may_quote_values =
        failure.doing == Doing::running && (primary == SQLITE_ERROR || primary == SQLITE_CANTOPEN);
    text += " " + (may_quote_values ? without_given_values(failure.message) : failure.message);
    return std::string{failure.database} + ": " + text + code_name(failure.code);
}

ConstraintKind constraint_kind(int code) {
    switch (code) {
        case SQLITE_CONSTRAINT_UNIQUE:
        case SQLITE_CONSTRAINT_ROWID: return ConstraintKind::unique;
        case SQLITE_CONSTRAINT_PRIMARYKEY: return ConstraintKind::primary_key;
        case SQLITE_CONSTRAINT_FOREIGNKEY: return ConstraintKind::foreign_key;
        case SQLITE_CONSTRAINT_NOTNULL: return ConstraintKind::not_null;
        case SQLITE_CONSTRAINT_CHECK: return ConstraintKind::check;
        case SQLITE_CONSTRAINT_TRIGGER: return ConstraintKind::trigger;
        case SQLITE_CONSTRAINT_DATATYPE: return ConstraintKind::datatype;
        default: return ConstraintKind::other;
    }
}

struct Columns {
    std::string table;
    std::string columns;
};

/// SQLite names them only in its message: "UNIQUE constraint failed: Parts.category, Parts.name".
Columns columns_of(const std::string& message, ConstraintKind kind) {
    // Of STRICT tables: "cannot store TEXT value in INTEGER column Parts.weight".
    const std::string_view marker = kind == ConstraintKind::datatype ? " column " : "constraint failed: ";
    const auto found = message.find(marker);
    if (found == std::string::npos) return {};
    const std::string list = message.substr(found + marker.size());
    if (kind == ConstraintKind::check) return {"", list};
    Columns result;
    for (std::size_t start = 0; start < list.size();) {
        const auto end = std::min(list.find(", ", start), list.size());
        const auto item = list.substr(start, end - start);
        const auto dot = item.find('.');
        if (dot == std::string::npos) return {"", list};
        result.table = item.substr(0, dot);
        result.columns += (result.columns.empty() ? "" : ", ") + item.substr(dot + 1);
        start = end + 2;
    }
    return result;
}

[[noreturn]] void throw_constraint(const Failure& failure) {
    const auto kind = constraint_kind(failure.code);
    auto [table, columns] = columns_of(failure.message, kind);
    throw ConstraintError{sentence(failure), failure.at, failure.code, kind, std::move(table), std::move(columns)};
}

}  // namespace

Failure last_failure(sqlite3* db, int code, Doing doing, std::string_view sql) {
    return {
        .code = code, .message = db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code), .doing = doing, .sql = sql};
}

void throw_failure(const Failure& failure) {
    const auto text = [&](const char* advice) { return sentence(failure) + "; " + advice; };
    switch (failure.code & 0xff) {
        case SQLITE_CONSTRAINT: throw_constraint(failure);
        case SQLITE_LOCKED:
            throw UsageError{
                text("a statement of the same closure still reads what this changes; finish its loop first"),
                failure.at, failure.code};
        case SQLITE_BUSY:
        case SQLITE_PROTOCOL:
            throw Busy{text("another process kept the file locked until the deadline; retry, or allow a "
                            "longer timeout"),
                       failure.at, failure.code};
        case SQLITE_CORRUPT:
            throw CorruptError{text("the file is damaged; run 'sqlane doctor' on it and restore a backup"), failure.at,
                               failure.code};
        case SQLITE_NOTADB:
            throw CorruptError{text("the file is another kind of file, or encrypted; it was left as it is"), failure.at,
                               failure.code};
        case SQLITE_FULL:
            throw StorageError{text("free some disk space; nothing that was committed is lost"), failure.at,
                               failure.code};
        case SQLITE_READONLY:
        case SQLITE_PERM:
        case SQLITE_CANTOPEN:
            throw StorageError{text("check the rights of the file and of its folder"), failure.at, failure.code};
        case SQLITE_IOERR:
        case SQLITE_NOLFS:
            throw StorageError{text("the disk or file system failed; nothing that was committed is lost"), failure.at,
                               failure.code};
        case SQLITE_NOMEM: throw StorageError{text("out of memory"), failure.at, failure.code};
        case SQLITE_INTERRUPT: throw Cancelled{text("it was interrupted"), failure.at, failure.code};
        case SQLITE_ABORT: throw Aborted{text("its transaction was rolled back"), failure.at, failure.code};
        case SQLITE_MISMATCH:
        case SQLITE_TOOBIG:
            if (failure.doing == Doing::preparing)
                throw UsageError{text("shorten the statement, and bind its values"), failure.at, failure.code};
            throw TypeError{text("store a value of the column's type and size"), failure.at, failure.code};
        case SQLITE_ERROR:
        case SQLITE_AUTH:
        case SQLITE_RANGE:
        case SQLITE_MISUSE: throw UsageError{text("correct the statement"), failure.at, failure.code};
        default: throw Error{sentence(failure), failure.at, failure.code};
    }
}

std::string place(const std::source_location& at) {
    if (at.line() == 0) return "?";
    std::string_view file = at.file_name();
    if (const auto slash = file.find_last_of("/\\"); slash != std::string_view::npos) file.remove_prefix(slash + 1);
    return std::string{file} + ":" + std::to_string(at.line());
}

std::string shortened(std::string_view sql, std::size_t limit) {
    std::string line;
    bool space = false;
    for (const char c : sql) {
        if (std::isspace(static_cast<unsigned char>(c)) != 0) {
            space = !line.empty();
            continue;
        }
        const bool continues_character = (static_cast<unsigned char>(c) & 0xC0) == 0x80;
        if (line.size() + 4 > limit && !continues_character) return line + " …";
        if (space) line += ' ';
        space = false;
        line += c;
    }
    return line;
}

bool condemns_handle(int code) noexcept {
    const int primary = code & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_IOERR || primary == SQLITE_NOTADB;
}

bool is_storage_failure(int code) noexcept {
    const int primary = code & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_FULL;
}

}  // namespace sqlane::detail
