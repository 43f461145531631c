#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <numeric>
#include <string>
#include <vector>

/// How handles are lent, handed over and closed.
namespace {

using namespace std::chrono_literals;
using sqlane::ConnectionManager;
using sqlane::Options;
using sqlane::PoolLimits;
using sqlane::testing::TemporaryDatabase;
using support::Crew;
using support::Steps;

/// Handles stay open until a test wants them closed.
Options with(PoolLimits limits) {
    Options options;
    options.readers = limits;
    return options;
}

/// Readers that are lent until `let_go`.
class Borrowers {
public:
    Borrowers(ConnectionManager& db, Steps& steps, Crew& crew) : db_(db), steps_(steps), crew_(crew) {}

    /// Returns when all of them are in their closures: a handle counts as lent before it is open.
    void borrow(int how_many) {
        const int wanted = inside_ + how_many;
        start(how_many);
        support::wait_until("all have a handle", [&] { return inside_ == wanted; });
    }
    /// They have a handle, or wait for one.
    void start(int how_many) {
        for (int i = 0; i < how_many; ++i) {
            crew_.start([this] {
                db_.execute([this] {
                    ++inside_;
                    steps_.wait_for("let go");
                });
            });
        }
    }
    void let_go() {
        steps_.reach("let go");
        crew_.join();
    }

private:
    ConnectionManager& db_;
    Steps& steps_;
    Crew& crew_;
    std::atomic<int> inside_ = 0;
};

/// Lets `count` threads queue up one after the other, and returns the order in which they were served.
std::vector<int> order_of_service(int count, const std::function<int()>& waiting,
                                  const std::function<void(const std::function<void()>&)>& call) {
    Steps steps;
    Crew crew{steps};
    std::mutex mutex;
    std::vector<int> served;
    call([&] {
        for (int i = 0; i < count; ++i) {
            crew.start([&, i] {
                call([&] {
                    const std::lock_guard lock{mutex};
                    served.push_back(i);
                });
            });
            support::wait_until("the next one is in the line", [&] { return waiting() == i + 1; });
        }
    });
    crew.join();
    return served;
}

std::vector<int> first(int count) {
    std::vector<int> numbers(static_cast<std::size_t>(count));
    std::iota(numbers.begin(), numbers.end(), 0);
    return numbers;
}

}  // namespace

TEST_CASE("lane: writers are served in the order in which they came") {
    TemporaryDatabase test;
    const auto served = order_of_service(
        12, [&] { return test->stats().writer.waiting; }, [&](const auto& f) { test->transaction(f); });
    CHECK(served == first(12));
}

TEST_CASE("lane: transactions and plain writes stand in one line") {
    TemporaryDatabase test;
    int turn = 0;
    std::mutex mutex;
    const auto served = order_of_service(
        12, [&] { return test->stats().writer.waiting; },
        [&](const auto& f) {
            std::unique_lock lock{mutex};
            const bool plain = ++turn % 2 == 0;
            lock.unlock();
            if (plain)
                test->execute_mut(f);
            else
                test->transaction(f);
        });
    CHECK(served == first(12));
}

TEST_CASE("lane: readers are served in the order in which they came") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 1, .overflow = 0})};
    const auto served = order_of_service(
        12, [&] { return test->stats().readers.waiting; }, [&](const auto& f) { test->execute(f); });
    CHECK(served == first(12));
    const auto stats = test->stats().readers;
    CHECK(stats.queued == 12);
    CHECK(stats.opened == 1);  // one handle went from hand to hand
}

TEST_CASE("lane: a handle goes straight to who waits and not to who comes next") {
    // this thread                              another thread
    // writes
    //                                          waits for the writer
    // gives it back, and asks for it again
    //                                          has it, whoever runs first
    // has it after the other
    TemporaryDatabase test;
    for (int round = 0; round < support::rounds(200); ++round) {
        Steps steps;
        Crew crew{steps};
        bool served = false;
        test->transaction([&] {
            crew.start([&] { test->transaction([&] { served = true; }); });
            support::wait_until("the other one waits", [&] { return test->stats().writer.waiting == 1; });
        });
        test->transaction([&] { CHECK(served); });
        crew.join();
    }
}

