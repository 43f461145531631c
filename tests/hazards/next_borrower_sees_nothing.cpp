#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"
#include "support/rival.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <vector>

// The promise: whatever a closure leaves on its handle, the next borrower of that handle sees none of it, and the
// report and on_warning name the closure that left it. What was cleaned up by the closure itself is not complained of.

using sqlane::Options;
using sqlane::Reader;
using sqlane::Rows;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Warning;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;
using handle_tests::raw_value;
using handle_tests::RawHandles;

/// A database whose closures leave things behind on purpose, and what its observer was told.
class Careless {
public:
    Careless() {
        Options options;
        options.upkeep_thread = false;
        options.readers.max = 1;  // the next reader is the same handle
        options.on_warning = [this](const Warning& warning) { told_.push_back(warning); };
        database_ = std::make_unique<TemporaryDatabase>([](const std::string&) {}, options);
        db().execute_mut([](Writer& w) {
            w.script(R"(
                CREATE TABLE p (id INTEGER PRIMARY KEY);
                CREATE TABLE c (p REFERENCES p (id), n INTEGER CHECK (n > 0));
                INSERT INTO p VALUES (1), (2), (3);
            )");
        });
    }

    sqlane::ConnectionManager& db() { return database_->db(); }
    sqlane::ConnectionManager* operator->() { return &db(); }
    [[nodiscard]] std::filesystem::path path() const { return database_->path(); }

    /// Exactly one warning since the last call, about `what`, naming the line it came from: to the observer as in the
    /// report.
    void check_told(const std::string& what, const std::source_location& from) {
        CAPTURE(what);
        REQUIRE(told_.size() == 1);
        const auto warning = told_.front();
        told_.clear();
        CHECK(warning.kind == Warning::Kind::left_behind);
        CHECK(contains(warning.message, what));
        CHECK(contains(warning.message, "next_borrower_sees_nothing.cpp:" + std::to_string(from.line())));
        CHECK(warning.at.line() == from.line());
        CHECK(std::string{warning.at.file_name()} == from.file_name());
        REQUIRE_FALSE(db().report().warnings.empty());
        CHECK(db().report().warnings.back().message == warning.message);
    }
    void check_not_told() {
        CHECK(told_.empty());
        told_.clear();
    }

private:
    std::vector<Warning> told_;
    std::unique_ptr<TemporaryDatabase> database_;
};

/// A closure on the writer that leaves something, and the line that called for it.
std::source_location leave_on_writer(Careless& careless, const std::function<void(Writer&)>& leave) {
    const auto here = std::source_location::current();
    careless->execute_mut(leave, here);
    return here;
}

/// Rows that were begun, not read to their end, and kept outside of the closure.
template <class Verb>
std::unique_ptr<Rows<int>> leave_rows(Verb&& lend) {
    std::unique_ptr<Rows<int>> kept;
    lend([&](Reader& r) {
        kept.reset(new auto(r.rows<int>("SELECT id FROM p ORDER BY id")));
        auto at = kept->begin();
        CHECK(*at == 1);
    });
    return kept;
}

/// A checkpoint that empties the log is possible only when no snapshot is held anywhere.
bool nothing_pins_the_log(Careless& careless) {
    careless->execute_mut([](Writer& w) { w.run("INSERT INTO p VALUES (NULL)"); });
    support::Rival rival{careless.path()};
    rival.run("PRAGMA busy_timeout = 0");
    return rival.number("PRAGMA wal_checkpoint(TRUNCATE)") == 0;
}

}  // namespace

TEST_CASE("reset proof: a SELECT that a reader left half-way pins nothing") {
    Careless careless;
    const auto from = std::source_location::current();
    const auto kept = leave_rows([&](auto body) { careless->execute(body, from); });
    careless.check_told("an unfinished statement (SELECT id FROM p ORDER BY id)", from);
    CHECK(nothing_pins_the_log(careless));
    careless->execute([&](Reader& r) {
        // A fresh snapshot, the same SQL from the start, and the kept rows are refused though the thread is the same.
        CHECK(r.one<int>("SELECT count(*) FROM p") == 4);
        CHECK(r.all<int>("SELECT id FROM p ORDER BY id").size() == 4);
        CHECK(contains(complaint<UsageError>([&] {
                           for (const int id : *kept) CHECK(id == 0);
                       }),
                       "walked only once"));
    });
    CHECK(careless->stats().readers.replaced == 0);
    careless.check_not_told();
}

