#pragma once

#include <sqlane/migrator.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// What a process that is going to be killed writes, and how another one finds it afterwards. Every commit is one number
/// of one worker, so that a ledger of what was acknowledged tells what must be there.
namespace soak {

/// What a process is at when it is killed.
enum class Load : std::uint8_t {
    /// Many threads, with transactions of every kind.
    transactions,
    /// The same, over a log so short that a checkpoint runs nearly always.
    checkpoints,
    /// A migration, applied and undone again and again.
    migrations,
    /// A manager that is closed and made again and again.
    reopening
};

/// Threads that write, so many that their commits are shared.
inline constexpr int workers = 32;

/// A worker's transaction. Only `thrown` leaves nothing behind.
enum class Kind : std::uint8_t { transfer, savepoints, thrown, single, large };

/// The writer and the judge know it without telling each other.
Kind kind_of(std::uint64_t seed, std::uint64_t cycle, std::int64_t worker, std::int64_t number);
std::uint64_t mixed(std::uint64_t value);

inline constexpr int accounts = 32;
inline constexpr int opening_balance = 1000;
/// More than two mebibytes, on a page each: more than SQLite's cache holds.
inline constexpr int bulk_rows = 640;

/// A statement that fails at its last row.
inline constexpr const char* more_names_than_fit =
    "INSERT INTO Name(name) SELECT slot || hex(zeroblob(1500)) FROM Bulk UNION ALL SELECT 'taken'";

sqlane::MigrationSet ledger_migrations();

/// What one process finds in the file after another was killed.
struct Found {
    std::int64_t reopened_in_ns = 0;
    std::string quick_check;
    std::int64_t bank = 0;
    /// Rows that were only written where everything was undone again.
    std::int64_t undone = 0;
    /// 1: the large transaction is there whole.
    std::int64_t bulk_stamps = 0;
    std::int64_t version = 0;
    /// Rows of the table that the second migration makes; -1 without it.
    std::int64_t extra_rows = -1;
    std::int64_t older_entries = 0;
    /// Of the last cycle: worker and number.
    std::vector<std::pair<std::int64_t, std::int64_t>> entries;
};
Found parse_found(const std::string& text);

// Children; FILE first. The ledger and what was found are written to standard output.
int make_ledger(const std::vector<std::string>& arguments);
/// FILE SEED CYCLE LOAD
int write_ledger(const std::vector<std::string>& arguments);
/// FILE CYCLE; ends without closing the file in every other cycle.
int look_at_ledger(const std::vector<std::string>& arguments);

}  // namespace soak