TEST_CASE("lane: one who gives up leaves the line to the others") {
    TemporaryDatabase test;
    Steps steps;
    Crew crew{steps};
    bool served = false;
    test->transaction([&] {
        crew.start([&] {
            CHECK_THROWS_AS(test->transaction({.deadline = 20ms}, [] {}), sqlane::Timeout);
            steps.reach("gave up");
        });
        support::wait_until("one waits or has given up",
                            [&] { return test->stats().writer.waiting == 1 || steps.reached("gave up"); });
        crew.start([&] { test->transaction([&] { served = true; }); });
        steps.wait_for("gave up");
        support::wait_until("the other one waits", [&] { return test->stats().writer.waiting == 1; });
    });
    crew.join();
    CHECK(served);
}

TEST_CASE("lane: the handle used last is lent first") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 4, .overflow = 0})};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(4);
    borrowers.let_go();
    const auto warm = [&] {
        for (int i = 0; i < 10; ++i) test->execute([](sqlane::Reader& r) { return r.one<int>("SELECT 7"); });
        return test->stats().readers.cache_misses;
    };
    CHECK(warm() == 1);  // one handle compiled the statement, for all ten
    CHECK(test->stats().readers.opened == 4);
}

TEST_CASE("lane: overflow handles are closed when they come back") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 2, .overflow = 3})};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(5);
    CHECK(test->stats().readers.open == 5);
    borrowers.start(1);
    support::wait_until("the sixth waits", [&] { return test->stats().readers.waiting == 1; });
    borrowers.let_go();
    const auto stats = test->stats().readers;
    CHECK(stats.open == 2);
    CHECK(stats.idle == 2);
    CHECK(stats.opened == 5);
    CHECK(stats.closed == 3);
    CHECK(stats.lent == 6);
}

TEST_CASE("lane: a steady crowd above max does not open a handle for each call") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 2, .overflow = 3})};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(4);
    for (int i = 0; i < 10; ++i) test->execute([] {});
    CHECK(test->stats().readers.opened == 5);
    borrowers.let_go();
}

TEST_CASE("lane: handles that are idle for too long are closed down to min_idle") {
    TemporaryDatabase test{with({.min_idle = 2, .max = 5, .overflow = 0, .idle_timeout = 5ms})};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(5);
    borrowers.let_go();
    support::wait_until("three are closed", [&] { return test->stats().readers.open == 2; });
    const auto stats = test->stats().readers;
    CHECK(stats.closed == 3);
    CHECK(stats.recycled == 0);
    CHECK(stats.replaced == 0);
    CHECK(stats.idle == 2);
    CHECK(test->stats().writer.open == 1);  // the writer stays, or the log would end with it
}

TEST_CASE("lane: without upkeep's thread idle handles are closed by the next call") {
    auto options = with({.min_idle = 0, .max = 3, .overflow = 0, .idle_timeout = 1ms});
    options.upkeep_thread = false;
    TemporaryDatabase test{options};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(3);
    borrowers.let_go();
    support::wait_until("the readers are closed", [&] {
        test->execute_mut([] {});
        return test->stats().readers.open == 0;
    });
}

TEST_CASE("lane: a handle that is too old is replaced when it comes back") {
    TemporaryDatabase test{with({.min_idle = 1, .max = 1, .overflow = 0, .max_lifetime = 1ms})};
    support::wait_until("two were replaced", [&] {
        test->execute([](sqlane::Reader& r) { return r.one<int>("SELECT 1"); });
        return test->stats().readers.recycled >= 2;
    });
    const auto stats = test->stats().readers;
    CHECK(stats.closed == stats.recycled);
    CHECK(stats.opened == stats.closed + static_cast<std::uint64_t>(stats.open));
    CHECK(stats.replaced == 0);
    CHECK(test->stats().writer.recycled == 0);
}