TEST_CASE("reset proof: a SELECT that was left half-way is back in the cache and not compiled again") {
    Careless careless;
    for (int i = 0; i < 3; ++i) leave_rows([&](auto body) { careless->execute(body); });
    CHECK(careless->stats().readers.cache_misses == 1);
    CHECK(careless->stats().readers.cache_hits == 2);
}

TEST_CASE("reset proof: a SELECT that the writer left half-way pins nothing") {
    Careless careless;
    const auto from = std::source_location::current();
    const auto after_mut = leave_rows([&](auto body) { careless->execute_mut(body, from); });
    careless.check_told("an unfinished statement", from);
    CHECK(nothing_pins_the_log(careless));
    const auto after_transaction = leave_rows([&](auto body) { careless->transaction(body, from); });
    careless.check_told("an unfinished statement", from);
    CHECK(nothing_pins_the_log(careless));
    CHECK(careless->stats().writer.replaced == 0);
}

TEST_CASE("reset proof: a writing statement left half-way is not committed by halves") {
    Careless careless;
    std::unique_ptr<Rows<int>> kept;
    const auto what = complaint<UsageError>([&] {
        careless->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO p VALUES (10)");
            kept.reset(new auto(tx.rows<int>("INSERT INTO p VALUES (11), (12) RETURNING id")));
            CHECK(*kept->begin() == 11);
        });
    });
    CHECK(contains(what, "a statement that writes is still being read"));
    CHECK(careless->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM p"); }) == 3);
}

TEST_CASE("reset proof: temporary objects are gone and tables of the file are no longer hidden by them") {
    Careless careless;
    const std::vector<std::pair<const char*, const char*>> objects{
        {"CREATE TEMP TABLE p (wrong)", "table p"},
        {"create temporary table scratch as select 1", "table scratch"},
        {"CREATE TABLE temp.c (wrong)", "table c"},
        {"CREATE TEMP VIEW p AS SELECT 77 AS id", "view p"},
        {"CREATE TEMP TRIGGER spy AFTER INSERT ON p BEGIN DELETE FROM p; END", "trigger spy"},
        {"CREATE TEMP TABLE IF NOT EXISTS other (x)", "table other"},
        // Of these the authorizer is not told that what they make is temporary.
        {"CREATE VIEW temp.p AS SELECT 77 AS id", "view p"},
        {"CREATE TRIGGER temp.spy AFTER INSERT ON p BEGIN DELETE FROM p; END", "trigger spy"},
        {"CREATE VIRTUAL TABLE temp.p USING rtree(id, low, high)", "table p"}};
    for (const auto& [sql, name] : objects) {
        CAPTURE(sql);
        const auto from = leave_on_writer(careless, [&](Writer& w) { w.run(sql); });
        careless.check_told(name, from);
        careless->transaction([](Transaction& tx) {
            CHECK(tx.one<int>("SELECT count(*) FROM sqlite_temp_schema") == 0);
            CHECK(tx.one<int>("SELECT count(id) FROM p") == 3);
            CHECK(tx.one<int>("SELECT count(*) FROM c") == 0);
            tx.savepoint([&] { tx.run("INSERT INTO p VALUES (50)"); });
            CHECK(tx.run("DELETE FROM p WHERE id = 50") == 1);
        });
    }
    // Made in a transaction that failed, or taken away again: nothing is left, and nobody is blamed.
    complaint<std::runtime_error>([&] {
        careless->transaction([](Transaction& tx) {
            tx.run("CREATE TEMP TABLE scratch (x)");
            throw std::runtime_error{"undo"};
        });
    });
    careless->execute_mut([](Writer& w) { w.script("CREATE TEMP TABLE scratch (x); DROP TABLE scratch"); });
    careless.check_not_told();
}

