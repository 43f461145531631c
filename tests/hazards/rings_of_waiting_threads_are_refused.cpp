#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

/// The promise: threads that wait for each other's handles are told so at once, and nobody else ever is.
namespace {

using namespace std::chrono_literals;
using sqlane::ConnectionManager;
using sqlane::Deadlock;
using sqlane::Options;
using support::contains;
using support::Crew;
using support::Steps;

/// Databases with names of their own, so that a ring can be read.
class Databases {
public:
    explicit Databases(std::initializer_list<const char*> names, const Options& options = {}) {
        for (const char* name : names)
            managers_.push_back(std::make_unique<ConnectionManager>(folder_.path() / name, options));
    }
    ConnectionManager& operator[](std::size_t i) { return *managers_.at(i); }

private:
    sqlane::testing::TemporaryFolder folder_;
    std::vector<std::unique_ptr<ConnectionManager>> managers_;
};

Options readers(int max) {
    Options options;
    options.readers = {.min_idle = 0, .max = max, .overflow = 0};
    return options;
}

/// Threads each of which holds something and then asks for what another one holds.
class Ring {
public:
    explicit Ring(int threads) : threads_(threads) {}

    void start(std::function<void()> work) { crew_.start(std::move(work)); }

    /// Called by each thread inside of its closure; `call` is the one that may be refused.
    template <class F>
    void ask(F&& call) {
        steps_.reach("holds " + std::to_string(held_++));
        for (int i = 0; i < threads_; ++i) steps_.wait_for("holds " + std::to_string(i));
        note_ask();
        try {
            call();
            ++went_on_;
        } catch (const Deadlock& error) {
            const std::lock_guard lock{mutex_};
            refusals_.push_back(error);
            took_ = support::Clock::now() - last_asked_;
        }
    }

    /// All others have got what they asked for.
    Deadlock one_is_refused() {
        crew_.join();
        CHECK(went_on_ == threads_ - 1);
        CHECK(took_ < support::within(100ms));
        REQUIRE(refusals_.size() == 1);
        return refusals_[0];
    }

private:
    void note_ask() {
        const std::lock_guard lock{mutex_};
        last_asked_ = support::Clock::now();
    }

    const int threads_;
    Steps steps_;
    std::atomic<int> held_{0};
    std::atomic<int> went_on_{0};
    std::mutex mutex_;
    std::vector<Deadlock> refusals_;
    support::Clock::time_point last_asked_;
    std::chrono::nanoseconds took_{};
    Crew crew_{steps_};
};

int waiting_writers(ConnectionManager& db) { return db.stats().writer.waiting; }
int waiting_readers(ConnectionManager& db) { return db.stats().readers.waiting; }

std::string line(const std::source_location& at) {
    return "rings_of_waiting_threads_are_refused.cpp:" + std::to_string(at.line());
}

}  // namespace

TEST_CASE("deadlock: two threads that take two databases in opposite order") {
    // one thread                            the other thread
    // writes parts
    //                                       writes orders
    // asks for the writer of orders
    //                                       asks for the writer of parts
    // who came last gets Deadlock at once, and lets go of what it has
    // who came first goes on
    Databases db{"parts.db", "orders.db"};
    Ring ring{2};
    const std::array outer{std::source_location::current(), std::source_location::current()};
    const std::array inner{std::source_location::current(), std::source_location::current()};
    for (std::size_t i = 0; i < 2; ++i)
        ring.start([&, i] {
            db[i].transaction([&] { ring.ask([&] { db[1 - i].transaction([] {}, inner.at(i)); }); }, outer.at(i));
        });
    const auto error = ring.one_is_refused();
    CHECK((error.where().line() == inner[0].line() || error.where().line() == inner[1].line()));
    for (const char* lane : {"writer of parts.db", "writer of orders.db"})
        CHECK_MESSAGE(contains(error.what(), lane), error.what());
    for (const auto& at : {outer[0], inner[0], outer[1], inner[1]})
        CHECK_MESSAGE(contains(error.what(), line(at)), error.what());
    CHECK(db[0].stats().writer.deadlocks + db[1].stats().writer.deadlocks == 1);
}

