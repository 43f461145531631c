#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/rival.hpp"
#include "support/steps.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

/// The promise: one deadline covers the line, another process's lock and the running; and what it ends leaves nothing.
namespace {

using namespace std::chrono_literals;
using sqlane::Busy;
using sqlane::Call;
using sqlane::Cancelled;
using sqlane::Options;
using sqlane::Reader;
using sqlane::Timeout;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;
using support::Clock;
using support::Crew;
using support::Rival;
using support::Steps;

constexpr const char* endless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";
constexpr const char* endless_insert =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "INSERT INTO Part (name) SELECT 'R' || i FROM n WHERE i < 1000 OR i < 0";

constexpr auto deadline = 600ms;

void check_on_time(std::chrono::nanoseconds took) {
    CHECK(took >= deadline);
    CHECK(took < deadline + support::within(50ms));
}

void make_parts(sqlane::ConnectionManager& db) {
    db.execute_mut([](Writer& w) { w.run("CREATE TABLE Part (name TEXT NOT NULL)"); });
}

int count(sqlane::ConnectionManager& db) {
    return db.execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
}

/// For tests whose subject is time itself.
void until(Clock::time_point moment) {
    support::wait_until("the time has come", [&] { return Clock::now() >= moment; });
}

}  // namespace

TEST_CASE("deadline: 600 ms hold in the line for the writer") {
    TemporaryDatabase test;
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        test->transaction([&] {
            steps.reach("held");
            steps.wait_for("let go");
        });
    });
    steps.wait_for("held");
    bool ran = false;
    check_on_time(support::time_of(
        [&] { CHECK_THROWS_AS(test->transaction({.deadline = deadline}, [&] { ran = true; }), Timeout); }));
    steps.reach("let go");
    crew.join();
    CHECK_FALSE(ran);
}

TEST_CASE("deadline: 600 ms hold in the line for a reader") {
    Options options;
    options.readers = {.min_idle = 0, .max = 1, .overflow = 0};
    TemporaryDatabase test{options};
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        test->execute([&] {
            steps.reach("held");
            steps.wait_for("let go");
        });
    });
    steps.wait_for("held");
    check_on_time(support::time_of([&] { CHECK_THROWS_AS(test->execute({.deadline = deadline}, [] {}), Timeout); }));
    steps.reach("let go");
    crew.join();
}

TEST_CASE("deadline: 600 ms hold for the file lock of another connection") {
    TemporaryDatabase test;
    Rival rival{test.path()};
    rival.run("BEGIN IMMEDIATE");
    bool ran = false;
    check_on_time(support::time_of(
        [&] { CHECK_THROWS_AS(test->transaction({.deadline = deadline}, [&] { ran = true; }), Busy); }));
    CHECK_FALSE(ran);
    rival.run("ROLLBACK");
    test->transaction([] {});  // the manager is as good as before
    CHECK(test->stats().writer.busy_waits > 0);
}

TEST_CASE("deadline: 600 ms hold while a query runs that never ends") {
    TemporaryDatabase test;
    check_on_time(support::time_of([&] {
        const auto error = support::caught<Timeout>([&] {
            test->execute({.label = "search", .deadline = deadline}, [](Reader& r) { return r.one<int>(endless); });
        });
        CHECK_MESSAGE(support::contains(error.what(), "WITH RECURSIVE"), error.what());
        REQUIRE(error.report().readers.holders.size() == 1);
        CHECK(error.report().readers.holders[0].label == "search");
        CHECK(error.report().readers.holders[0].held >= deadline);
    }));
}

TEST_CASE("deadline: 600 ms hold while a count over a cross join runs") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([](Transaction& tx) {
        tx.run(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000) "
            "INSERT INTO Part (name) SELECT 'R' || i FROM n");
    });
    check_on_time(support::time_of([&] {
        CHECK_THROWS_AS(
            test->execute({.deadline = deadline},
                          [](Reader& r) { return r.one<std::int64_t>("SELECT count(*) FROM Part a, Part b, Part c"); }),
            Timeout);
    }));
}

