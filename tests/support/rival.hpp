#pragma once

#include <sqlite3.h>

#include <filesystem>
#include <stdexcept>
#include <string>

namespace support {

/// A connection that sqlane knows nothing of, as another process has it.
/// Thread safety: belongs to one thread at a time.
class Rival {
public:
    explicit Rival(const std::filesystem::path& file) {
        require(sqlite3_open_v2(file.string().c_str(), &db_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr));
        sqlite3_busy_timeout(db_, 20'000);
        run("PRAGMA wal_autocheckpoint=0");
    }
    Rival(const Rival&) = delete;
    Rival& operator=(const Rival&) = delete;
    ~Rival() { sqlite3_close(db_); }

    void run(const std::string& sql) { require(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr)); }

    /// The one number that a query returns.
    long long number(const std::string& sql) {
        long long value = 0;
        read(sql, [&](sqlite3_stmt* statement) { value = sqlite3_column_int64(statement, 0); });
        return value;
    }

    /// The one text that a query returns.
    std::string text(const std::string& sql) {
        std::string value;
        read(sql, [&](sqlite3_stmt* statement) {
            value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
        });
        return value;
    }

private:
    template <class Take>
    void read(const std::string& sql, Take&& take) {
        sqlite3_stmt* statement = nullptr;
        require(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr));
        const bool found = sqlite3_step(statement) == SQLITE_ROW;
        if (found) take(statement);
        sqlite3_finalize(statement);
        if (!found) throw std::runtime_error{"no row: " + sql};
    }

    void require(int code) {
        if (code != SQLITE_OK) throw std::runtime_error{std::string{"rival: "} + sqlite3_errmsg(db_)};
    }

    sqlite3* db_ = nullptr;
};

}  // namespace support
