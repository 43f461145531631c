#include "scenarios.hpp"

#include <sqlane/migrator.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <thread>

namespace soak {
namespace {

struct Entry {
    std::int64_t number = 0;
    std::string text;
    sqlane::Blob body;
};

}  // namespace
}  // namespace soak

template <>
struct sqlane::RowReader<soak::Entry> {
    static soak::Entry read(const sqlane::Row& row) {
        return {row.get<std::int64_t>("number"), row.get<std::string>("text"), row.get<sqlane::Blob>("body")};
    }
};

namespace soak {
namespace fs = std::filesystem;

std::string TroubledRun::content_before(const fs::path& folder, std::uint64_t seed) {
    const auto file = folder / "before.db";
    // Texts of UTF-16 are made anew for whoever reads or binds them, which takes memory that may not be there.
    make_entries(file, seed % 2 == 1 ? "UTF-16le" : "UTF-8");
    {
        sqlane::ConnectionManager db{file};
        std::mt19937_64 random{seed};
        for (int number = 1; number <= entries_before; ++number)
            db.transaction([&](sqlane::Transaction& transaction) { Entries::write(transaction, number, random); });
    }
    auto content = content_of(file);
    remove_database(file);
    return content;
}

void TroubledRun::let_in_bystander() {
    bystander_.emplace(file_);
    bystander_->run("SELECT count(*) FROM Entries");
}

void TroubledRun::write(sqlane::ConnectionManager& db) {
    const sqlane::Call call{.label = "a name longer than short strings"};
    acknowledge(db.transaction(call, [&](sqlane::Transaction& transaction) {
        const auto newest = transaction.one<std::int64_t>("SELECT newest FROM Sum");
        compare(newest);
        Entries::write(transaction, newest + 1, random_);
        transaction.on_commit([this] { ++hooks_run_; });
        return newest + 1;
    }));
}

void TroubledRun::read(sqlane::ConnectionManager& db) {
    compare(db.execute([](sqlane::Reader& reader) { return reader.one<std::int64_t>("SELECT newest FROM Sum"); }));
}

void TroubledRun::note(const std::string& wrong) {
    if (wrong_.empty()) wrong_ = wrong;
}

void TroubledRun::look() {
    bystander_.reset();
    const auto found = look_at(file_);
    note(found.wrong);
    compare(found.newest);
}

sqlane::Options TroubledRun::options() const {
    sqlane::Options options;
    options.vfs = vfs();
    options.timeout = std::chrono::milliseconds{500};
    options.wal_soft_limit = 65536;
    options.upkeep_thread = false;  // so that each run of a scenario makes the same calls in the same order
    return options;
}

void TroubledRun::compare(std::int64_t newest) {
    if (newest < acknowledged_)
        note("acknowledged were " + std::to_string(acknowledged_) + " and there are " + std::to_string(newest));
    revived_ += std::max<std::int64_t>(0, newest - acknowledged_);
    acknowledged_ = std::max(acknowledged_, newest);
}

namespace {

void transactions(TroubledRun& run) {
    std::unique_ptr<sqlane::ConnectionManager> db;
    const auto open = [&] { db = std::make_unique<sqlane::ConnectionManager>(run.file(), run.options()); };
    run.attempt(open);
    for (int i = 0; i < 3 && db; ++i) {
        run.attempt([&] { run.write(*db); });
        run.attempt([&] { run.read(*db); });
    }
    run.end_trouble();
    if (!db) run.require(open);
    if (!db) return;
    run.require([&] { run.write(*db); });
    run.require([&] { run.read(*db); });
}

/// With a log that is longer than it should be after each transaction, so that a checkpoint follows.
void checkpoints(TroubledRun& run) {
    sqlane::ConnectionManager db{run.file(), run.options()};
    for (int i = 0; i < 2; ++i) {
        run.attempt([&] {
            db.transaction([](sqlane::Transaction& transaction) {
                transaction.run("INSERT INTO Undone(body) VALUES (zeroblob(70000))");
                transaction.run("DELETE FROM Undone");
            });
        });
        run.attempt([&] { run.write(db); });
    }
    run.end_trouble();
    run.require([&] { run.write(db); });
    run.require([&] { run.read(db); });
}

/// Takes no memory, which is what may be missing.
bool is_right(const Entry& entry) {
    constexpr std::string_view text = "entry number ";
    return entry.body.size() == 5000 && entry.text.size() == text.size() + 1 && entry.text.starts_with(text) &&
           entry.text.back() - '0' == entry.number;
}

void reading(TroubledRun& run) {
    sqlane::ConnectionManager db{run.file(), run.options()};
    constexpr auto entries =
        "SELECT number, 'entry number ' || number AS text, zeroblob(5000) AS body FROM Entries WHERE 'all of them' = ?";
    const std::string filter = "all of them";
    bool right = true;
    for (int i = 0; i < 2; ++i)
        run.attempt([&] {
            const auto all = db.execute([&](sqlane::Reader& reader) { return reader.all<Entry>(entries, filter); });
            right = right && all.size() == TroubledRun::entries_before && std::ranges::all_of(all, is_right);
        });
    run.end_trouble();
    if (!right) run.note("an entry was read wrong, or not at all");
    run.require([&] { run.write(db); });
    run.require([&] { run.read(db); });
}

void closing(TroubledRun& run) {
    sqlane::ConnectionManager db{run.file(), run.options()};
    run.write(db);
    run.read(db);
    run.attempt([&] { static_cast<void>(db.close()); });
    run.end_trouble();
    run.require([&] { static_cast<void>(db.close()); });
}

void destruction(TroubledRun& run) {
    auto db = std::make_unique<sqlane::ConnectionManager>(run.file(), run.options());
    run.write(*db);
    run.read(*db);
    run.attempt([&] { db.reset(); });
    run.end_trouble();
}

/// For a writer that somebody else has: until the deadline, and again when it has come back.
void waiting(TroubledRun& run) {
    sqlane::ConnectionManager db{run.file(), run.options()};
    std::latch is_lent{1};
    std::latch may_return{1};
    std::jthread holder{[&] {
        db.execute_mut({.label = "the one who holds the writer"}, [&](sqlane::Writer&) {
            is_lent.count_down();
            may_return.wait();
        });
    }};
    is_lent.wait();
    bool lent_twice = false;
    run.attempt([&] {
        try {
            db.execute_mut({.label = "the one who waits for it", .deadline = std::chrono::milliseconds{1}},
                           [&](sqlane::Writer&) { lent_twice = true; });
        } catch (const sqlane::Timeout& timeout) {
            static_cast<void>(to_string(timeout.report()));
        }
    });
    run.attempt([&] { static_cast<void>(to_string(db.report())); });
    run.end_trouble();
    if (lent_twice) run.note("the writer was lent twice");
    may_return.count_down();
    holder.join();
    run.require([&] { run.write(db); });
    run.require([&] { run.read(db); });
}

/// Closures that leave something behind or are refused, and what is said of that.
void misuse(TroubledRun& run) {
    sqlane::ConnectionManager db{run.file(), run.options()};
    run.attempt([&] { db.execute_mut([](sqlane::Writer& writer) { writer.run("CREATE TEMP TABLE Left(a)"); }); });
    run.attempt([&] {
        try {
            run.write(db);
            db.transaction([](sqlane::Transaction& t) { t.run("INSERT INTO Entries(number, body) VALUES (1, 'x')"); });
        } catch (const sqlane::ConstraintError&) {
            run.read(db);
        }
    });
    run.attempt([&] { static_cast<void>(sqlane::to_json(db.report()) + sqlane::to_json(db.stats())); });
    run.end_trouble();
    run.require([&] { run.write(db); });
    run.require([&] { run.read(db); });
}

constexpr auto tags =
    "-- migrate:up\n"
    "CREATE TABLE Tags(tag_id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
    "INSERT INTO Tags SELECT number, hex(zeroblob(200)) FROM Entries;\n"
    "CREATE INDEX ix_tags_name ON Tags(name);\n"
    "ALTER TABLE Undone ADD COLUMN reason TEXT;\n"
    "-- migrate:down\n"
    "ALTER TABLE Undone DROP COLUMN reason;\n"
    "DROP TABLE Tags;\n";

sqlane::Migrator migrator_for(const TroubledRun& run) {
    static const std::array<sqlane::MigrationFile, 1> files{{{"0001_tags.sql", tags}}};
    sqlane::MigrationOptions options;
    options.vfs = run.vfs();
    options.lock_timeout = std::chrono::milliseconds{500};
    return {run.file(), sqlane::MigrationSet::from_files(files), options};
}

bool has_file(const TroubledRun& run, const char* part) {
    return std::ranges::any_of(fs::directory_iterator{run.file().parent_path()}, [part](const auto& entry) {
        return entry.path().native().find(part) != std::string::npos;
    });
}

void migration(TroubledRun& run) {
    auto migrator = migrator_for(run);
    bool done = false;
    run.attempt([&] {
        migrator.up();
        done = true;
    });
    run.end_trouble();
    run.require([&] {
        const bool is_there = !migrator.version().empty();
        if (done && !is_there) run.note("an acknowledged migration is lost");
        if (!done && is_there && !has_file(run, ".bak-"))
            run.note("a migration that failed was there later, and no copy of what was there before");
        migrator.up();
        if (Bare{run.file()}.values("SELECT count(*) FROM Tags") != std::to_string(TroubledRun::entries_before))
            run.note("the migration is there in part");
    });
}

void require_whole(TroubledRun& run, const fs::path& copy) {
    if (const auto found = look_at(copy); found.newest != TroubledRun::entries_before || !found.wrong.empty())
        run.note("an acknowledged copy is not whole: " + found.wrong);
}

void backup(TroubledRun& run) {
    auto migrator = migrator_for(run);
    fs::path copy;
    run.attempt([&] { copy = migrator.backup(); });
    run.end_trouble();
    if (!copy.empty()) require_whole(run, copy);
    run.require([&] { require_whole(run, migrator.backup()); });
    if (has_file(run, ".partial")) run.note("half a copy was left behind");
}

/// Whether the last entry is in the copy that a restore makes.
bool is_set_aside(const TroubledRun& run) {
    for (const auto& entry : fs::directory_iterator{run.file().parent_path()})
        if (entry.path().native().find(".before-restore-") != std::string::npos &&
            look_at(entry.path()).newest == TroubledRun::entries_before + 1)
            return true;
    return false;
}

/// The copy is one entry behind the database.
void restore(TroubledRun& run) {
    auto migrator = migrator_for(run);
    const auto copy = migrator.backup();
    {
        sqlane::ConnectionManager db{run.file()};
        run.write(db);
    }
    bool restored = false;
    run.attempt([&] {
        migrator.restore(copy);
        restored = true;
    });
    run.end_trouble();
    run.require([&] {
        const auto newest = std::stoll(Bare{run.file()}.values("SELECT newest FROM Sum"));
        if (restored && newest != TroubledRun::entries_before) run.note("an acknowledged restore is lost");
        if (!restored && newest == TroubledRun::entries_before && !is_set_aside(run))
            run.note("a restore that failed was there later, and no copy of what was there before");
        migrator.restore(copy);
    });
    run.acknowledge(TroubledRun::entries_before);
}

void undoing(TroubledRun& run) {
    auto migrator = migrator_for(run);
    migrator.up();
    bool done = false;
    run.attempt([&] {
        migrator.down();
        done = true;
    });
    run.end_trouble();
    run.require([&] {
        const auto version = migrator.version();
        const auto tables = Bare{run.file()}.values("SELECT count(*) FROM sqlite_schema WHERE name = 'Tags'");
        if (done && !version.empty()) run.note("an acknowledged undoing is lost");
        if (tables != (version.empty() ? "0" : "1")) run.note("the migration is there in part");
        migrator.up();
        migrator.redo();
        static_cast<void>(migrator.rehearse());
    });
}

constexpr std::array all{Scenario{"transactions", transactions},
                         Scenario{"checkpoints", checkpoints},
                         Scenario{"reading", reading},
                         Scenario{"closing", closing},
                         Scenario{"destruction", destruction},
                         Scenario{"waiting", waiting},
                         Scenario{"misuse", misuse},
                         Scenario{"migration", migration},
                         Scenario{"backup", backup},
                         Scenario{"restore", restore},
                         Scenario{"undoing", undoing}};

}  // namespace

std::span<const Scenario> scenarios() { return all; }

namespace {

std::unique_ptr<Bare> open_bare(const TroubledRun& run) {
    const auto vfs = run.vfs();
    try {
        return std::make_unique<Bare>(run.file(), vfs.empty() ? nullptr : vfs.c_str());
    } catch (const std::runtime_error&) {
        throw sqlane::StorageError{"cannot open"};
    }
}

}  // namespace

void careless_layer(TroubledRun& run) {
    std::unique_ptr<Bare> db;
    run.attempt([&] {
        db = open_bare(run);
        for (int number = TroubledRun::entries_before + 1; number < TroubledRun::entries_before + 4; ++number) {
            const auto text = std::to_string(number);
            db->attempt("BEGIN IMMEDIATE; INSERT INTO Entries VALUES (" + text + ", x'00')");
            db->attempt("UPDATE Sum SET entries = entries + 1, newest = " + text + "; COMMIT");
            if (sqlite3_get_autocommit(db->raw()) == 0) db->attempt("ROLLBACK");
            run.acknowledge(number);
        }
    });
    run.end_trouble();
}

void leaking_layer(TroubledRun& run) {
    run.attempt([&] {
        auto db = open_bare(run);
        if (db->attempt("INSERT INTO Undone VALUES (x'00'); DELETE FROM Undone") != SQLITE_OK)
            run.leave_open(std::move(db));
    });
    run.end_trouble();
}

void vague_layer(TroubledRun& run) {
    run.attempt([&] { open_bare(run)->run("INSERT INTO Undone VALUES (x'00'); DELETE FROM Undone"); });
    run.end_trouble();
}

}  // namespace soak