TEST_CASE("deadline: 600 ms are shared by the line and the lock and the running") {
    // another thread           another connection         this thread
    // writes, until its own deadline of 150 ms
    //                          holds the file lock
    //                                                     asks for a transaction with 600 ms
    //                                                     waits in the line
    // gives the writer back
    //                                                     waits for the file lock
    //                          commits, 150 ms later
    //                                                     runs a query that never ends
    //                                                     Timeout, at 600 ms and not at 150 + 150 + 600
    TemporaryDatabase test;
    Rival rival{test.path()};
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        CHECK_THROWS_AS(test->execute_mut({.label = "other", .deadline = 150ms},
                                          [&](Writer& w) {
                                              steps.reach("the writer is lent");
                                              return w.one<int>(endless);
                                          }),
                        Timeout);
    });
    steps.wait_for("the writer is lent");
    rival.run("BEGIN IMMEDIATE");
    crew.start([&] {
        support::wait_until("this thread has the writer", [&] {
            const auto holders = test->report().writer.holders;
            return !holders.empty() && holders[0].label == "mine";
        });
        until(Clock::now() + 150ms);
        rival.run("COMMIT");
    });
    bool ran = false;
    check_on_time(support::time_of([&] {
        CHECK_THROWS_AS(test->transaction({.label = "mine", .deadline = deadline},
                                          [&](Transaction& tx) {
                                              ran = true;
                                              return tx.one<int>(endless);
                                          }),
                        Timeout);
    }));
    crew.join();
    CHECK(ran);
    CHECK(test->stats().writer.queued == 1);
    CHECK(test->stats().writer.busy_waits > 0);
}

TEST_CASE("deadline: holds for counts during which SQLite asks nobody") {
    // A count over a whole table is one instruction of SQLite's machine, so no progress handler is called in it. Many
    // small pages make it last: each call below would need some 100 ms and has far less.
    sqlane::testing::TemporaryFolder folder;
    {
        Rival maker{folder.path() / "large.db"};
        maker.run("PRAGMA page_size=512; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
        maker.run(
            "CREATE TABLE Part (picture BLOB); "
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) "
            "INSERT INTO Part (picture) SELECT zeroblob(400) FROM n");
    }
    Options options;
    options.readers = {.min_idle = 0, .max = 1, .overflow = 0};
    sqlane::ConnectionManager db{folder.path() / "large.db", options};
    const auto slow_count = [](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); };

    INFO("on a handle that has to be opened first");
    CHECK_THROWS_AS(db.execute({.deadline = 20ms}, slow_count), Timeout);
    INFO("on a handle that is open");
    CHECK_THROWS_AS(db.execute({.deadline = 20ms}, slow_count), Timeout);
    INFO("inside of a closure that may take its time");
    db.execute([&] { CHECK_THROWS_AS(db.execute({.deadline = 20ms}, slow_count), Timeout); });
    INFO("the same on the writer");
    db.transaction([&] { CHECK_THROWS_AS(db.execute({.deadline = 20ms}, slow_count), Timeout); });
    INFO("after some time in the line");
    Steps steps;
    Crew crew{steps};
    db.execute([&] {
        crew.start([&] { CHECK_THROWS_AS(db.execute({.deadline = 50ms}, slow_count), Timeout); });
        support::wait_until("it waits", [&] { return db.stats().readers.waiting == 1; });
        until(Clock::now() + 20ms);
    });
    crew.join();
}

TEST_CASE("deadline: a write that is cut short leaves nothing and nothing more runs in its closure") {
    TemporaryDatabase test;
    make_parts(test.db());
    bool reached_the_end = false;
    CHECK_THROWS_AS(test->transaction({.deadline = 50ms},
                                      [&](Transaction& tx) {
                                          tx.run("INSERT INTO Part (name) VALUES ('before')");
                                          CHECK_THROWS_AS(tx.run(endless_insert), Timeout);
                                          CHECK_THROWS_AS(tx.run("INSERT INTO Part (name) VALUES ('after')"), Timeout);
                                          CHECK_THROWS_AS((void)tx.one<int>("SELECT 1"), Timeout);
                                          CHECK_THROWS_AS(tx.savepoint([] {}), Timeout);
                                          CHECK_THROWS_AS(test->transaction([] {}), Timeout);
                                          reached_the_end = true;  // a closure that swallows everything
                                      }),
                    Timeout);
    CHECK(reached_the_end);
    CHECK(count(test.db()) == 0);
    CHECK(test->stats().writer.commits == 0);
    test->transaction([](Transaction& tx) { tx.run("INSERT INTO Part (name) VALUES ('the next one')"); });
    CHECK(count(test.db()) == 1);
}

