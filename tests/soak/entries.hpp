#pragma once

#include <sqlane/sqlane.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>

/// What the trials write, so that whatever is lost or comes in half shows in the file itself.
namespace soak {

/// Entries 1, 2, 3 and so on, each one transaction; a sum of them that each transaction brings up to date; and a table
/// that only undone savepoints write to.
class Entries {
public:
    static constexpr auto schema =
        "CREATE TABLE Entries(number INTEGER PRIMARY KEY, body BLOB NOT NULL);"
        "CREATE TABLE Sum(id INTEGER PRIMARY KEY, entries INTEGER NOT NULL, newest INTEGER NOT NULL);"
        "CREATE TABLE Undone(body BLOB);"
        "CREATE INDEX ix_entries_body ON Entries(body);"
        "INSERT INTO Sum VALUES (1, 0, 0);";

    /// Writes the entry in the transaction, with a savepoint now and then.
    static void write(sqlane::Transaction& transaction, std::int64_t number, std::mt19937_64& random);
};

/// What a file holds, read without sqlane.
struct Content {
    /// The newest entry; -1 when `wrong` says why there is none to speak of.
    std::int64_t newest = -1;
    /// Empty when every entry up to the newest is there once and whole.
    std::string wrong{};
};

/// A connection of bare SQLite.
/// Thread safety: belongs to one thread at a time.
class Bare {
public:
    explicit Bare(const std::filesystem::path& file, const char* vfs = nullptr);
    Bare(const Bare&) = delete;
    Bare& operator=(const Bare&) = delete;
    ~Bare() { sqlite3_close_v2(db_); }

    [[nodiscard]] sqlite3* raw() const noexcept { return db_; }
    /// SQLite's code.
    int attempt(const std::string& sql) { return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); }
    /// Throws what SQLite says when it does not succeed.
    void run(const std::string& sql);
    /// All values of all rows, with a blank between them.
    std::string values(const std::string& sql);

private:
    sqlite3* db_ = nullptr;
};

/// Opens the file as after a crash, and reads all of it. Changes nothing in it.
[[nodiscard]] Content look_at(const std::filesystem::path& file);

/// An empty ledger in a file that has its log, closed.
void make_entries(const std::filesystem::path& file, const std::string& encoding = "UTF-8");

[[nodiscard]] std::string content_of(const std::filesystem::path& file);
void write_file(const std::filesystem::path& file, const std::string& content);
/// The database and what SQLite keeps beside it.
void remove_database(const std::filesystem::path& file);

}  // namespace soak
