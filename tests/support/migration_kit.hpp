#pragma once

// After doctest.
#include <sqlane/migrator.hpp>

#include "handle/platform.hpp"
#include "support/steps.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the tests of migrations share.
namespace support {

/// A connection that sqlane knows nothing of, and that never waits: what it may not do fails at once.
/// Thread safety: belongs to one thread at a time.
class Raw {
public:
    using Row = std::vector<std::pair<std::string, std::string>>;  // names and values as SQL literals

    explicit Raw(const std::filesystem::path& file, int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
        require(sqlite3_open_v2(file.string().c_str(), &db_, flags, nullptr));
        require(sqlite3_exec(db_, "PRAGMA wal_autocheckpoint=0", nullptr, nullptr, nullptr));
    }
    Raw(const Raw&) = delete;
    Raw& operator=(const Raw&) = delete;
    ~Raw() { sqlite3_close(db_); }

    /// SQLite's code.
    int attempt(const std::string& sql) { return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr); }

    void run(const std::string& sql) { require(attempt(sql)); }

    std::vector<Row> rows(const std::string& sql) {
        sqlite3_stmt* statement = nullptr;
        require(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr));
        std::vector<Row> all;
        int code = SQLITE_ROW;
        while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
            Row row;
            for (int i = 0; i < sqlite3_column_count(statement); ++i)
                row.emplace_back(sqlite3_column_name(statement, i), literal(statement, i));
            all.push_back(std::move(row));
        }
        sqlite3_finalize(statement);
        if (code != SQLITE_DONE) require(code);
        return all;
    }

    /// The first value, without quotes; empty for NULL and for no row.
    std::string value(const std::string& sql) {
        const auto all = rows(sql);
        if (all.empty() || all.front().empty() || all.front().front().second == "NULL") return {};
        auto text = all.front().front().second;
        if (text.size() >= 2 && text.front() == '\'') text = text.substr(1, text.size() - 2);
        return text;
    }

private:
    static std::string literal(sqlite3_stmt* statement, int column) {
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
        if (text == nullptr) return "NULL";
        const bool quoted = sqlite3_column_type(statement, column) == SQLITE_TEXT;
        return (quoted ? "'" : "") + std::string{text, size} + (quoted ? "'" : "");
    }

    void require(int code) {
        if (code != SQLITE_OK) throw std::runtime_error{std::string{"raw: "} + sqlite3_errmsg(db_)};
    }

    sqlite3* db_ = nullptr;
};

/// Everything that a database says: its schema, every row of every table (our history too, without its clock), and the
/// numbers in its header.
inline std::string dump_of(const std::filesystem::path& file) {
    Raw db{file, SQLITE_OPEN_READWRITE};
    std::string text = "user_version " + db.value("PRAGMA user_version") + ", application_id " +
                       db.value("PRAGMA application_id") + "\n";
    for (const auto& object : db.rows("SELECT type, name, sql FROM sqlite_schema ORDER BY type, name"))
        for (const auto& [name, value] : object) text += value + "\n";
    const auto tables =
        db.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name");
    for (const auto& table : tables) {
        const auto& quoted = table.front().second;
        text += quoted + "\n";
        for (const auto& row : db.rows("SELECT * FROM \"" + quoted.substr(1, quoted.size() - 2) + "\"")) {
            for (const auto& [name, value] : row)
                if (name != "applied_at" && name != "duration_ms") text += value + "|";
            text += "\n";
        }
    }
    return text;
}

/// The bytes of a file. Closing it drops the locks that this process has on it, so only for what nobody has open.
inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::string content(std::filesystem::file_size(path), '\0');
    file.read(content.data(), static_cast<std::streamsize>(content.size()));
    return content;
}

inline void write_file(const std::filesystem::path& path, std::string_view content) {
    std::ofstream{path, std::ios::binary}.write(content.data(), static_cast<std::streamsize>(content.size()));
}

inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder})
        names.push_back(entry.path().filename().string());
    std::ranges::sort(names);
    return names;
}

/// Those whose name has `part` in it.
inline std::vector<std::filesystem::path> files_with(const std::filesystem::path& folder, const std::string& part) {
    std::vector<std::filesystem::path> found;
    for (const auto& name : names_in(folder))
        if (contains(name, part)) found.push_back(folder / name);
    return found;
}

