#pragma once

#include <sqlane/connection_manager.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <string>

/// The little application that `sqlane demo` runs, written as one on top of sqlane is: functions that take the manager,
/// work alone and take part in the transaction of whoever calls them.
namespace cli::parts {

/// Thrown on purpose, to have a transaction undone.
class ChangedMyMind : public std::exception {};

void create_schema(sqlane::ConnectionManager& db);

/// The next number of the sequence: without gaps, for a transaction that is undone gives its number back.
std::int64_t draw_number(sqlane::ConnectionManager& db);

/// Draws a number and inserts the part, in one transaction. Returns the number.
std::int64_t create_part(sqlane::ConnectionManager& db, const std::string& category);

/// Creates a part, puts some in stock, and looks at the result, all in one transaction.
std::int64_t receive_part(sqlane::ConnectionManager& db, const std::string& category, int quantity);

/// As receive_part, but throws ChangedMyMind at the end.
void receive_and_return(sqlane::ConnectionManager& db, const std::string& category, int quantity);

/// How many are in stock, -1 when there is no such part.
std::int64_t find_stock(sqlane::ConnectionManager& db, std::int64_t number);

struct Newest {
    std::int64_t sequence = 0;
    std::int64_t number = 0;
    std::int64_t in_stock = 0;
};
/// The sequence and the parts, from one snapshot: `sequence` and `number` are equal, or a transaction was seen by half.
Newest newest(sqlane::ConnectionManager& db);

/// What the table holds in the end.
struct Ledger {
    std::int64_t rows = 0;
    std::int64_t different = 0;
    std::int64_t lowest = 0;
    std::int64_t highest = 0;
    std::int64_t sum = 0;
    std::int64_t sequence = 0;
};
Ledger ledger(sqlane::ConnectionManager& db);

/// A transaction that takes its time.
void nightly_import(sqlane::ConnectionManager& db, const std::function<void()>& while_it_runs);

void rename_category(sqlane::ConnectionManager& db, const std::string& from, const std::string& to,
                     sqlane::Deadline deadline);

}  // namespace cli::parts
