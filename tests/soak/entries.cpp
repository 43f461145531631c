#include "entries.hpp"

#include <array>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <system_error>
#include <vector>

namespace soak {
namespace {

struct UndoThis {};

std::vector<std::byte> body_of(std::int64_t number, std::mt19937_64& random) {
    // Some are longer than a page and a few longer than many, so that commits differ in their number of writes.
    const std::size_t most = number % 16 == 0 ? 12'000 : number % 4 == 0 ? 3000 : 300;
    return std::vector<std::byte>(1 + random() % most, static_cast<std::byte>(number));
}

void undo_a_part(sqlane::Transaction& transaction, const std::vector<std::byte>& body) {
    try {
        transaction.savepoint([&](sqlane::Transaction& part) {
            part.run("INSERT INTO Undone(body) VALUES (?)", body);
            part.savepoint([&](sqlane::Transaction& inner) { inner.run("UPDATE Sum SET entries = -1"); });
            throw UndoThis{};
        });
    } catch (const UndoThis&) {
        return;
    }
}

constexpr auto all_of_it =
    "SELECT (SELECT count(*) FROM Entries), (SELECT coalesce(max(number), 0) FROM Entries), "
    "(SELECT coalesce(min(number), 1) FROM Entries), (SELECT entries FROM Sum), (SELECT newest FROM Sum), "
    "(SELECT count(*) FROM Undone), (SELECT count(body) FROM Entries INDEXED BY ix_entries_body)";

std::string whole(std::int64_t newest) {
    const auto text = std::to_string(newest);
    return text + " " + text + " 1 " + text + " " + text + " 0 " + text;
}

}  // namespace

void Entries::write(sqlane::Transaction& transaction, std::int64_t number, std::mt19937_64& random) {
    const auto body = body_of(number, random);
    if (number % 3 == 0) undo_a_part(transaction, body);
    transaction.run("INSERT INTO Entries(number, body) VALUES (?, ?)", number, body);
    transaction.savepoint([&](sqlane::Transaction& part) {
        part.run("UPDATE Sum SET entries = entries + 1, newest = ? WHERE id = 1", number);
    });
}

Bare::Bare(const std::filesystem::path& file, const char* vfs) {
    constexpr int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file.c_str(), &db_, flags, vfs) == SQLITE_OK) return;
    const std::string message = sqlite3_errmsg(db_);
    sqlite3_close_v2(db_);
    throw std::runtime_error{"cannot open " + file.string() + ": " + message};
}

void Bare::run(const std::string& sql) {
    if (attempt(sql) != SQLITE_OK) throw std::runtime_error{sqlite3_errmsg(db_)};
}

std::string Bare::values(const std::string& sql) {
    std::string all;
    const auto add = [](void* to, int count, char** values, char** /*names*/) {
        auto& text = *static_cast<std::string*>(to);
        for (int i = 0; i < count; ++i)
            text += (text.empty() ? "" : " ") + std::string{values[i] == nullptr ? "NULL" : values[i]};
        return 0;
    };
    if (sqlite3_exec(db_, sql.c_str(), add, &all, nullptr) != SQLITE_OK) throw std::runtime_error{sqlite3_errmsg(db_)};
    return all;
}

Content look_at(const std::filesystem::path& file) {
    Content found;
    try {
        Bare db{file};
        sqlite3_db_config(db.raw(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        db.run("PRAGMA locking_mode=EXCLUSIVE");  // the index of the log in memory of its own, which is quicker
        const auto check = db.values("PRAGMA quick_check");
        const auto content = db.values(all_of_it);
        found.newest = std::stoll(db.values("SELECT coalesce(max(number), 0) FROM Entries"));
        if (check != "ok")
            found.wrong = check;
        else if (content != whole(found.newest))
            found.wrong = "holds " + content;
    } catch (const std::exception& error) {
        found.wrong = error.what();
    }
    return found;
}

void make_entries(const std::filesystem::path& file, const std::string& encoding) {
    remove_database(file);
    Bare db{file};
    db.run("PRAGMA encoding='" + encoding + "'");
    db.run("PRAGMA journal_mode=WAL");
    db.run(Entries::schema);
}

std::string content_of(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    return {std::istreambuf_iterator<char>{stream}, {}};
}

void write_file(const std::filesystem::path& file, const std::string& content) {
    std::ofstream{file, std::ios::binary}.write(content.data(), static_cast<std::streamsize>(content.size()));
}

void remove_database(const std::filesystem::path& file) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
        std::error_code ignored;  // what is not there need not go
        std::filesystem::remove(file.string() + suffix, ignored);
    }
}

}  // namespace soak