TEST_CASE("reset proof: an attached file is gone") {
    Careless careless;
    const auto other = (careless.path().parent_path() / "other.db").string();
    { const sqlane::ConnectionManager made{other}; }
    const auto from = leave_on_writer(careless, [&](Writer& w) {
        w.run("ATTACH ? AS other", other);
        w.run("CREATE TABLE other.hidden (x)");
    });
    careless.check_told("attached other", from);
    careless->execute_mut([](Writer& w) {
        CHECK(w.one<int>("SELECT count(*) FROM pragma_database_list WHERE name = 'other'") == 0);
        complaint<UsageError>([&] { static_cast<void>(w.all<int>("SELECT x FROM hidden")); });
    });
    // The same and taken away again. What it did there stands.
    careless->execute_mut([&](Writer& w) {
        w.run("ATTACH ? AS other", other);
        CHECK(w.one<int>("SELECT count(*) FROM other.sqlite_schema") == 1);
        w.run("DETACH other");
    });
    careless.check_not_told();
}

TEST_CASE("reset proof: a changed pragma is back however it came to be changed") {
    Careless careless;
    struct Case {
        const char* name;
        const char* value;
        const char* normal;
    };
    const std::vector<Case> cases{{"foreign_keys", "OFF", "1"},          {"recursive_triggers", "ON", "0"},
                                  {"synchronous", "OFF", "2"},           {"ignore_check_constraints", "ON", "0"},
                                  {"cache_size", "7", "-8000"},          {"temp_store", "FILE", "2"},
                                  {"defer_foreign_keys", "ON", "0"},     {"reverse_unordered_selects", "ON", "0"},
                                  {"journal_size_limit", "5", "4194304"}};
    for (const auto& [name, value, normal] : cases) {
        const auto set = std::string{"PRAGMA "} + name + " = " + value;
        const auto get = std::string{"SELECT CAST("} + name + " AS TEXT) FROM pragma_" + name;
        CAPTURE(set);
        // Some act when they are compiled, so a statement that is then refused has acted too.
        const std::vector<std::function<void(Writer&)>> ways{
            [&](Writer& w) { w.run(set); },
            [&](Writer& w) { w.run(set); },  // from the cache of a handle, were it the same
            [&](Writer& w) { w.script(set + "; SELECT 1"); },
            [&](Writer& w) { complaint<UsageError>([&] { w.run(set + "; SELECT 1"); }); },
            [&](Writer& w) { complaint<UsageError>([&] { w.run("SELECT 1; " + set); }); },
            [&](Writer& w) { complaint<UsageError>([&] { w.run(set, 5); }); },
            [&](Writer& w) { complaint<UsageError>([&] { w.run(set + " garbage"); }); },
            [&](Writer& w) { complaint<UsageError>([&] { w.script(set + "; garbage"); }); }};
        for (std::size_t way = 0; way < ways.size(); ++way) {
            CAPTURE(way);
            leave_on_writer(careless, ways.at(way));
            careless->execute_mut([&](Writer& w) { CHECK(w.one<std::string>(get) == normal); });
        }
    }
}

TEST_CASE("reset proof: a changed pragma is told of by name") {
    Careless careless;
    for (const char* name : {"foreign_keys", "recursive_triggers"}) {
        const auto from = leave_on_writer(careless, [&](Writer& w) { w.run(std::string{"PRAGMA "} + name + "(0)"); });
        careless.check_told(std::string{"PRAGMA "} + name + " changed", from);
    }
    const auto from = leave_on_writer(careless, [](Writer& w) { w.run("PRAGMA defer_foreign_keys = ON"); });
    careless.check_told("PRAGMA defer_foreign_keys changed", from);
    complaint<sqlane::ConstraintError>(
        [&] { careless->execute_mut([](Writer& w) { w.run("INSERT INTO c (p) VALUES (77)"); }); });
    // Where it ends with the transaction, or was only asked for, there is nothing to tell.
    careless->transaction([](Transaction& tx) { tx.run("PRAGMA defer_foreign_keys = ON"); });
    careless->execute_mut([](Writer& w) { CHECK(w.one<int>("PRAGMA foreign_keys") == 1); });
    careless.check_not_told();
}

