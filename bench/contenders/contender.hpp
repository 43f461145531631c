#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// What is measured, behind one interface, so that each workload is written once and all do the same work.
namespace bench {

struct Item {
    std::int64_t id = 0;
    std::int64_t amount = 0;
    std::string name;

    friend bool operator==(const Item&, const Item&) = default;
};

/// What the row must be: every read is checked against it.
[[nodiscard]] constexpr std::int64_t amount_of(std::int64_t id) { return id * 2654435761 % 1000003; }
[[nodiscard]] inline Item item_of(std::int64_t id) { return {id, amount_of(id), "item " + std::to_string(id)}; }

enum class Durability : std::uint8_t { full, normal };

/// The next rows to import; none at the end.
using Batches = std::function<std::span<const Item>()>;

inline constexpr int pool_size = 8;

/// The tables: `Items` is read, `Entries` takes one row per transaction, `Imports` takes many.
inline constexpr const char* schema_sql = R"(
    CREATE TABLE Items(id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, name TEXT NOT NULL) STRICT;
    CREATE TABLE Entries(id INTEGER PRIMARY KEY, thread INTEGER NOT NULL, value INTEGER NOT NULL) STRICT;
    CREATE TABLE Imports(id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, name TEXT NOT NULL) STRICT;
)";

/// All send the same text. The parameters have both a place and a name, for SOCI knows only names.
inline constexpr const char* read_sql = "SELECT id, amount, name FROM Items WHERE id = :id";
inline constexpr const char* append_sql = "INSERT INTO Entries(thread, value) VALUES (:thread, :value)";
inline constexpr const char* import_sql = "INSERT INTO Imports(id, amount, name) VALUES (:id, :amount, :name)";
/// Needs all rows, and groups them in a temporary tree, as reports do.
inline constexpr const char* aggregate_sql =
    "SELECT sum(part) FROM (SELECT sum(amount) AS part FROM Items GROUP BY amount % 100)";

/// The settings of sqlane's own handles, given to all. `wal_autocheckpoint` stays SQLite's: nobody else would
/// checkpoint for them.
[[nodiscard]] std::vector<std::string> settings(Durability durability);

/// What one thread uses.
/// Thread safety: belongs to the thread that made it.
class Session {
public:
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    virtual ~Session() = default;

    virtual Item read(std::int64_t id) = 0;
    /// One row in a transaction of its own.
    virtual void append(std::int64_t thread, std::int64_t value) = 0;
    /// Reads something, and keeps that snapshot while `while_held` runs.
    virtual void hold_snapshot(const std::function<void()>& while_held) = 0;
    virtual std::int64_t aggregate() = 0;
    /// All batches in one transaction.
    virtual void import(const Batches& batches) = 0;
};

/// Thread safety: `session` is called from many threads.
class Contender {
public:
    Contender() = default;
    Contender(const Contender&) = delete;
    Contender& operator=(const Contender&) = delete;
    virtual ~Contender() = default;

    virtual std::unique_ptr<Session> session() = 0;
};

using Open = std::unique_ptr<Contender> (*)(const std::filesystem::path& file, Durability durability);

struct Kind {
    std::string name;
    std::string version;
    Open open;
};

inline constexpr const char* ours = "sqlane";
inline constexpr const char* bare = "bare sqlite3";

/// Those that were found when this was built; sqlane and bare sqlite3 first.
[[nodiscard]] const std::vector<Kind>& contenders();
/// Those that were not.
[[nodiscard]] const std::vector<std::string>& left_out();

// One file each.
Kind sqlane_contender();
Kind bare_contender();
Kind sqlitecpp_contender();
Kind soci_contender();
Kind poco_contender();

}  // namespace bench
