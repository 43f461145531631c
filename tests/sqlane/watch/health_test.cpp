#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <string>

namespace {

using sqlane::Health;
using sqlane::Options;
using sqlane::testing::TemporaryDatabase;
using support::Crew;
using support::Steps;
using State = sqlane::Health::State;

}  // namespace

TEST_CASE("health: goes from healthy over busy to exhausted and back as readers are lent") {
    Options options;
    options.readers = {.min_idle = 0, .max = 3, .overflow = 3};
    TemporaryDatabase test{options};
    CHECK(test->health().state == State::healthy);
    Steps steps;
    Crew crew{steps};
    const auto lend_one = [&](int number) {
        crew.start([&] { test->execute([&] { steps.wait_for("let go"); }); });
        support::wait_until("one more is lent", [&] { return test->stats().readers.in_use == number; });
    };
    for (int i = 1; i <= 4; ++i) lend_one(i);
    CHECK(test->health().state == State::healthy);  // 4 of 6
    lend_one(5);
    CHECK(test->health().state == State::busy);  // 5 of 6 is over 80 %
    lend_one(6);
    const auto exhausted = test->health();
    CHECK(exhausted.state == State::exhausted);
    CHECK(to_string(exhausted) == "test.db: exhausted, 6 of 6 readers lent, 0 waiting; writer free, 0 waiting");
    steps.reach("let go");
    crew.join();
    CHECK(test->health().state == State::healthy);
    test->close();
    CHECK(test->health().state == State::closed);
    CHECK(to_string(test->health().state) == std::string{"closed"});
}

TEST_CASE("health: is busy while somebody waits for the writer and exhausted when nobody more may") {
    Options options;
    options.readers.max_waiters = 2;
    TemporaryDatabase test{options};
    Steps steps;
    Crew crew{steps};
    test->transaction([&] {
        CHECK(test->health().state == State::healthy);  // a writer that works is no cause for concern
        crew.start([&] { test->transaction([] {}); });
        support::wait_until("one waits", [&] { return test->stats().writer.waiting == 1; });
        CHECK(test->health().state == State::busy);
        crew.start([&] { test->transaction([] {}); });
        support::wait_until("two wait", [&] { return test->stats().writer.waiting == 2; });
        CHECK(test->health().state == State::exhausted);
    });
    crew.join();
    CHECK(test->health().state == State::healthy);
}
