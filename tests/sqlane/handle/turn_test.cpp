#include <doctest/doctest.h>

#include <sqlane/testing.hpp>

#include "handle/turn.hpp"
#include "support/steps.hpp"

#include <chrono>
#include <fstream>

// Marks belong to an open file and not to a process, so one process is enough to see them.

using namespace std::chrono_literals;
using sqlane::Clock;
using sqlane::detail::Turn;
using sqlane::detail::platform::Mark;
using support::time_of;

namespace {

class LogFile {
public:
    LogFile() { std::ofstream{path()} << "log"; }
    [[nodiscard]] std::string path() const { return (folder_.path() / "parts.db-wal").string(); }

private:
    sqlane::testing::TemporaryFolder folder_;
};

}  // namespace

TEST_CASE("turn: a mark is seen by others until it is taken back or its owner is gone") {
    const LogFile file;
    Mark looking{file.path()};
    Mark own{file.path()};
    CHECK_FALSE(looking.is_set_elsewhere());
    own.set();
    CHECK(own.is_set());
    CHECK(looking.is_set_elsewhere());
    CHECK_FALSE(own.is_set_elsewhere());
    {
        Mark second{file.path()};
        second.set();
        CHECK(own.is_set_elsewhere());
    }
    CHECK_FALSE(own.is_set_elsewhere());
    own.clear();
    CHECK_FALSE(looking.is_set_elsewhere());
}

TEST_CASE("turn: without a log file nobody waits") {
    const LogFile file;
    Mark own{file.path() + "-that-is-not-there"};
    own.set();
    CHECK_FALSE(own.is_set());
    CHECK_FALSE(own.is_set_elsewhere());
}

TEST_CASE("turn: who has written for a while lets go first who waits, and waits once for who never comes") {
    const LogFile file;
    Turn stopped{file.path()};
    Turn writing{file.path()};
    const auto now = Clock::now();
    writing.give_way(now);  // nobody is there
    stopped.wait();
    const auto wait_at = [&](Clock::time_point at) { return time_of([&] { writing.give_way(at); }); };
    CHECK(wait_at(now + 9ms) < support::within(20ms));
    CHECK(wait_at(now + 11ms) >= 25ms);
    CHECK(wait_at(now + 900ms) < support::within(20ms));
    CHECK(wait_at(now + 1100ms) >= 25ms);
    stopped.stop_waiting();
    CHECK(wait_at(now + 3000ms) < support::within(20ms));
}

TEST_CASE("turn: who has waited has a whole turn") {
    const LogFile file;
    Turn waiting{file.path()};
    Turn writing{file.path()};
    writing.wait();
    writing.stop_waiting();
    waiting.wait();
    CHECK(time_of([&] { writing.give_way(Clock::now()); }) < support::within(20ms));
    CHECK(time_of([&] { writing.give_way(Clock::now() + 11ms); }) >= 25ms);
}
