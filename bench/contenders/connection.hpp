#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

/// As little as can stand between a benchmark and SQLite: the bare contender, and what fills and checks the files.
namespace bench {

/// A prepared statement.
class Statement {
public:
    Statement(sqlite3* db, const char* sql);

    void bind(int parameter, std::int64_t value);
    /// The text must live until the statement is reset.
    void bind(int parameter, std::string_view text);
    /// False at the end, where it resets itself. Throws what went wrong.
    bool step();
    void reset();
    /// Steps to the end.
    void run();

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] std::string text(int column) const;

private:
    struct Finalize {
        void operator()(sqlite3_stmt* statement) const;
    };
    [[noreturn]] void fail();

    sqlite3* db_;
    std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection with those settings.
class Connection {
public:
    Connection(const std::filesystem::path& file, const std::vector<std::string>& settings);

    [[nodiscard]] sqlite3* raw() const { return db_.get(); }
    void script(const std::string& sql);
    /// The first column of the first row.
    std::int64_t value(const char* sql);

private:
    struct Close {
        void operator()(sqlite3* db) const;
    };
    std::unique_ptr<sqlite3, Close> db_;
};

}  // namespace bench