/// Every file of a folder to the byte, and when it was written. Only for folders in which nobody has anything open.
inline std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> state_of(
    const std::filesystem::path& folder) {
    std::map<std::string, std::pair<std::string, std::filesystem::file_time_type>> state;
    for (const auto& entry : std::filesystem::directory_iterator{folder})
        state[entry.path().filename().string()] = {content_of(entry.path()), entry.last_write_time()};
    return state;
}

/// A migration as it is written.
struct File {
    std::string name;
    std::string text;
};

inline sqlane::MigrationSet set_of(const std::vector<File>& files) {
    std::vector<sqlane::MigrationFile> given;
    given.reserve(files.size());
    for (const auto& file : files) given.push_back({file.name, file.text});
    return sqlane::MigrationSet::from_files(given);
}

template <class Work>
sqlane::MigrationError migration_error(Work&& work) {
    return caught<sqlane::MigrationError>(std::forward<Work>(work));
}

/// One database in a folder of its own, on a RAM disk where there is one: these tests flush thousands of times.
class Sandbox {
public:
    Sandbox() { std::filesystem::create_directory(folder()); }
    [[nodiscard]] std::filesystem::path folder() const { return private_.path() / "box"; }
    [[nodiscard]] std::filesystem::path file() const { return folder() / "test.db"; }
    [[nodiscard]] std::string dump() const { return dump_of(file()); }
    [[nodiscard]] std::string content() const { return content_of(file()); }
    [[nodiscard]] std::vector<std::string> names() const { return names_in(folder()); }

    /// By a connection that sqlane knows nothing of, closed again.
    void run(const std::string& sql) const { Raw{file()}.run(sql); }
    [[nodiscard]] std::string value(const std::string& sql) const { return Raw{file()}.value(sql); }

    [[nodiscard]] sqlane::Migrator migrator(const std::vector<File>& files,
                                            sqlane::MigrationOptions options = {}) const {
        return sqlane::Migrator{file(), set_of(files), std::move(options)};
    }
    sqlane::MigrationResult up(const std::vector<File>& files, sqlane::MigrationOptions options = {}) const {
        return migrator(files, std::move(options)).up();
    }
    sqlane::MigrationError up_fails(const std::vector<File>& files, sqlane::MigrationOptions options = {}) const {
        return migration_error([&] { up(files, std::move(options)); });
    }

private:
    sqlane::detail::platform::PrivateFolder private_;
};

inline sqlane::MigrationOptions without_backup() {
    sqlane::MigrationOptions options;
    options.backup = false;
    return options;
}

/// While this lives, every connection that SQLite opens is given to `work` first.
/// Thread safety: one at a time in the process, and `work` on whatever thread opens a connection.
class EveryConnection {
public:
    explicit EveryConnection(std::function<void(sqlite3*)> work) {
        work_() = std::move(work);
        sqlite3_auto_extension(reinterpret_cast<void (*)()>(&EveryConnection::on_open));
    }
    EveryConnection(const EveryConnection&) = delete;
    EveryConnection& operator=(const EveryConnection&) = delete;
    ~EveryConnection() {
        sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&EveryConnection::on_open));
        work_() = nullptr;
    }

private:
    static std::function<void(sqlite3*)>& work_() {
        static std::function<void(sqlite3*)> work;
        return work;
    }
    static int on_open(sqlite3* db, char** /*message*/, const void* /*api*/) {
        if (work_()) work_()(db);
        return SQLITE_OK;
    }
};

/// Gives every connection an SQL function of no or one argument that calls `work` and returns its argument, so that a
/// migration itself says when something is to happen.
/// Thread safety: as EveryConnection.
class SqlFunction {
public:
    SqlFunction(std::string name, std::function<void(long long)> work)
        : work_(std::move(work)), every_([this, name = std::move(name)](sqlite3* db) {
              sqlite3_create_function(db, name.c_str(), 1, SQLITE_UTF8 | SQLITE_INNOCUOUS, this, &SqlFunction::on_call,
                                      nullptr, nullptr);
          }) {}

private:
    static void on_call(sqlite3_context* context, int /*count*/, sqlite3_value** values) {
        static_cast<SqlFunction*>(sqlite3_user_data(context))->work_(sqlite3_value_int64(values[0]));
        sqlite3_result_value(context, values[0]);
    }

    std::function<void(long long)> work_;
    EveryConnection every_;
};

}  // namespace support
