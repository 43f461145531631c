#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <algorithm>
#include <chrono>
#include <functional>
#include <mutex>
#include <source_location>
#include <stdexcept>
#include <string>
#include <vector>

/// What the background thread notices and does.
namespace {

using namespace std::chrono_literals;
using sqlane::Call;
using sqlane::Options;
using sqlane::Transaction;
using sqlane::Warning;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;
using support::Crew;
using support::Steps;
using Kind = sqlane::Warning::Kind;

/// What `on_warning` was told, from whatever thread.
class Observer {
public:
    void add(const Warning& warning) {
        const std::lock_guard lock{mutex_};
        warnings_.push_back(warning);
    }
    [[nodiscard]] std::vector<Warning> of(Kind kind, std::string_view label) const {
        const std::lock_guard lock{mutex_};
        std::vector<Warning> found;
        std::ranges::copy_if(warnings_, std::back_inserter(found),
                             [&](const Warning& w) { return w.kind == kind && w.label == label; });
        return found;
    }

private:
    mutable std::mutex mutex_;
    std::vector<Warning> warnings_;
};

Options warning_after(std::chrono::milliseconds leak_after, std::function<void(const Warning&)> tell) {
    Options options;
    options.leak_after = leak_after;
    options.on_warning = std::move(tell);
    return options;
}

std::size_t kept(const sqlane::ConnectionManager& db, Kind kind) {
    const auto warnings = db.report().warnings;
    return static_cast<std::size_t>(std::ranges::count(warnings, kind, &Warning::kind));
}

}  // namespace

TEST_CASE("leak watchdog: warns once of a lease held for long and once when it comes back") {
    // first holder             second holder            upkeep
    // reads
    //                                                   warns of the first
    //                          reads
    //                                                   warns of the second, and not of the first again
    //                          returns                  the second came back
    // returns                                           the first came back
    Observer seen;
    TemporaryDatabase test{warning_after(5ms, [&](const Warning& warning) { seen.add(warning); })};
    Steps steps;
    Crew crew{steps};
    const auto at = std::source_location::current();
    const auto hold = [&](const char* label) {
        crew.start([&, label] {
            test->execute(
                Call{.label = label}, [&] { steps.wait_for(std::string{label} + " may return"); }, at);
        });
    };
    hold("first");
    support::wait_until("the first is noticed", [&] { return seen.of(Kind::held_long, "first").size() == 1; });
    hold("second");
    support::wait_until("the second is noticed", [&] { return seen.of(Kind::held_long, "second").size() == 1; });
    CHECK(seen.of(Kind::held_long, "first").size() == 1);
    CHECK(seen.of(Kind::came_back, "first").empty());
    steps.reach("second may return");
    support::wait_until("the second is back", [&] { return seen.of(Kind::came_back, "second").size() == 1; });
    steps.reach("first may return");
    crew.join();
    CHECK(seen.of(Kind::came_back, "first").size() == 1);
    CHECK(seen.of(Kind::held_long, "first").size() == 1);

    const auto warning = seen.of(Kind::held_long, "first").at(0);
    CHECK(warning.at.line() == at.line());
    CHECK_MESSAGE(support::contains(warning.message, "upkeep_test.cpp:" + std::to_string(at.line())), warning.message);
    CHECK_MESSAGE(support::contains(warning.message, "label \"first\""), warning.message);
    CHECK_MESSAGE(support::contains(warning.message, "still held after 5.0 ms"), warning.message);
    const auto back = seen.of(Kind::came_back, "first").at(0);
    CHECK_MESSAGE(support::contains(back.message, "upkeep_test.cpp:" + std::to_string(at.line())), back.message);
    CHECK(kept(test.db(), Kind::held_long) == 2);
    CHECK(kept(test.db(), Kind::came_back) == 2);
    CHECK(test->stats().warnings == 4);
}

TEST_CASE("leak watchdog: watches the writer too and names what it runs") {
    Observer seen;
    TemporaryDatabase test{warning_after(5ms, [&](const Warning& warning) { seen.add(warning); })};
    test->transaction(Call{.label = "import"}, [&](Transaction& tx) {
        for (auto number : tx.rows<int>("SELECT 7 AS seven")) {
            CHECK(number == 7);
            support::wait_until("it is noticed", [&] { return seen.of(Kind::held_long, "import").size() == 1; });
        }
    });
    CHECK(seen.of(Kind::came_back, "import").size() == 1);
    CHECK(support::contains(seen.of(Kind::held_long, "import").at(0).message, "SELECT 7 AS seven"));
}

