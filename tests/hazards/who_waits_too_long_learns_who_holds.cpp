#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "handle/platform.hpp"
#include "support/steps.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#if defined(__linux__)
#include <pthread.h>
#endif

/// The promise: who has to wait too long is told who holds what, and who cannot even wait is told at once.
namespace {

using namespace std::chrono_literals;
using sqlane::Call;
using sqlane::Holder;
using sqlane::LaneReport;
using sqlane::Options;
using sqlane::Reader;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;
using support::contains;
using support::Crew;
using support::Steps;

constexpr const char* endless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";

void name_this_thread(const char* name) {
#if defined(__linux__)
    ::pthread_setname_np(::pthread_self(), name);
#else
    static_cast<void>(name);
#endif
}

/// What a thread knows of itself, to be compared with what the error says of it.
struct Expected {
    std::source_location at;
    std::string label;
    std::string thread_name;
    std::string sql;
    bool stepping = false;
    std::uint64_t thread = 0;
};

std::string place(const std::source_location& at) {
    return "who_waits_too_long_learns_who_holds.cpp:" + std::to_string(at.line());
}

void check_holder(const LaneReport& lane, const Expected& expected, const std::string& what) {
    const auto found = std::ranges::find(lane.holders, expected.thread, &Holder::thread);
    REQUIRE(found != lane.holders.end());
    CHECK(std::string{found->at.file_name()} == expected.at.file_name());
    CHECK(found->at.line() == expected.at.line());
    CHECK(found->label == expected.label);
    CHECK(found->sql == expected.sql);
    CHECK(found->stepping == expected.stepping);
    CHECK(found->held > 0ns);
    CHECK(found->held < support::patience);
    CHECK_MESSAGE(contains(what, "by " + place(expected.at)), what);
    CHECK_MESSAGE(contains(what, "label \"" + expected.label + "\""), what);
#if defined(__linux__)
    CHECK(found->thread_name == expected.thread_name);
    CHECK_MESSAGE(contains(what, "thread " + std::to_string(expected.thread) + " \"" + expected.thread_name + "\""),
                  what);
#endif
    if (!expected.sql.empty()) CHECK_MESSAGE(contains(what, ": " + expected.sql), what);
}

}  // namespace

TEST_CASE("exhaustion: Timeout for a reader names each holder and those ahead") {
    // three holders                                        two in the line, then this thread
    // one in its own code, one between rows,
    // one inside SQLite
    //                                                      queue up, one after the other
    //                                                      this thread gives up: Timeout
    // let go
    Options options;
    options.readers = {.min_idle = 0, .max = 2, .overflow = 1};
    TemporaryDatabase test{options};
    test->execute_mut(
        [](Writer& w) { w.script("CREATE TABLE Part (name TEXT); INSERT INTO Part (name) VALUES ('R1'), ('R2')"); });
    Steps steps;
    Crew crew{steps};
    std::stop_source stop;
    std::array<Expected, 3> holders{{
        {.at = std::source_location::current(), .label = "own code", .thread_name = "holder-own"},
        {.at = std::source_location::current(),
         .label = "between rows",
         .thread_name = "holder-rows",
         .sql = "SELECT name FROM Part ORDER BY rowid"},
        {.at = std::source_location::current(),
         .label = "inside SQLite",
         .thread_name = "holder-sqlite",
         .sql = endless,
         .stepping = true},
    }};
    const auto enter = [&](std::size_t i) {
        holders.at(i).thread = sqlane::detail::platform::this_thread();
        steps.reach("holds " + std::to_string(i));
    };
    crew.start([&] {
        name_this_thread("holder-own");
        test->execute(
            Call{.label = "own code"},
            [&] {
                enter(0);
                steps.wait_for("let go");
            },
            holders[0].at);
    });
    crew.start([&] {
        name_this_thread("holder-rows");
        test->execute(
            Call{.label = "between rows"},
            [&](Reader& r) {
                for (auto name : r.rows<std::string>("SELECT name FROM Part ORDER BY rowid")) {
                    if (name != "R1") continue;
                    enter(1);
                    steps.wait_for("let go");
                }
            },
            holders[1].at);
    });
    crew.start([&] {
        name_this_thread("holder-sqlite");
        CHECK_THROWS_AS(test->execute(
                            Call{.label = "inside SQLite", .stop = stop.get_token()},
                            [&](Reader& r) {
                                enter(2);
                                return r.one<int>(endless);
                            },
                            holders[2].at),
                        sqlane::Cancelled);
    });
    for (int i = 0; i < 3; ++i) steps.wait_for("holds " + std::to_string(i));
    support::wait_until("one holder is inside SQLite",
                        [&] { return std::ranges::any_of(test->report().readers.holders, &Holder::stepping); });
    const std::array ahead{std::source_location::current(), std::source_location::current()};
    for (int i = 0; i < 2; ++i) {
        crew.start([&, i] {
            test->execute(
                Call{.label = "in the line"}, [] {}, ahead.at(static_cast<std::size_t>(i)));
        });
        support::wait_until("the next one is in the line", [&] { return test->stats().readers.waiting == i + 1; });
    }
    const auto here = std::source_location::current();
    const auto error = support::caught<sqlane::Timeout>([&] {
        test->execute(
            Call{.label = "too late", .deadline = 30ms}, [] {}, here);
    });
    stop.request_stop();
    steps.reach("let go");
    crew.join();

    const std::string what = error.what();
    CHECK(error.where().line() == here.line());
    CHECK_MESSAGE(contains(what, "readers of test.db"), what);
    CHECK_MESSAGE(contains(what, "ahead of you: 2 (" + place(ahead[0])), what);
    CHECK_MESSAGE(contains(what, "; " + place(ahead[1])), what);
    const auto& lane = error.report().readers;
    CHECK(lane.holders.size() == 3);
    for (const auto& expected : holders) check_holder(lane, expected, what);
    REQUIRE(lane.waiting.size() == 2);
    CHECK(lane.waiting[0].at.line() == ahead[0].line());
    CHECK(lane.waiting[0].label == "in the line");
    CHECK(lane.waiting[0].waited >= lane.waiting[1].waited);
    CHECK(lane.waiting[1].at.line() == ahead[1].line());
    CHECK(test->stats().readers.timeouts == 1);
}