TEST_CASE("lane: a pool that grows serves those who wait at once") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 1, .overflow = 0})};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(1);
    borrowers.start(3);
    support::wait_until("three wait", [&] { return test->stats().readers.waiting == 3; });
    test->configure({.min_idle = 0, .max = 2, .overflow = 1});
    support::wait_until("two more are lent", [&] { return test->stats().readers.in_use == 3; });
    CHECK(test->stats().readers.waiting == 1);
    CHECK(test->stats().readers.limit == 3);
    CHECK(test->options().readers.max == 2);
    borrowers.let_go();
}

TEST_CASE("lane: a pool that shrinks closes handles as they come back") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 4, .overflow = 0})};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(4);
    test->configure({.min_idle = 0, .max = 1, .overflow = 0});
    CHECK(test->stats().readers.open == 4);  // they are in use
    borrowers.let_go();
    CHECK(test->stats().readers.open == 1);
    CHECK(test->stats().readers.closed == 3);
}

TEST_CASE("lane: shrinking the pool closes idle handles at once") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 4, .overflow = 0})};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(4);
    borrowers.let_go();
    CHECK(test->stats().readers.idle == 4);
    test->configure({.min_idle = 0, .max = 1, .overflow = 0});
    CHECK(test->stats().readers.open == 1);
    CHECK(test->stats().readers.closed == 3);
}

TEST_CASE("lane: a shorter idle timeout reaches handles that are idle already") {
    auto options = with({.min_idle = 3, .max = 3, .overflow = 0});
    options.leak_after = 1ms;  // so that upkeep looks again soon, and goes to sleep when it finds nothing to do
    TemporaryDatabase test{options};
    Steps steps;
    Crew crew{steps};
    Borrowers borrowers{test.db(), steps, crew};
    borrowers.borrow(3);
    borrowers.let_go();
    test->execute_mut([](sqlane::Writer& w) { w.run("CREATE TABLE Part (name TEXT)"); });
    support::wait_until("upkeep has done all there is to do", [&] { return test->stats().checkpoints > 0; });
    // Nobody calls from here on: upkeep must hear of the new limits by itself.
    test->configure({.min_idle = 1, .max = 3, .overflow = 0, .idle_timeout = 1ms});
    support::wait_until("two are closed", [&] { return test->stats().readers.open == 1; });
}

TEST_CASE("lane: limits that make no sense are refused and change nothing") {
    TemporaryDatabase test{with({.min_idle = 1, .max = 2, .overflow = 0})};
    CHECK_THROWS_AS(test->configure({.min_idle = 0, .max = 0}), sqlane::UsageError);
    CHECK_THROWS_AS(test->configure({.min_idle = 3, .max = 2}), sqlane::UsageError);
    CHECK_THROWS_AS(test->configure({.max_waiters = -1}), sqlane::UsageError);
    CHECK(test->options().readers.max == 2);
}

TEST_CASE("lane: a smaller line refuses at once and a larger one lets wait") {
    TemporaryDatabase test{with({.min_idle = 0, .max = 1, .overflow = 0, .max_waiters = 0})};
    Steps steps;
    Crew crew{steps};
    test->execute([&] {
        crew.start([&] {
            CHECK_THROWS_AS(test->execute([] {}), sqlane::Saturated);
            test->configure({.min_idle = 0, .max = 1, .overflow = 0, .max_waiters = 1});
            test->execute([] {});
        });
        support::wait_until("it waits", [&] { return test->stats().readers.waiting == 1; });
    });
    crew.join();
}

TEST_CASE("lane: counts what it lends") {
    TemporaryDatabase test;
    const auto before = test->stats();
    for (int i = 0; i < 3; ++i) test->execute([](sqlane::Reader& r) { return r.one<int>("SELECT 1"); });
    test->transaction([] {});
    CHECK_THROWS(test->transaction([] { throw 1; }));
    const auto after = test->stats();
    CHECK(after.readers.lent - before.readers.lent == 3);
    CHECK(after.readers.wait.count - before.readers.wait.count == 3);
    CHECK(after.readers.hold.count - before.readers.hold.count == 3);
    CHECK(after.readers.cache_hits == 2);
    CHECK(after.readers.cache_misses == 1);
    CHECK(after.writer.lent - before.writer.lent == 2);
    CHECK(after.writer.commits == 1);
    CHECK(after.writer.rollbacks == 1);
}