TEST_CASE("leak watchdog: says nothing of what comes back in time") {
    TemporaryDatabase test;
    for (int i = 0; i < 10; ++i) {
        test->execute([] {});
        test->transaction([] {});
    }
    CHECK(test->report().warnings.empty());
    CHECK(test->stats().warnings == 0);
}

TEST_CASE("leak watchdog: a warning may ask the manager that gives it") {
    Steps steps;
    sqlane::ConnectionManager* db = nullptr;
    TemporaryDatabase test{warning_after(5ms, [&](const Warning&) {
        steps.wait_for("the manager is made");
        CHECK(db->stats().readers.open >= 0);
        CHECK(db->report().database == "test.db");
        CHECK(db->execute([](sqlane::Reader& r) { return r.one<int>("SELECT 7"); }) == 7);
        steps.reach("asked");
    })};
    db = &test.db();
    steps.reach("the manager is made");
    test->transaction([&] { steps.wait_for("asked"); });
}

TEST_CASE("leak watchdog: an observer that throws is a warning itself and stops nothing") {
    TemporaryDatabase test{
        warning_after(5ms, [](const Warning&) { throw std::runtime_error{"no window to show it"}; })};
    test->execute(
        [&] { support::wait_until("both are kept", [&] { return kept(test.db(), Kind::observer_failed) >= 1; }); });
    CHECK(kept(test.db(), Kind::held_long) == 1);
    CHECK(kept(test.db(), Kind::came_back) == 1);
    const auto warnings = test->report().warnings;
    CHECK(std::ranges::find(warnings, "no window to show it", &Warning::message) != warnings.end());
    CHECK(test->execute([](sqlane::Reader& r) { return r.one<int>("SELECT 7"); }) == 7);
}

TEST_CASE("leak watchdog: notices a lease that begins while upkeep goes to sleep") {
    // Upkeep looks, finds nothing lent and lies down, all while a call begins: whoever is second must see the first.
    Observer seen;
    TemporaryDatabase test{warning_after(1ms, [&](const Warning& warning) { seen.add(warning); })};
    for (int i = 0; i < support::rounds(50); ++i) {
        const auto label = "lease " + std::to_string(i);
        test->execute(Call{.label = label}, [&] {
            support::wait_until("it is noticed", [&] { return !seen.of(Kind::held_long, label).empty(); });
        });
    }
    CHECK(test->stats().warnings >= 2U);
}

TEST_CASE("upkeep: brings the log home when nobody needs a handle") {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT)"); });
    support::wait_until("a checkpoint has run", [&] { return test->stats().checkpoints > 0; });
    CHECK(test->report().warnings.empty());
}

TEST_CASE("upkeep: brings the log home while readers come and go once it is above its limit") {
    Options options;
    options.wal_soft_limit = 65536;
    options.synchronous = sqlane::Synchronous::normal;
    TemporaryDatabase test{options};
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE Part (picture BLOB)"); });
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        while (!steps.reached("a checkpoint has run"))
            test->execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
    });
    support::wait_until("a checkpoint has run", [&] {
        test->transaction([](Transaction& tx) { tx.run("INSERT INTO Part (picture) VALUES (zeroblob(4000))"); });
        return test->stats().checkpoints > 0;
    });
    steps.reach("a checkpoint has run");
    crew.join();
    CHECK(test->report().warnings.empty());
}

TEST_CASE("upkeep: without its thread its work is done by those who give handles back") {
    Options options;
    options.upkeep_thread = false;
    options.leak_after = 1ms;
    options.wal_soft_limit = 65536;
    TemporaryDatabase test{options};
    test->execute_mut([](Writer& w) { w.run("CREATE TABLE Part (picture BLOB)"); });
    CHECK(test->stats().checkpoints == 0);
    test->execute_mut([](Writer& w) { w.run("INSERT INTO Part (picture) VALUES (zeroblob(100000))"); });
    CHECK(test->stats().checkpoints == 1);
    Steps steps;
    Crew crew{steps};
    crew.start([&] { test->execute(Call{.label = "slow"}, [&] { steps.wait_for("noticed"); }); });
    support::wait_until("another call notices the slow one", [&] {
        test->execute([] {});
        return kept(test.db(), Kind::held_long) >= 1;
    });
    steps.reach("noticed");
    crew.join();
    CHECK(kept(test.db(), Kind::came_back) >= 1);
}
