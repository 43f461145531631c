#pragma once

#include <sqlane/connection_manager.hpp>

#include <cstdint>
#include <exception>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace cli {

struct Problem {
    std::string what;
    std::string advice;
};

struct TableRows {
    std::string name;
    /// Empty when they could not be counted.
    std::optional<std::int64_t> rows;
};

/// A row that refers to one that is not there.
struct Orphan {
    std::string table;
    /// Empty for a table WITHOUT ROWID.
    std::optional<std::int64_t> rowid;
    std::string parent;
};

/// What the database says of itself, all in one snapshot. A part that could not be read is a problem and not an
/// exception: of a damaged file one wants to know as much as can be known.
struct Examination {
    std::int64_t page_size = 0;
    std::int64_t pages = 0;
    std::int64_t free_pages = 0;
    std::int64_t user_version = 0;
    std::int64_t application_id = 0;
    std::string encoding;
    std::string sqlite_version;

    /// The first ones by name.
    std::vector<TableRows> tables;
    std::uint64_t all_tables = 0;
    std::uint64_t views = 0;
    std::uint64_t virtual_tables = 0;

    /// SQLite's lines: "ok" alone when all is well, none or not all when the check failed.
    std::vector<std::string> quick_check;
    /// The first ones.
    std::vector<Orphan> orphans;
    std::uint64_t all_orphans = 0;
    bool foreign_keys_checked = false;

    std::vector<Problem> problems;

    [[nodiscard]] bool pages_are_whole() const { return quick_check.size() == 1 && quick_check.front() == "ok"; }
};

constexpr std::size_t listed_tables = 50;
constexpr std::size_t listed_orphans = 20;
/// SQLite stops there by itself.
constexpr std::size_t quick_check_limit = 100;

Examination examine(sqlane::ConnectionManager& db, const std::stop_token& stop);

}  // namespace cli
