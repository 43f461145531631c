#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

/// The promise: anybody may look at any time. What is shown of a handle is of this handle and whole, while statements
/// come and go under the eyes of the onlooker. Mainly a target for the thread sanitizer.
TEST_CASE("report: from other threads while readers and writers run and statements are evicted") {
    // readers and writers                       onlookers
    // run more statements than are cached       report, stats, health, as text and as JSON
    //                                           change the pool
    // nest, read row by row, fail
    // each does its share                       until all are done
    const int rounds = support::rounds(300);
    sqlane::Options options;
    options.readers = {.min_idle = 0, .max = 2, .overflow = 1};
    options.statement_cache = 2;
    options.synchronous = sqlane::Synchronous::normal;
    options.leak_after = std::chrono::milliseconds{1};
    sqlane::testing::TemporaryDatabase test{options};
    test->execute_mut([](sqlane::Writer& w) {
        w.script(
            "CREATE TABLE Part (id INTEGER PRIMARY KEY, name TEXT NOT NULL);"
            "INSERT INTO Part (name) VALUES ('R1'), ('R2'), ('R3')");
    });
    const std::array<std::string, 5> reads{
        "SELECT count(*) FROM Part", "SELECT max(id) FROM Part", "SELECT min(id) FROM Part",
        "SELECT count(name) FROM Part WHERE name LIKE 'R%'", "SELECT sum(id) FROM Part"};
    const std::array<std::string, 4> writes{"UPDATE Part SET name = 'R1' WHERE id = 1",
                                            "UPDATE Part SET name = 'R2' WHERE id = 2",
                                            "UPDATE Part SET name = 'R3' WHERE id = 3", "UPDATE Part SET name = name"};
    const std::string row_by_row = "SELECT name FROM Part ORDER BY id";
    const std::string fails = "INSERT INTO Part (id, name) VALUES (1, 'R1')";

    support::Steps steps;
    support::Crew crew{steps};
    std::atomic<int> working{5};
    for (std::size_t t = 0; t < 3; ++t)
        crew.start([&, t] {
            for (int i = 0; i < rounds; ++i)
                test->execute({.label = "reader"}, [&](sqlane::Reader& r) {
                    for (std::size_t s = 0; s < reads.size(); ++s)
                        CHECK(r.one<int>(reads.at((s + t) % reads.size())) > 0);
                    for (auto name : r.rows<std::string>(row_by_row))
                        test->execute([&](sqlane::Reader& nested) { CHECK(nested.one<int>(reads.at(t)) > 0); });
                });
            --working;
        });
    for (std::size_t t = 0; t < 2; ++t)
        crew.start([&, t] {
            for (int i = 0; i < rounds; ++i)
                test->transaction({.label = "writer"}, [&](sqlane::Transaction& tx) {
                    for (std::size_t s = 0; s < writes.size(); ++s) tx.run(writes.at((s + t) % writes.size()));
                    CHECK_THROWS_AS(tx.run(fails), sqlane::ConstraintError);
                });
            --working;
        });

    std::atomic<std::uint64_t> seen{0};
    for (int onlooker = 0; onlooker < 2; ++onlooker)
        crew.start([&, onlooker] {
            const auto known = [&](const std::string& sql) {
                return sql.empty() || sql == row_by_row || sql == fails || std::ranges::count(reads, sql) > 0 ||
                       std::ranges::count(writes, sql) > 0;
            };
            for (int i = 0; working > 0; ++i) {
                const auto report = test->report();
                for (const auto* lane : {&report.writer, &report.readers})
                    for (const auto& holder : lane->holders) {
                        CHECK_MESSAGE(known(holder.sql), holder.sql);
                        CHECK((holder.label == "reader" || holder.label == "writer" || holder.label == "checkpoint"));
                        CHECK(holder.at.line() > 0);
                        if (!holder.sql.empty()) ++seen;
                    }
                CHECK_FALSE(to_string(report).empty());
                CHECK_FALSE(to_json(report).empty());
                CHECK_FALSE(to_prometheus(test->stats()).empty());
                CHECK(test->health().state != sqlane::Health::State::closed);
                if (onlooker == 0)
                    test->configure(
                        {.min_idle = 0, .max = 1 + i % 3, .overflow = 1, .idle_timeout = options.leak_after});
            }
        });
    crew.join();
    CHECK(seen > 0);
    const auto stats = test->stats();
    CHECK(stats.readers.cache_evictions > 0);
    CHECK(stats.writer.cache_evictions > 0);
    CHECK(stats.writer.commits == static_cast<std::uint64_t>(2 * rounds));
}