TEST_CASE("deadline: a transaction that swallows a query cut short is not committed") {
    TemporaryDatabase test;
    make_parts(test.db());
    CHECK_THROWS_AS(test->transaction({.deadline = 50ms},
                                      [](Transaction& tx) {
                                          tx.run("INSERT INTO Part (name) VALUES ('before')");
                                          CHECK_THROWS_AS((void)tx.one<int>(endless), Timeout);
                                      }),
                    Timeout);
    CHECK(count(test.db()) == 0);
}

TEST_CASE("deadline: a transaction that outlives it in its own code is not committed") {
    TemporaryDatabase test;
    make_parts(test.db());
    CHECK_THROWS_AS(test->transaction({.deadline = 20ms},
                                      [](Transaction& tx) {
                                          tx.run("INSERT INTO Part (name) VALUES ('too late')");
                                          until(Clock::now() + 30ms);
                                      }),
                    Timeout);
    CHECK(count(test.db()) == 0);
}

TEST_CASE("deadline: a tighter one inside ends only the inner call") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction({.deadline = 20s}, [&](Transaction& tx) {
        tx.run("INSERT INTO Part (name) VALUES ('outer')");
        const auto took = support::time_of([&] {
            CHECK_THROWS_AS(test->execute({.deadline = 50ms}, [](Reader& r) { return r.one<int>(endless); }), Timeout);
        });
        CHECK(took < support::within(1s));
        tx.run("INSERT INTO Part (name) VALUES ('outer again')");
    });
    CHECK(count(test.db()) == 2);
}

TEST_CASE("deadline: a wider one inside does not lengthen the outer one") {
    TemporaryDatabase test;
    check_on_time(support::time_of([&] {
        CHECK_THROWS_AS(
            test->execute({.deadline = deadline},
                          [&] { test->execute({.deadline = 20s}, [](Reader& r) { return r.one<int>(endless); }); }),
            Timeout);
    }));
}

TEST_CASE("deadline: a write cut short inside undoes the outer transaction too and says so") {
    // SQLite rolls the whole transaction back, savepoints included: the outer one must not commit the rest.
    TemporaryDatabase test;
    make_parts(test.db());
    CHECK_THROWS_AS(test->transaction([&](Transaction& tx) {
        tx.run("INSERT INTO Part (name) VALUES ('outer')");
        CHECK_THROWS_AS(test->transaction({.deadline = 50ms}, [](Transaction& part) { part.run(endless_insert); }),
                        Timeout);
        CHECK_THROWS_AS(tx.run("INSERT INTO Part (name) VALUES ('outer again')"), sqlane::Error);
    }),
                    sqlane::Error);
    CHECK(count(test.db()) == 0);
}

TEST_CASE("deadline: rows that the outer closure is reading survive the end of an inner call") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([](Transaction& tx) { tx.run("INSERT INTO Part (name) VALUES ('R1'), ('R2'), ('R3')"); });
    const auto read_through = [&](const Call& inner) {
        return test->execute([&](Reader& r) {
            int seen = 0;
            for (auto name : r.rows<std::string>("SELECT name FROM Part ORDER BY rowid")) {
                if (name == "R1")
                    CHECK_THROWS_AS(test->execute(inner, [](Reader& nested) { return nested.one<int>(endless); }),
                                    sqlane::Error);
                ++seen;
            }
            return seen;
        });
    };
    SUBCASE("by its deadline") { CHECK(read_through({.deadline = 30ms}) == 3); }
    SUBCASE("by its stop token") {
        Steps steps;
        Crew crew{steps};
        std::stop_source stop;
        crew.start([&] {
            support::wait_until("the inner call runs", [&] {
                return std::ranges::any_of(test->report().readers.holders, [](const auto& holder) {
                    return holder.stepping && holder.sql.starts_with("WITH");
                });
            });
            stop.request_stop();
        });
        CHECK(read_through({.stop = stop.get_token()}) == 3);
        crew.join();
    }
}

