#include "contenders/connection.hpp"

#include <sqlite3.h>

#include <stdexcept>

namespace bench {
namespace {

[[noreturn]] void fail_with(sqlite3* db) { throw std::runtime_error{std::string{"SQLite: "} + sqlite3_errmsg(db)}; }

}  // namespace

Statement::Statement(sqlite3* db, const char* sql) : db_(db) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) fail_with(db);
    statement_.reset(statement);
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }

void Statement::bind(int parameter, std::int64_t value) {
    if (sqlite3_bind_int64(statement_.get(), parameter, value) != SQLITE_OK) fail();
}

void Statement::bind(int parameter, std::string_view text) {
    const auto size = static_cast<int>(text.size());
    if (sqlite3_bind_text(statement_.get(), parameter, text.data(), size, SQLITE_STATIC) != SQLITE_OK) fail();
}

bool Statement::step() {
    const int code = sqlite3_step(statement_.get());
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) fail();
    reset();
    return false;
}

void Statement::reset() { sqlite3_reset(statement_.get()); }

void Statement::run() {
    while (step()) {
    }
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_.get(), column); }

std::string Statement::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
    if (text == nullptr) return {};
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

void Statement::fail() {
    const std::string message = sqlite3_errmsg(db_);
    reset();
    throw std::runtime_error{"SQLite: " + message};
}

Connection::Connection(const std::filesystem::path& file, const std::vector<std::string>& settings) {
    sqlite3* db = nullptr;
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    const int code = sqlite3_open_v2(file.c_str(), &db, flags, nullptr);
    db_.reset(db);
    if (code != SQLITE_OK) fail_with(db);
    for (const auto& setting : settings) script(setting);
}

void Connection::Close::operator()(sqlite3* db) const { sqlite3_close(db); }

void Connection::script(const std::string& sql) {
    if (sqlite3_exec(raw(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail_with(raw());
}

std::int64_t Connection::value(const char* sql) {
    Statement statement{raw(), sql};
    return statement.step() ? statement.integer(0) : 0;
}

}  // namespace bench
