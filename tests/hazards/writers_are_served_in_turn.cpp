#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

/// The promise: writers are served in turn. None starves, none is told Busy, and no number is lost or given twice.
TEST_CASE("sequence: 32 threads draw without gap and without starving") {
    // each of 32 threads                       this thread
    //                                          writes, until all of them are in the line
    // draws until it has its share,
    // and keeps what it drew
    // the first to have its share notes how far each of the others is by then
    constexpr std::size_t threads = 32;
    const auto draws = static_cast<std::size_t>(support::rounds(1000));
    sqlane::Options options;
    options.synchronous = sqlane::Synchronous::normal;  // the order of the writers is at stake and not the disk
    options.upkeep_thread = false;                      // a checkpoint would stand in the line too
    sqlane::testing::TemporaryDatabase test{options};
    test->execute_mut([](sqlane::Writer& w) {
        w.script(
            "CREATE TABLE PartSequence (id INTEGER PRIMARY KEY, next_value INTEGER NOT NULL);"
            "INSERT INTO PartSequence (id, next_value) VALUES (1, 0)");
    });

    support::Steps steps;
    support::Crew crew{steps};
    std::array<std::atomic<std::size_t>, threads> drawn{};
    std::array<std::vector<std::int64_t>, threads> numbers;
    std::array<std::size_t, threads> when_first_was_done{};
    std::atomic<bool> done{false};
    const auto draw = [&](std::size_t t) {
        while (drawn.at(t) < draws) {
            numbers.at(t).push_back(test->transaction([](sqlane::Transaction& tx) {
                tx.run("UPDATE PartSequence SET next_value = next_value + 1 WHERE id = 1");
                return tx.one<std::int64_t>("SELECT next_value FROM PartSequence WHERE id = 1");
            }));
            ++drawn.at(t);
        }
        if (!done.exchange(true)) std::ranges::copy(drawn, when_first_was_done.begin());
    };
    test->transaction([&] {
        for (std::size_t t = 0; t < threads; ++t) crew.start([&, t] { draw(t); });
        support::wait_until("all are in the line", [&] { return test->stats().writer.waiting == int{threads}; });
    });
    crew.join();

    std::vector<std::int64_t> all;
    for (const auto& mine : numbers) {
        CHECK(std::ranges::is_sorted(mine));
        all.insert(all.end(), mine.begin(), mine.end());
    }
    std::ranges::sort(all);
    std::vector<std::int64_t> expected(threads * draws);
    std::iota(expected.begin(), expected.end(), 1);
    CHECK((all == expected));  // all of them is too much to print

    const auto slowest = *std::ranges::min_element(when_first_was_done);
    CHECK(slowest * 4 >= draws);  // turns are cut short where processors are scarce

    const auto writer = test->stats().writer;
    CHECK(writer.busy_waits == 0);
    CHECK(writer.timeouts == 0);
    CHECK(writer.commits == threads * draws + 1);
    CHECK(writer.rollbacks == 0);
}
