#include "children.hpp"
#include "entries.hpp"
#include "faults.hpp"

#include "handle/platform.hpp"

#include <sqlane/migrator.hpp>
#include <sqlane/sqlane.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

/// T12: files that somebody has damaged, or made to do damage. Opened, read to the last column and written to, in
/// children: any typed error is right, and so is success; a crash, a hang or another exception is not.
namespace soak {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

constexpr std::uint64_t files_in_ci = 2000;
constexpr std::size_t page = 4096;

/// With it SQLite takes a file for a journal: https://www.sqlite.org/fileformat2.html#the_rollback_journal
const std::string journal_magic = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";

/// The files of a database as bytes; an empty one is not there.
struct Bytes {
    std::string database;
    std::string log;
    std::string journal;
};

constexpr auto everything =
    "CREATE TABLE Plain(a INTEGER PRIMARY KEY, b TEXT NOT NULL, c REAL, d BLOB, e GENERATED ALWAYS AS (a * 2));"
    "CREATE TABLE Keyed(name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
    "CREATE TABLE Strict(a INTEGER NOT NULL, b TEXT) STRICT;"
    "CREATE INDEX ix_plain ON Plain(b, c);"
    "CREATE VIEW Seen AS SELECT a, b || 'x' AS bx FROM Plain;"
    "CREATE TRIGGER follows AFTER INSERT ON Plain BEGIN INSERT OR REPLACE INTO Keyed VALUES (new.b, new.d); END;"
    "CREATE VIRTUAL TABLE Words USING fts5(word);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 120) "
    "INSERT INTO Plain(a, b, c, d) SELECT i, 'part ' || i, i / 3.0, randomblob(i * 7) FROM n;"
    "INSERT INTO Plain(a, b, d) VALUES (1000, 'long', zeroblob(30000));"
    "INSERT INTO Strict SELECT a, b FROM Plain; INSERT INTO Words SELECT b FROM Plain;";

/// Schemas that SQLite itself would not make. Whoever opens the file did not write them.
constexpr std::array hostile_schemas{
    "INSERT INTO sqlite_schema VALUES ('view','Round','Round',0,'CREATE VIEW Round AS SELECT * FROM Round')",
    "INSERT INTO sqlite_schema VALUES ('view','Reach','Reach',0,'CREATE VIEW Reach AS SELECT load_extension(''x'')')",
    "INSERT INTO sqlite_schema VALUES ('trigger','t','Entries',0,'CREATE TRIGGER t AFTER INSERT ON Entries BEGIN "
    "INSERT INTO Entries SELECT new.number + 1, x''00''; END')",
    "INSERT INTO sqlite_schema VALUES ('table','Twice','Twice',3,'CREATE TABLE Twice(a)')",
    "INSERT INTO sqlite_schema VALUES ('table','Beyond','Beyond',99999,'CREATE TABLE Beyond(a)')",
    "INSERT INTO sqlite_schema VALUES ('index','Wild','Entries',2,'CREATE INDEX Wild ON Entries(number)')",
    "UPDATE sqlite_schema SET sql = 'CREATE TABLE ' || name || '(' || hex(zeroblob(100000)) || ')'",
    "UPDATE sqlite_schema SET rootpage = 1 WHERE name = 'Plain'",
    "UPDATE sqlite_schema SET sql = NULL",
    "UPDATE sqlite_schema SET type = 'table', sql = 'CREATE VIRTUAL TABLE Words USING rtree(a, b, c)' "
    "WHERE name = 'Words'",
    "INSERT INTO sqlite_schema VALUES ('view','Endless','Endless',0,'CREATE VIEW Endless AS WITH RECURSIVE n(i) AS "
    "(SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n')",
    "INSERT INTO sqlite_schema VALUES ('table','Deep','Deep',2,'CREATE TABLE Deep(a, b AS (' || "
    "replace(hex(zeroblob(400)), '0', '(') || '1))')"};

Bytes read_bytes(const fs::path& file) {
    return {content_of(file), content_of(file.string() + "-wal"), content_of(file.string() + "-journal")};
}

void lay_down(const fs::path& file, const Bytes& bytes) {
    remove_database(file);
    write_file(file, bytes.database);
    if (!bytes.log.empty()) write_file(file.string() + "-wal", bytes.log);
    if (!bytes.journal.empty()) write_file(file.string() + "-journal", bytes.journal);
}

/// As a crash leaves it: part of it in the log.
Bytes make_victim(const fs::path& file, std::uint64_t seed) {
    make_entries(file, seed % 2 == 0 ? "UTF-8" : "UTF-16le");
    Bare db{file};
    db.run("PRAGMA wal_autocheckpoint=0");
    db.run(everything);
    db.run("PRAGMA wal_checkpoint(TRUNCATE)");
    db.run("UPDATE Plain SET b = b || ' changed' WHERE a % 3 = 0; INSERT INTO Entries VALUES (1, x'01')");
    db.run("UPDATE Sum SET entries = 1, newest = 1");
    return read_bytes(file);
}

/// The same with a rollback journal, closed.
Bytes without_log(const fs::path& file, const Bytes& victim) {
    lay_down(file, victim);
    Bare{file}.run("PRAGMA journal_mode=DELETE");
    return read_bytes(file);
}

Bytes with_schema(const fs::path& file, const Bytes& victim, const char* sql) {
    lay_down(file, victim);
    {
        Bare db{file};
        sqlite3_db_config(db.raw(), SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, nullptr);
        db.attempt(sql);
    }
    return read_bytes(file);
}

/// What somebody does to a file.
class Vandal {
public:
    explicit Vandal(std::uint64_t seed) : random_(seed) {}