TEST_CASE("deadlock: what the refused thread did before can still be committed") {
    Databases db{"parts.db", "orders.db"};
    for (std::size_t i = 0; i < 2; ++i)
        db[i].execute_mut([](sqlane::Writer& w) { w.run("CREATE TABLE Line (thread INTEGER)"); });
    Ring ring{2};
    const auto add = [](std::size_t i) {
        return [i](sqlane::Transaction& tx) { tx.run("INSERT INTO Line (thread) VALUES (?)", i); };
    };
    for (std::size_t i = 0; i < 2; ++i)
        ring.start([&, i] {
            db[i].transaction([&](sqlane::Transaction& tx) {
                add(i)(tx);
                ring.ask([&] { db[1 - i].transaction(add(i)); });
            });
        });
    ring.one_is_refused();
    const auto lines = [](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Line"); };
    CHECK(db[0].execute(lines) + db[1].execute(lines) == 3);
}

TEST_CASE("deadlock: a ring of three threads is closed by the last of them") {
    // thread 0                 thread 1                 thread 2
    // writes a                 writes b                 writes c
    // asks for b               asks for c               asks for a
    // who came last gets Deadlock, and the other two go on one after the other
    Databases db{"a.db", "b.db", "c.db"};
    Ring ring{3};
    for (std::size_t i = 0; i < 3; ++i)
        ring.start([&, i] { db[i].transaction([&] { ring.ask([&] { db[(i + 1) % 3].transaction([] {}); }); }); });
    const auto error = ring.one_is_refused();
    for (const char* name : {"writer of a.db", "writer of b.db", "writer of c.db"})
        CHECK_MESSAGE(contains(error.what(), name), error.what());
}

TEST_CASE("deadlock: not while one of several holders can still give its handle back") {
    // first                    second                   third
    // reads a (1 of 2)         writes b                 reads a (2 of 2)
    // waits for the writer of b
    //                          waits for a reader of a: no ring, third can let go
    //                                                   lets go
    //                          goes on
    // goes on
    Databases db{"a.db", "b.db"};
    Databases small{{"small.db"}, readers(2)};
    auto& a = small[0];
    auto& b = db[1];
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        a.execute([&] {
            steps.reach("first reads a");
            steps.wait_for("second writes b");
            b.transaction([&] { steps.reach("first wrote b"); });
        });
    });
    crew.start([&] {
        b.transaction([&] {
            steps.reach("second writes b");
            steps.wait_for("third reads a");
            support::wait_until("first waits for b", [&] { return waiting_writers(b) == 1; });
            a.execute([&] { steps.reach("second read a"); });
        });
    });
    crew.start([&] {
        a.execute([&] {
            steps.reach("third reads a");
            support::wait_until("second waits for a", [&] { return waiting_readers(a) == 1; });
            CHECK_FALSE(steps.reached("second read a"));
        });
    });
    crew.join();
    CHECK(steps.reached("first wrote b"));
    CHECK(a.stats().readers.deadlocks == 0);
    CHECK(b.stats().writer.deadlocks == 0);
}

TEST_CASE("deadlock: when all of several holders wait") {
    // as above, but the third too asks for the writer of b instead of letting go: now nobody can
    Databases db{"b.db"};
    Databases small{{"a.db"}, readers(2)};
    auto& a = small[0];
    auto& b = db[0];
    Ring ring{3};
    for (int i = 0; i < 2; ++i) ring.start([&] { a.execute([&] { ring.ask([&] { b.transaction([] {}); }); }); });
    ring.start([&] { b.transaction([&] { ring.ask([&] { a.execute([] {}); }); }); });
    const auto error = ring.one_is_refused();
    CHECK_MESSAGE(contains(error.what(), "readers of a.db"), error.what());
    CHECK_MESSAGE(contains(error.what(), "writer of b.db"), error.what());
}

TEST_CASE("deadlock: readers of pools of one can be in it too") {
    Databases db{{"a.db", "b.db"}, readers(1)};
    Ring ring{2};
    for (std::size_t i = 0; i < 2; ++i)
        ring.start([&, i] { db[i].execute([&] { ring.ask([&] { db[1 - i].execute([] {}); }); }); });
    const auto error = ring.one_is_refused();
    CHECK_MESSAGE(contains(error.what(), "readers of a.db"), error.what());
    CHECK_MESSAGE(contains(error.what(), "readers of b.db"), error.what());
}

TEST_CASE("deadlock: a wait that has ended is forgotten") {
    // first                            second
    // reads a
    //                                  writes b
    // waits for the writer of b
    //                                  lets go of b
    // has b; destroys it
    //                                  reads c, and asks for a: the first holds that, but waits for nothing now
    // lets go of a
    //                                  goes on
    Databases small{{"a.db", "c.db"}, readers(1)};
    auto b = std::make_unique<Databases>(std::initializer_list<const char*>{"b.db"});
    auto& writer_of_b = (*b)[0];
    Steps steps;
    Crew crew{steps};
    crew.start([&] {
        writer_of_b.transaction([&] {
            steps.reach("second writes b");
            support::wait_until("first waits for b", [&] { return waiting_writers(writer_of_b) == 1; });
        });
        steps.reach("second let go of b");
        steps.wait_for("b is gone");
        small[1].execute([&] { small[0].execute([&] { steps.reach("second reads a"); }); });
    });
    small[0].execute([&] {
        steps.wait_for("second writes b");
        writer_of_b.transaction([] {});
        steps.wait_for("second let go of b");
        b.reset();
        steps.reach("b is gone");
        support::wait_until("second waits for a", [&] { return waiting_readers(small[0]) == 1; });
        CHECK_FALSE(steps.reached("second reads a"));
    });
    crew.join();
    CHECK(steps.reached("second reads a"));
    CHECK(small[0].stats().readers.deadlocks == 0);
}

TEST_CASE("deadlock: never for threads that use the databases in the same order") {
    // eight threads                                     this thread
    //                                                   writes b
    // two read a, and wait for the writer of b
    // six wait for a reader of a
    //                                                   lets go of b
    // all go on, again and again
    constexpr int threads = 8;
    Databases db{{"a.db", "b.db", "c.db"}, readers(2)};
    Steps steps;
    Crew crew{steps};
    db[1].transaction([&] {
        for (int t = 0; t < threads; ++t)
            crew.start([&, t] {
                for (int round = 0; round < support::rounds(100); ++round)
                    db[0].execute([&] {
                        db[1].transaction([&] {
                            if ((t + round) % 2 == 0)
                                db[2].transaction([] {});
                            else
                                db[2].execute([] {});
                        });
                    });
            });
        support::wait_until("all wait", [&] { return waiting_readers(db[0]) == 6 && waiting_writers(db[1]) == 2; });
    });
    crew.join();
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(db[i].stats().readers.deadlocks == 0);
        CHECK(db[i].stats().writer.deadlocks == 0);
    }
}