TEST_CASE("deadline: one that passes while a statement is compiled is a Timeout") {
    TemporaryDatabase test;
    make_parts(test.db());
    std::string long_to_compile = "SELECT 1 WHERE 0 IN (1";
    for (int i = 0; i < 500'000; ++i) long_to_compile += ",1";
    long_to_compile += ")";
    const Call call{.deadline = 5ms};
    CHECK_THROWS_AS((void)test->execute(call, [&](Reader& r) { return r.maybe<int>(long_to_compile); }), Timeout);
    const Call again{.deadline = 5ms};
    CHECK_THROWS_AS(test->execute_mut(again, [&](Writer& w) { w.script(long_to_compile); }), Timeout);
}

TEST_CASE("deadline: one that has passed lets nothing run") {
    TemporaryDatabase test;
    make_parts(test.db());
    bool ran = false;
    const auto past = Clock::now() - 1s;
    CHECK_THROWS_AS(test->execute({.deadline = past}, [&] { ran = true; }), Timeout);
    CHECK_THROWS_AS(test->transaction({.deadline = past}, [&] { ran = true; }), Timeout);
    CHECK_FALSE(ran);
    CHECK_THROWS_AS(
        test->execute_mut({.deadline = past}, [](Writer& w) { w.run("INSERT INTO Part (name) VALUES ('R1')"); }),
        Timeout);
    CHECK(count(test.db()) == 0);
}

TEST_CASE("deadline: one that is for ever away does not wrap around") {
    TemporaryDatabase test;
    CHECK(test->execute({.deadline = std::chrono::hours::max()}, [](Reader& r) { return r.one<int>("SELECT 7"); }) ==
          7);
    CHECK(test->transaction({.deadline = std::chrono::years{1000}}, [] { return 7; }) == 7);
}

TEST_CASE("deadline: without one the timeout covers the waiting and not the running") {
    Options options;
    options.timeout = 30ms;
    TemporaryDatabase test{options};
    make_parts(test.db());
    test->transaction([&](Transaction& tx) {
        until(Clock::now() + 50ms);
        tx.run("INSERT INTO Part (name) VALUES ('slowly')");
    });
    CHECK(count(test.db()) == 1);

    Steps steps;
    Crew crew{steps};
    test->transaction([&] {
        crew.start([&] {
            CHECK(support::time_of([&] { CHECK_THROWS_AS(test->transaction([] {}), Timeout); }) < 5s);
            steps.reach("waited enough");
        });
        steps.wait_for("waited enough");
    });
    crew.join();

    Rival rival{test.path()};
    rival.run("BEGIN IMMEDIATE");
    CHECK(support::time_of([&] { CHECK_THROWS_AS(test->transaction([] {}), Busy); }) < 5s);
    rival.run("ROLLBACK");
}

TEST_CASE("deadline: without one a long closure still has its full patience for a lock") {
    // this thread                                  another connection
    // writes, and is busy for longer than its timeout
    //                                              takes the file lock
    // writes again, and has to wait
    //                                              commits
    // goes on
    Options options;
    options.timeout = 300ms;
    TemporaryDatabase test{options};
    make_parts(test.db());
    Rival rival{test.path()};
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        steps.wait_for("busy for long");
        rival.run("BEGIN IMMEDIATE; INSERT INTO Part (name) VALUES ('of another process')");
        steps.reach("locked");
        support::wait_until("the writer waits", [&] {
            const auto holders = test->report().writer.holders;
            return !holders.empty() && holders[0].stepping;
        });
        until(Clock::now() + 50ms);
        rival.run("COMMIT");
    });
    test->execute_mut([&](Writer& w) {
        w.run("INSERT INTO Part (name) VALUES ('first')");
        until(Clock::now() + 350ms);
        steps.reach("busy for long");
        steps.wait_for("locked");
        w.run("INSERT INTO Part (name) VALUES ('second')");
    });
    crew.join();
    CHECK(count(test.db()) == 3);
}