    void damage(Bytes& bytes, const Bytes& foreign) {
        switch (below(9)) {
            case 0: flip(bytes.database, 0, 100); break;
            case 1: flip(bytes.database, 0, page); break;
            case 2: flip(bytes.database, page, bytes.database.size()); break;
            case 3: overwrite(bytes.database); break;
            case 4: bytes.database.resize(below(bytes.database.size())); break;
            case 5: swap_pages(bytes.database); break;
            case 6: bytes.log = foreign.log; break;
            case 7: flip(bytes.log, 0, bytes.log.size()); break;
            default: bytes.journal = journal_magic + bytes.database.substr(0, below(3 * page)); break;
        }
        if (below(4) == 0) bytes.log.resize(below(bytes.log.size() + 1));
        if (below(2) == 0) bytes.log.clear();
    }
    std::size_t below(std::size_t limit) { return limit == 0 ? 0 : random_() % limit; }

private:
    void flip(std::string& bytes, std::size_t from, std::size_t to) {
        if (to > bytes.size()) to = bytes.size();
        if (from >= to) return;
        for (auto count = 1 + below(16); count > 0; --count) {
            auto& byte = bytes[from + below(to - from)];
            byte = static_cast<char>(byte ^ (1 << below(8)));
        }
    }
    void overwrite(std::string& bytes) {
        const auto from = below(bytes.size());
        const auto size = std::min(1 + below(page), bytes.size() - from);
        constexpr std::array fillings{'\0', '\xff', 'A'};
        bytes.replace(from, size, size, fillings.at(below(fillings.size())));
    }
    void swap_pages(std::string& bytes) {
        const auto pages = bytes.size() / page;
        if (pages < 3) return;
        const auto first = (1 + below(pages - 1)) * page;
        const auto second = (1 + below(pages - 1)) * page;
        const auto kept = bytes.substr(first, page);
        bytes.replace(first, page, bytes.substr(second, page));
        bytes.replace(second, page, kept);
    }

    std::mt19937_64 random_;
};

/// Everything that sqlane can be asked of a file, each with a deadline.
class Visit {
public:
    explicit Visit(fs::path file) : file_(std::move(file)) {}

    /// Empty when each of it succeeded or threw an error that says what it is.
    std::string run() {
        attempt([&] { use(); });
        attempt([&] { migrate(); });
        return wrong_;
    }

private:
    static sqlane::Call patient() { return {.deadline = milliseconds{300}}; }

    template <class Work>
    void attempt(Work&& work) {
        try {
            work();
        } catch (const sqlane::Error& error) {
            if (typeid(error) == typeid(sqlane::Error)) note(std::string{"an error of no kind: "} + error.what());
        } catch (const std::exception& error) {
            note(std::string{typeid(error).name()} + ": " + error.what());
        }
    }
    void note(const std::string& wrong) {
        if (wrong_.empty()) wrong_ = wrong;
    }

    void use() {
        sqlane::Options options;
        options.timeout = milliseconds{300};
        options.upkeep_thread = false;
        sqlane::ConnectionManager db{file_, options};
        attempt([&] { read_all(db); });
        attempt([&] {
            db.execute(patient(), [](sqlane::Reader& r) { return r.all<std::string>("PRAGMA integrity_check(3)"); });
        });
        for (const char* sql :
             {"INSERT INTO Entries VALUES (2, x'02')", "UPDATE Plain SET b = b || d", "DELETE FROM Keyed",
              "INSERT INTO Words VALUES ('new')", "CREATE TABLE Made(a)", "DROP TABLE Plain", "VACUUM"})
            attempt([&] { db.execute_mut(patient(), [&](sqlane::Writer& writer) { writer.run(sql); }); });
        attempt([&] {
            db.transaction(patient(), [](sqlane::Transaction& t) { t.insert("INSERT INTO Strict VALUES (1, 'x')"); });
        });
        attempt([&] { static_cast<void>(db.close()); });
    }

