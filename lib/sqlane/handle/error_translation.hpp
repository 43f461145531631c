#pragma once

#include <source_location>
#include <string>
#include <string_view>

struct sqlite3;

namespace sqlane::detail {

/// What SQLite was doing when it failed. It decides how the message may quote SQLite's own words.
enum class Doing { opening, preparing, running };

struct Failure {
    int code = 0;
    std::string message;
    Doing doing = Doing::running;
    std::string_view sql{};
    std::string_view database{};
    std::source_location at{};
};

/// What the connection says of its last failure; `code` is the extended result code that the call returned.
Failure last_failure(sqlite3* db, int code, Doing doing, std::string_view sql);

/// Throws the one of our exceptions that says what the caller can do.
[[noreturn]] void throw_failure(const Failure& failure);

/// "import.cpp:140 import_parts()"; "?" for an unknown place.
std::string place(const std::source_location& at);

/// One line, at most `limit` characters, white space folded.
std::string shortened(std::string_view sql, std::size_t limit = 160);

/// True for failures after which a handle must not be lent again.
bool condemns_handle(int code) noexcept;

/// The disk is full, or it or the file system failed; not what the statement says.
bool is_storage_failure(int code) noexcept;

}  // namespace sqlane::detail