TEST_CASE("exhaustion: Timeout for the writer names its holder") {
    Options options;
    options.upkeep_thread = false;  // a checkpoint would stand in the line of writers
    TemporaryDatabase test{options};
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT)"); });
    Steps steps;
    Crew crew{steps};
    Expected holder{.at = std::source_location::current(),
                    .label = "nightly import",
                    .thread_name = "importer",
                    .sql = "INSERT INTO Part (name) VALUES (?), (?) RETURNING name"};
    crew.start([&] {
        name_this_thread("importer");
        test->transaction(
            Call{.label = "nightly import"},
            [&](sqlane::Transaction& tx) {
                holder.thread = sqlane::detail::platform::this_thread();
                for (auto name : tx.rows<std::string>(holder.sql, "top secret", "top secret")) {
                    static_cast<void>(name);
                    steps.reach("holds");
                    steps.wait_for("let go");
                }
            },
            holder.at);
    });
    steps.wait_for("holds");
    const auto error =
        support::caught<sqlane::Timeout>([&] { test->execute_mut(Call{.deadline = 30ms}, [](Writer&) {}); });
    const auto again = support::caught<sqlane::Timeout>([&] { test->transaction(Call{.deadline = 30ms}, [] {}); });
    steps.reach("let go");
    crew.join();
    CHECK_MESSAGE(contains(error.what(), "the writer of test.db"), error.what());
    CHECK_MESSAGE(contains(error.what(), "ahead of you: 0"), error.what());
    CHECK_MESSAGE(!contains(error.what(), "top secret"), error.what());
    REQUIRE(error.report().writer.holders.size() == 1);
    check_holder(error.report().writer, holder, error.what());
    CHECK(error.report().writer.holders[0].transaction_depth == 1);
    CHECK(again.report().writer.holders[0].held > error.report().writer.holders[0].held);
}

TEST_CASE("exhaustion: the line of readers is bounded and who is one too many is refused at once") {
    Options options;
    options.readers = {.min_idle = 0, .max = 1, .overflow = 0, .max_waiters = 2};
    TemporaryDatabase test{options};
    Steps steps;
    Crew crew{steps};
    test->execute(Call{.label = "holder"}, [&] {
        for (int i = 0; i < 2; ++i) {
            crew.start([&] { test->execute([] {}); });
            support::wait_until("the next one is in the line", [&] { return test->stats().readers.waiting == i + 1; });
        }
        crew.start([&] {
            const auto took = support::time_of([&] {
                const auto error = support::caught<sqlane::Saturated>([&] { test->execute([] {}); });
                CHECK_MESSAGE(contains(error.what(), "2 callers wait for the readers of test.db"), error.what());
                CHECK_MESSAGE(contains(error.what(), "label \"holder\""), error.what());
                CHECK_MESSAGE(contains(error.what(), "ahead of you: 2"), error.what());
                CHECK(error.report().readers.holders.size() == 1);
                CHECK(error.report().readers.waiting.size() == 2);
            });
            CHECK(took < support::within(100ms));  // the default would be 30 s
            steps.reach("refused");
        });
        steps.wait_for("refused");
    });
    crew.join();
    CHECK(test->stats().readers.rejections == 1);
    CHECK(test->stats().readers.timeouts == 0);
}

TEST_CASE("exhaustion: the line of writers is bounded too") {
    Options options;
    options.readers.max_waiters = 1;
    options.upkeep_thread = false;
    TemporaryDatabase test{options};
    Steps steps;
    Crew crew{steps};
    test->transaction(Call{.label = "holder"}, [&] {
        crew.start([&] { test->execute_mut([] {}); });
        support::wait_until("one is in the line", [&] { return test->stats().writer.waiting == 1; });
        crew.start([&] {
            const auto error = support::caught<sqlane::Saturated>([&] { test->transaction([] {}); });
            CHECK_MESSAGE(contains(error.what(), "the writer of test.db"), error.what());
            CHECK_MESSAGE(contains(error.what(), "label \"holder\""), error.what());
            CHECK(error.report().writer.waiting.size() == 1);
            steps.reach("refused");
        });
        steps.wait_for("refused");
    });
    crew.join();
    CHECK(test->stats().writer.rejections == 1);
}