    void read_all(sqlane::ConnectionManager& db) {
        const auto names = db.execute(patient(), [](sqlane::Reader& r) {
            return r.all<std::string>("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') LIMIT 50");
        });
        for (const auto& name : names)
            attempt([&] {
                db.execute(patient(), [&](sqlane::Reader& r) {
                    const auto columns = r.one<std::optional<std::string>>(
                        "SELECT group_concat('quote(' || printf('\"%w\"', name) || ')', ' || ') FROM "
                        "pragma_table_info(?)",
                        name);
                    const auto table = r.one<std::string>("SELECT printf('\"%w\"', ?)", name);
                    if (!columns) return;
                    for (const auto& row : r.all<std::optional<std::string>>("SELECT " + *columns + " FROM " + table))
                        static_cast<void>(row);
                });
            });
    }

    void migrate() {
        static const std::array<sqlane::MigrationFile, 1> files{{{"0001_more.sql", "CREATE TABLE More(a);"}}};
        sqlane::MigrationOptions options;
        options.lock_timeout = milliseconds{300};
        sqlane::Migrator migrator{file_, sqlane::MigrationSet::from_files(files), options};
        attempt([&] { static_cast<void>(migrator.status()); });
        attempt([&] { static_cast<void>(migrator.dump()); });
        attempt([&] { migrator.up(); });
    }

    fs::path file_;
    std::string wrong_;
};

/// For red controls: takes it for granted that the file is whole.
std::string trust(const fs::path& file) {
    Bare db{file};
    if (db.values("PRAGMA quick_check") != "ok") std::abort();
    return {};
}

class HostileFiles {
public:
    HostileFiles(std::uint64_t seed, bool trusting) : seed_(seed), trusting_(trusting) {}

    std::string run(std::uint64_t number) {
        Vandal vandal{seed_ * 1'000'003 + number};
        auto bytes = number % 3 == 0 ? resting_ : victim_;
        if (number % 8 == 0)
            bytes = with_schema(file_, bytes, hostile_schemas.at(vandal.below(hostile_schemas.size())));
        else
            vandal.damage(bytes, foreign_);
        for (const auto& entry : fs::directory_iterator{file_.parent_path()}) fs::remove_all(entry.path());
        lay_down(file_, bytes);
        return trusting_ ? trust(file_) : Visit{file_}.run();
    }

private:
    const std::uint64_t seed_;
    const bool trusting_;
    const sqlane::detail::platform::PrivateFolder folder_;
    const fs::path file_ = [this] {
        fs::create_directory(folder_.path() / "box");
        return folder_.path() / "box" / "hostile.db";
    }();
    const Bytes victim_ = make_victim(file_, seed_);
    const Bytes resting_ = without_log(file_, victim_);
    const Bytes foreign_ = make_victim(file_, seed_ + 2);
};

Outcome visit_all(const Settings& settings, const char* how, std::uint64_t files) {
    Outcome outcome;
    const auto first = settings.k.value_or(1);
    run_in_children(settings,
                    {"hostile", how, std::to_string(settings.seed), std::to_string(settings.k.value_or(files))}, first,
                    how, outcome);
    return outcome;
}

}  // namespace

Trial hostile_files() {
    return {
        .id = "T12",
        .title = "damaged and hostile database files",
        .target = "a typed error or success; no crash, no hang",
        .run = [](const Settings& s) { return visit_all(s, "visited", s.scaled(files_in_ci)); },
        .controls = {{"a layer that trusts the file", [](const Settings& s) { return visit_all(s, "trusted", 20); }}}};
}

int hostile_child(const std::vector<std::string>& arguments) {
    const auto last = std::stoull(arguments.at(2));
    HostileFiles files{std::stoull(arguments.at(1)), arguments.at(0) == "trusted"};
    const Diary diary{arguments.at(4)};
    for (auto number = std::stoull(arguments.at(3)); number <= last; ++number) {
        diary.begin(number);
        if (const auto wrong = files.run(number); !wrong.empty()) diary.bad(number, wrong);
    }
    return 0;
}

}  // namespace soak