TEST_CASE("reset proof: several leftovers are told in one warning") {
    Careless careless;
    const auto from = leave_on_writer(careless, [](Writer& w) {
        w.run("CREATE TEMP TABLE scratch (x)");
        w.run("ATTACH ':memory:' AS other");
        w.run("PRAGMA recursive_triggers = ON");
    });
    careless.check_told("temporary table scratch, attached other, PRAGMA recursive_triggers changed", from);
}

TEST_CASE("reset proof: a transaction or savepoint opened beneath sqlane is rolled back") {
    RawHandles raw_handles;
    Careless careless;
    for (const char* opening : {"BEGIN", "BEGIN IMMEDIATE", "SAVEPOINT mine", "SAVEPOINT sqlane"}) {
        CAPTURE(opening);
        const auto from = leave_on_writer(careless, [&](Writer& w) {
            auto* raw = RawHandles::of(w);
            REQUIRE(sqlite3_exec(raw, opening, nullptr, nullptr, nullptr) == SQLITE_OK);
            REQUIRE(sqlite3_exec(raw, "INSERT INTO p VALUES (100)", nullptr, nullptr, nullptr) == SQLITE_OK);
        });
        careless.check_told("an open transaction", from);
        careless->execute_mut([](Writer& w) {
            CHECK(sqlite3_get_autocommit(RawHandles::of(w)) == 1);
            CHECK(w.one<int>("SELECT count(*) FROM p") == 3);
        });
        CHECK(careless->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM p"); }) == 3);
    }
    // Inside a transaction of ours it is part of it, and ends with it.
    complaint<std::runtime_error>([&] {
        careless->transaction([](Transaction& tx) {
            auto* raw = RawHandles::of(tx);
            REQUIRE(sqlite3_exec(raw, "SAVEPOINT mine", nullptr, nullptr, nullptr) == SQLITE_OK);
            tx.run("INSERT INTO p VALUES (100)");
            throw std::runtime_error{"undo"};
        });
    });
    CHECK(careless->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM p"); }) == 3);
    CHECK(careless->stats().writer.replaced == 0);
}

TEST_CASE("reset proof: a statement left half-way beneath sqlane is reset") {
    RawHandles raw_handles;
    Careless careless;
    sqlite3_stmt* statement = nullptr;
    const auto step_once = [&](Reader& r) {
        REQUIRE(sqlite3_prepare_v2(RawHandles::of(r), "SELECT id FROM p", -1, &statement, nullptr) == SQLITE_OK);
        REQUIRE(sqlite3_step(statement) == SQLITE_ROW);
    };
    const auto from = std::source_location::current();
    careless->execute(step_once, from);
    careless.check_told("an unfinished statement (SELECT id FROM p)", from);
    CHECK(sqlite3_stmt_busy(statement) == 0);
    careless->execute([&](Reader&) { sqlite3_finalize(statement); });
    careless->execute_mut(step_once, from);
    careless.check_told("an unfinished statement (SELECT id FROM p)", from);
    careless->execute_mut([&](Writer&) { sqlite3_finalize(statement); });
    CHECK(nothing_pins_the_log(careless));
}

TEST_CASE("reset proof: a tidy closure costs no handle and is told nothing") {
    Careless careless;
    for (int i = 0; i < 20; ++i) {
        careless->execute([](Reader& r) {
            for (const int id : r.rows<int>("SELECT id FROM p ORDER BY id"))
                if (id == 2) break;
            complaint<UsageError>([&] { static_cast<void>(r.all<int>("SELECT nowhere FROM p")); });
        });
        complaint<std::runtime_error>([&] {
            careless->transaction([](Transaction& tx) {
                tx.run("INSERT INTO p VALUES (100)");
                for ([[maybe_unused]] const int id : tx.rows<int>("SELECT id FROM p")) throw std::runtime_error{"undo"};
            });
        });
    }
    careless.check_not_told();
    CHECK(careless->stats().readers.opened == 1);
    CHECK(careless->stats().writer.opened == 1);
    CHECK(careless->stats().writer.replaced == 0);
}