TEST_CASE("stop token: ends the wait in the line") {
    TemporaryDatabase test;
    Steps steps;
    Crew crew{steps};
    std::stop_source stop;
    test->transaction([&] {
        crew.start([&] {
            CHECK_THROWS_AS(test->transaction({.stop = stop.get_token()}, [] {}), Cancelled);
            steps.reach("cancelled");
        });
        support::wait_until("it waits", [&] { return test->stats().writer.waiting == 1; });
        stop.request_stop();
        steps.wait_for("cancelled");
    });
    crew.join();
    CHECK(test->stats().writer.cancelled == 1);
    CHECK(test->stats().writer.timeouts == 0);
}

TEST_CASE("stop token: ends what runs and nothing of it is kept") {
    TemporaryDatabase test;
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    std::stop_source stop;
    crew.start([&] {
        support::wait_until("the insert runs", [&] {
            const auto holders = test->report().writer.holders;
            return !holders.empty() && holders[0].stepping && support::contains(holders[0].sql, "RECURSIVE");
        });
        stop.request_stop();
    });
    CHECK_THROWS_AS(test->transaction({.stop = stop.get_token()},
                                      [](Transaction& tx) {
                                          tx.run("INSERT INTO Part (name) VALUES ('before')");
                                          CHECK_THROWS_AS(tx.run(endless_insert), Cancelled);
                                          CHECK_THROWS_AS((void)tx.one<int>("SELECT 1"), Cancelled);
                                      }),
                    Cancelled);
    crew.join();
    CHECK(count(test.db()) == 0);
}

TEST_CASE("stop token: ends a read") {
    TemporaryDatabase test;
    Steps steps;
    Crew crew{steps};
    std::stop_source stop;
    crew.start([&] {
        support::wait_until("the query runs", [&] {
            const auto holders = test->report().readers.holders;
            return !holders.empty() && holders[0].stepping;
        });
        stop.request_stop();
    });
    CHECK_THROWS_AS(test->execute({.stop = stop.get_token()}, [](Reader& r) { return r.one<int>(endless); }),
                    Cancelled);
    crew.join();
}

TEST_CASE("stop token: ends the wait for the file lock of another connection") {
    TemporaryDatabase test;
    make_parts(test.db());
    Rival rival{test.path()};
    rival.run("BEGIN IMMEDIATE");
    Steps steps;
    Crew crew{steps};
    for (const bool in_transaction : {true, false}) {
        std::stop_source stop;
        crew.start([&] {
            support::wait_until("the writer is lent", [&] { return test->stats().writer.in_use == 1; });
            until(Clock::now() + 20ms);  // by now it waits for the lock, which nobody can see from outside
            stop.request_stop();
        });
        const Call call{.stop = stop.get_token()};
        const auto took = support::time_of([&] {
            if (in_transaction)
                CHECK_THROWS_AS(test->transaction(call, [] {}), Cancelled);
            else
                CHECK_THROWS_AS(
                    test->execute_mut(call, [](Writer& w) { w.run("INSERT INTO Part (name) VALUES ('R1')"); }),
                    Cancelled);
        });
        CHECK(took < support::within(500ms));
        crew.join();
    }
    rival.run("ROLLBACK");
    CHECK(count(test.db()) == 0);
}

TEST_CASE("stop token: one that was used before lets nothing run") {
    TemporaryDatabase test;
    std::stop_source stop;
    stop.request_stop();
    bool ran = false;
    CHECK_THROWS_AS(test->execute({.stop = stop.get_token()}, [&] { ran = true; }), Cancelled);
    CHECK_THROWS_AS(test->transaction({.stop = stop.get_token()}, [&] { ran = true; }), Cancelled);
    CHECK_FALSE(ran);
}

TEST_CASE("stop token: a stop after the end harms nobody") {
    TemporaryDatabase test;
    std::stop_source stop;
    test->execute({.stop = stop.get_token()}, [](Reader& r) { return r.one<int>("SELECT 1"); });
    stop.request_stop();
    CHECK(test->execute([](Reader& r) { return r.one<int>("SELECT 7"); }) == 7);
}

