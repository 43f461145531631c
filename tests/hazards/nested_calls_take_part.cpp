#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

/// The promise: a method that calls the manager works alone and inside a transaction, in one form, and never waits
/// for the thread that it runs on.
namespace {

using sqlane::Options;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

class PartManager {
public:
    explicit PartManager(sqlane::ConnectionManager& db) : db_(db) {}

    std::int64_t create(const std::string& name) {
        return db_.transaction([&](Transaction& tx) {
            const auto id = tx.insert("INSERT INTO Part (name) VALUES (?)", name);
            tx.run("INSERT INTO History (part) VALUES (?)", id);
            return id;
        });
    }
    [[nodiscard]] int count() const {
        return db_.execute([](Reader& r) {
            const auto parts = r.one<int>("SELECT count(*) FROM Part");
            CHECK(r.one<int>("SELECT count(*) FROM History") == parts);
            return parts;
        });
    }

private:
    sqlane::ConnectionManager& db_;
};

void make_tables(sqlane::ConnectionManager& db) {
    db.execute_mut([](Writer& w) {
        w.script(
            "CREATE TABLE Part (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
            "CREATE TABLE History (part INTEGER NOT NULL)");
    });
}

/// Nobody may wait for anything: the first who has to is refused. Upkeep's checkpoints would be in the way.
Options pool_of(int size) {
    Options options;
    options.upkeep_thread = false;
    options.readers = {.min_idle = 0, .max = size, .overflow = 0, .max_waiters = 0};
    return options;
}

}  // namespace

TEST_CASE("nesting: a manager call inside transaction is undone with it") {
    TemporaryDatabase test{pool_of(1)};
    make_tables(test.db());
    PartManager parts{test.db()};
    parts.create("alone");
    CHECK_THROWS_AS(test->transaction([&] {
        parts.create("R1");
        parts.create("R2");
        CHECK(parts.count() == 3);
        throw std::runtime_error{"changed my mind"};
    }),
                    std::runtime_error);
    CHECK(parts.count() == 1);
    test->transaction([&] { parts.create("R3"); });
    CHECK(parts.count() == 2);
}

TEST_CASE("nesting: a pool of one never waits for itself") {
    TemporaryDatabase test{pool_of(1)};
    make_tables(test.db());
    PartManager parts{test.db()};
    test->execute([&] { test->execute([&] { test->execute([&] { CHECK(parts.count() == 0); }); }); });
    test->transaction([&] {
        test->execute_mut([&] { test->transaction([&] { parts.create("R1"); }); });
        CHECK(parts.count() == 1);
    });
    const auto stats = test->stats();
    CHECK(stats.readers.queued == 0);
    CHECK(stats.writer.queued == 0);
    CHECK(stats.readers.opened == 1);
}

TEST_CASE("nesting: every thread of a full pool nests without waiting") {
    // each of four threads
    // takes a reader, and waits until all four are lent
    // nests twice, where a second handle would never come
    constexpr int threads = 4;
    TemporaryDatabase test{pool_of(threads)};
    make_tables(test.db());
    PartManager parts{test.db()};
    support::Steps steps;
    support::Crew crew{steps};
    for (int i = 0; i < threads; ++i)
        crew.start([&, i] {
            test->execute([&] {
                steps.reach("lent " + std::to_string(i));
                for (int other = 0; other < threads; ++other) steps.wait_for("lent " + std::to_string(other));
                test->execute([&] { CHECK(parts.count() == 0); });
                steps.reach("nested " + std::to_string(i));
                for (int other = 0; other < threads; ++other) steps.wait_for("nested " + std::to_string(other));
            });
        });
    crew.join();
    const auto stats = test->stats().readers;
    CHECK(stats.lent == threads);
    CHECK(stats.queued == 0);
}