TEST_CASE("stop token: stops from another thread hit the call they are meant for or none") {
    // A race on purpose: each stop comes at about the time when its call ends and the next borrower has the handle.
    Options options;
    options.readers = {.min_idle = 0, .max = 1, .overflow = 0};
    TemporaryDatabase test{options};
    make_parts(test.db());
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        // Has no token, so nothing may stop it.
        while (!steps.reached("done")) test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
    });
    crew.start([&] {
        for (int i = 0; i < support::rounds(500); ++i) {
            std::stop_source stop;
            std::thread stopper{[&] { stop.request_stop(); }};
            try {
                test->execute({.stop = stop.get_token()}, [](Reader& r) { return r.one<int>("SELECT 1"); });
            } catch (const Cancelled&) {
            }
            stopper.join();
        }
        steps.reach("done");
    });
    crew.join();
    CHECK(count(test.db()) == 0);
}

#if defined(__linux__)

namespace {

constexpr const char* lock_this = "SQLANE_TEST_LOCK_THIS";

/// This program once more, holding the write lock of a file until it is let go.
class OtherProcess {
public:
    explicit OtherProcess(const std::filesystem::path& file) {
        int ready[2];
        int stay[2];
        REQUIRE(::pipe(ready) == 0);
        REQUIRE(::pipe(stay) == 0);
        // Ends of ours that the child must not keep open, or it would wait for itself.
        ::fcntl(ready[0], F_SETFD, FD_CLOEXEC);
        ::fcntl(stay[1], F_SETFD, FD_CLOEXEC);
        std::string what = std::string{lock_this} + "=" + std::to_string(ready[1]) + " " + std::to_string(stay[0]) +
                           " " + file.string();
        std::vector<char*> environment;
        for (char** variable = environ; *variable != nullptr; ++variable) environment.push_back(*variable);
        environment.push_back(what.data());
        environment.push_back(nullptr);
        std::string program = "sqlane_tests";
        std::string filter = "--test-case=helper: another process that holds the file lock";
        std::string no_skip = "--no-skip";
        std::string quiet = "--out=/dev/null";
        std::array arguments{program.data(), filter.data(), no_skip.data(), quiet.data(), static_cast<char*>(nullptr)};
        REQUIRE(::posix_spawn(&process_, "/proc/self/exe", nullptr, nullptr, arguments.data(), environment.data()) ==
                0);
        ::close(ready[1]);
        ::close(stay[0]);
        stay_ = stay[1];
        char byte = 0;
        const auto got = ::read(ready[0], &byte, 1);
        ::close(ready[0]);
        REQUIRE(got == 1);
    }
    OtherProcess(const OtherProcess&) = delete;
    OtherProcess& operator=(const OtherProcess&) = delete;
    ~OtherProcess() {
        ::close(stay_);
        int status = 0;
        ::waitpid(process_, &status, 0);
        CHECK(status == 0);
    }

private:
    ::pid_t process_ = 0;
    int stay_ = -1;
};

}  // namespace

TEST_CASE("helper: another process that holds the file lock" * doctest::skip()) {
    const char* what = std::getenv(lock_this);
    if (what == nullptr) return;  // it is run by the test below
    std::istringstream words{what};
    int ready = -1;
    int stay = -1;
    std::string file;
    words >> ready >> stay;
    std::getline(words >> std::ws, file);
    Rival rival{file};
    rival.run("BEGIN IMMEDIATE");
    REQUIRE(::write(ready, "r", 1) == 1);
    char byte = 0;
    CHECK(::read(stay, &byte, 1) == 0);
    rival.run("COMMIT");
}

TEST_CASE("deadline: 600 ms hold for the file lock of another process") {
    TemporaryDatabase test;
    make_parts(test.db());
    {
        OtherProcess other{test.path()};
        check_on_time(
            support::time_of([&] { CHECK_THROWS_AS(test->transaction({.deadline = deadline}, [] {}), Busy); }));
        CHECK(count(test.db()) == 0);  // readers do not care
    }
    test->transaction([](Transaction& tx) { tx.run("INSERT INTO Part (name) VALUES ('R1')"); });
    CHECK(count(test.db()) == 1);
}

#endif
