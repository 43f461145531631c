#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/steps.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

/// The promise: transactions that wait in line share one COMMIT, and nobody notices but by the time it takes. Each is kept
/// or undone as if it had been alone, and what undoes them all names who did it.
namespace {

using namespace std::chrono_literals;
using sqlane::Call;
using sqlane::Options;
using sqlane::Transaction;
using sqlane::testing::TemporaryDatabase;
using support::caught;
using support::contains;

Options gathering() {
    Options options;
    options.group_window = 60s;     // the steps of a test take as long as they take
    options.upkeep_thread = false;  // a checkpoint would stand in the line too
    return options;
}

/// Where every member of a group calls from, so that the site is known as one whose closures are short.
void transact(TemporaryDatabase& test, const Call& call, const std::function<void(Transaction&)>& body) {
    test->transaction(call, [&](Transaction& tx) { body(tx); });
}

void make_table(TemporaryDatabase& test) {
    test->execute_mut([](sqlane::Writer& w) {
        w.script(
            "CREATE TABLE Parts (id INTEGER PRIMARY KEY, assembly INTEGER REFERENCES Parts DEFERRABLE INITIALLY "
            "DEFERRED);"
            "CREATE TABLE Ballast (bytes BLOB)");
    });
    for (int i = 0; i < 4; ++i) transact(test, {}, [](Transaction&) {});
}

void insert(Transaction& tx, int id) { tx.run("INSERT INTO Parts (id) VALUES (?)", id); }

std::set<int> parts(TemporaryDatabase& test) {
    const auto all = test->execute([](sqlane::Reader& r) { return r.all<int>("SELECT id FROM Parts"); });
    return {all.begin(), all.end()};
}

/// Puts calls into the line in a given order, behind a transaction that holds the writer, and lets them go.
class Line {
public:
    explicit Line(TemporaryDatabase& test) : test_(test) { make_table(test_); }

    void add(std::function<void()> call) { calls_.push_back(std::move(call)); }
    /// A member that inserts this id.
    void add_insert(int id) {
        add([this, id] { transact(test_, {}, [id](Transaction& tx) { insert(tx, id); }); });
    }

    /// Returns how many COMMITs it took.
    std::uint64_t run() {
        support::Crew crew{steps_};
        before_ = test_->stats().writer;
        try {
            test_->transaction([&](Transaction& tx) {
                insert(tx, 0);
                for (const auto& call : calls_) {
                    const auto waiting = test_->stats().writer.waiting;
                    crew.start(call);
                    support::wait_until("it stands in the line",
                                        [&] { return test_->stats().writer.waiting == waiting + 1; });
                }
            });
        } catch (const sqlane::Aborted& error) {
            first_undone_ = error;
        }
        crew.join();
        return test_->stats().writer.groups - before_.groups;
    }
    [[nodiscard]] std::uint64_t commits() const { return test_->stats().writer.commits - before_.commits; }
    /// What the first one, who held the writer, was told when it was undone with others.
    [[nodiscard]] const std::optional<sqlane::Aborted>& first_undone() const { return first_undone_; }

private:
    TemporaryDatabase& test_;
    support::Steps steps_;
    std::vector<std::function<void()>> calls_;
    sqlane::LaneStats before_;
    std::optional<sqlane::Aborted> first_undone_;
};

}  // namespace

TEST_CASE("group: who waits in line shares the COMMIT") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    for (int id = 1; id <= 5; ++id) line.add_insert(id);
    CHECK(line.run() == 1);
    CHECK(line.commits() == 6);
    CHECK(test->stats().writer.largest_group == 6);
    CHECK(parts(test) == std::set{0, 1, 2, 3, 4, 5});
}

TEST_CASE("group: no larger than group_max, and no longer than group_window") {
    auto options = gathering();
    SUBCASE("group_max") { options.group_max = 2; }
    SUBCASE("group_max 1 means none") { options.group_max = 1; }
    SUBCASE("group_window") { options.group_window = 0ms; }
    TemporaryDatabase test{options};
    Line line{test};
    for (int id = 1; id <= 5; ++id) line.add_insert(id);
    CHECK(line.run() == (options.group_max == 2 ? 3 : 6));
    CHECK(parts(test).size() == 6);
}

TEST_CASE("group: where commits are not durable there is nothing to share") {
    auto options = gathering();
    options.synchronous = sqlane::Synchronous::normal;
    TemporaryDatabase test{options};
    Line line{test};
    for (int id = 1; id <= 5; ++id) line.add_insert(id);
    CHECK(line.run() == 6);
}

TEST_CASE("group: each member sees those before it, readers see none of them until the COMMIT") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add_insert(1);
    std::vector<int> seen_inside;
    std::vector<int> seen_outside;
    line.add([&] {
        transact(test, {}, [&](Transaction& tx) {
            seen_inside = tx.all<int>("SELECT id FROM Parts ORDER BY id");
            std::thread{[&] {
                seen_outside = test->execute([](sqlane::Reader& r) { return r.all<int>("SELECT id FROM Parts"); });
            }}.join();
        });
    });
    CHECK(line.run() == 1);
    CHECK(seen_inside == std::vector{0, 1});
    CHECK(seen_outside.empty());
}

TEST_CASE("group: a member that throws is undone alone") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add_insert(1);
    line.add([&] {
        const auto error = caught<std::domain_error>([&] {
            transact(test, {}, [](Transaction& tx) {
                insert(tx, 2);
                tx.savepoint([&] { insert(tx, 20); });
                throw std::domain_error{"no"};
            });
        });
        CHECK(error.what() == std::string{"no"});
    });
    line.add_insert(3);
    CHECK(line.run() == 1);
    CHECK(line.commits() == 3);
    CHECK(parts(test) == std::set{0, 1, 3});
}

TEST_CASE("group: when the last one throws the others are committed") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add_insert(1);
    line.add([&] {
        caught<std::domain_error>([&] {
            transact(test, {}, [](Transaction& tx) {
                insert(tx, 2);
                throw std::domain_error{"no"};
            });
        });
    });
    CHECK(line.run() == 1);
    CHECK(parts(test) == std::set{0, 1});
}

TEST_CASE("group: a deferred foreign key is the fault of who left it") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add_insert(1);
    line.add([&] {
        const auto error = caught<sqlane::ConstraintError>(
            [&] { transact(test, {}, [](Transaction& tx) { tx.run("INSERT INTO Parts VALUES (2, 99)"); }); });
        CHECK(error.kind() == sqlane::ConstraintKind::foreign_key);
        CHECK(contains(error.what(), "FOREIGN KEY constraint failed"));
    });
    line.add([&] {
        transact(test, {}, [](Transaction& tx) {
            tx.run("INSERT INTO Parts VALUES (3, 4)");  // not there yet
            insert(tx, 4);
        });
    });
    CHECK(line.run() == 1);
    CHECK(parts(test) == std::set{0, 1, 3, 4});
}

TEST_CASE("group: the first one's deferred foreign key fails it before anybody joins") {
    TemporaryDatabase test{gathering()};
    make_table(test);
    support::Steps steps;
    support::Crew crew{steps};
    caught<sqlane::ConstraintError>([&] {
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO Parts VALUES (1, 99)");
            crew.start([&] { transact(test, {}, [](Transaction& own) { insert(own, 2); }); });
            support::wait_until("it stands in the line", [&] { return test->stats().writer.waiting == 1; });
        });
    });
    crew.join();
    CHECK(parts(test) == std::set{2});
}

namespace {

/// The test database complains of the pragma that this leaves.
void run_into_full_disk(Transaction& tx) {
    tx.run("PRAGMA max_page_count = 20");
    tx.run("INSERT INTO Ballast VALUES (zeroblob(1000000))");
}

void ignore(const std::string& /*complaint*/) {}

}  // namespace

TEST_CASE("group: who fills the disk is named to those who are undone with him") {
    TemporaryDatabase test{ignore, gathering()};
    Line line{test};
    const auto expect_named = [](const sqlane::Aborted& error) {
        CHECK(contains(error.what(), "database or disk is full"));
        CHECK(contains(error.what(), "the other, at transactions_share_a_commit.cpp:"));
        CHECK(contains(error.what(), "run it again or say Call::replay"));
        CHECK((error.sqlite_code() & 0xff) == 13);
    };
    for (const int id : {1, 2})
        line.add([&, id] {
            expect_named(
                caught<sqlane::Aborted>([&] { transact(test, {}, [id](Transaction& tx) { insert(tx, id); }); }));
        });
    line.add([&] { caught<sqlane::StorageError>([&] { transact(test, {}, run_into_full_disk); }); });
    line.add_insert(4);
    line.run();
    REQUIRE(line.first_undone());
    expect_named(*line.first_undone());
    CHECK(parts(test) == std::set{4});
}

TEST_CASE("group: a call that said so runs again, alone") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    int runs = 0;
    line.add([&] {
        transact(test, {.replay = true}, [&](Transaction& tx) {
            ++runs;
            insert(tx, 1);
        });
    });
    line.add([&] {
        caught<sqlane::ConstraintError>([&] {
            transact(test, {}, [](Transaction& tx) { tx.run("INSERT OR ROLLBACK INTO Parts (id) VALUES (1)"); });
        });
    });
    line.run();
    CHECK(line.first_undone());
    CHECK(runs == 2);
    CHECK(parts(test) == std::set{1});
}

TEST_CASE("group: who swallows the error that undid everything is told so") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add([&] {
        caught<sqlane::ConstraintError>([&] {
            transact(test, {}, [](Transaction& tx) {
                caught<sqlane::ConstraintError>([&] { tx.run("INSERT OR ROLLBACK INTO Parts (id) VALUES (0)"); });
            });
        });
    });
    line.add_insert(2);
    line.run();
    CHECK(line.first_undone());
    CHECK(parts(test) == std::set{2});
}

TEST_CASE("group: a transaction with a deadline, a stop token or solo has a COMMIT of its own") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    std::stop_source nobody_stops;
    line.add_insert(1);
    Call call;
    SUBCASE("deadline") { call.deadline = 60s; }
    SUBCASE("stop token") { call.stop = nobody_stops.get_token(); }
    SUBCASE("solo") { call.solo = true; }
    line.add([&] { transact(test, call, [](Transaction& tx) { insert(tx, 2); }); });
    line.add_insert(3);
    line.add_insert(4);
    CHECK(line.run() == 3);  // 0 and 1, then 2, then 3 and 4
    CHECK(parts(test) == std::set{0, 1, 2, 3, 4});
}

TEST_CASE("group: one that is cancelled in the middle touches no other") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    for (const int id : {1, 2}) line.add_insert(id);
    std::stop_source stop;
    line.add([&] {
        caught<sqlane::Cancelled>([&] {
            transact(test, {.stop = stop.get_token()}, [&](Transaction& tx) {
                insert(tx, 3);
                stop.request_stop();
                insert(tx, 30);
            });
        });
    });
    line.add([&] {
        caught<sqlane::Timeout>([&] {
            // Passes while the statement runs, which would go on for ever.
            transact(test, {.deadline = 5s}, [&](Transaction& tx) {
                tx.run(
                    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                    "INSERT INTO Parts SELECT 1000 + max(i), NULL FROM n");
            });
        });
    });
    for (const int id : {4, 5}) line.add_insert(id);
    line.run();
    CHECK(parts(test) == std::set{0, 1, 2, 4, 5});
}

TEST_CASE("group: execute_mut is not let in, and sees what was committed before it") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add_insert(1);
    line.add([&] { test->execute_mut([](sqlane::Writer& w) { w.run("UPDATE Parts SET id = id + 10"); }); });
    line.add_insert(2);
    line.run();
    CHECK(parts(test) == std::set{2, 10, 11});
}

TEST_CASE("group: a site whose closures are not known to be short is not let in") {
    // So that nobody's small change waits for a file that somebody imports.
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add_insert(1);
    line.add([&] { test->transaction([](Transaction& tx) { insert(tx, 2); }); });
    CHECK(line.run() == 2);
    CHECK(parts(test) == std::set{0, 1, 2});
}

TEST_CASE("group: a call from within a closure of another database does not wait for others") {
    // in a transaction of `other`          holds the writer of `test`, and wants `other` later
    // transaction of `test`, which is done
    //                                      goes on in the same transaction, did it not have a COMMIT of its own
    TemporaryDatabase test{gathering()};
    TemporaryDatabase other{gathering()};
    Line line{test};
    line.add([&] { other->transaction([&] { transact(test, {}, [](Transaction& tx) { insert(tx, 1); }); }); });
    line.add([&] {
        transact(test, {}, [&](Transaction& tx) {
            insert(tx, 2);
            other->transaction([](Transaction&) {});
        });
    });
    line.run();
    CHECK(parts(test) == std::set{0, 1, 2});
}

TEST_CASE("group: on_commit runs after the shared COMMIT, and not for who was undone") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    std::atomic<int> visible{0};
    std::atomic<bool> undone_ran{false};
    line.add([&] {
        transact(test, {}, [&](Transaction& tx) {
            insert(tx, 1);
            tx.on_commit([&] { visible = static_cast<int>(parts(test).size()); });
        });
    });
    line.add([&] {
        caught<std::domain_error>([&] {
            transact(test, {}, [&](Transaction& tx) {
                tx.on_commit([&] { undone_ran = true; });
                throw std::domain_error{"no"};
            });
        });
    });
    line.add_insert(2);
    CHECK(line.run() == 1);
    CHECK(visible == 3);
    CHECK_FALSE(undone_ran);
}

TEST_CASE("group: what a member leaves behind ends the group, and the next one does not see it") {
    TemporaryDatabase test{ignore, gathering()};
    Line line{test};
    line.add_insert(1);
    line.add([&] {
        transact(test, {}, [](Transaction& tx) {
            tx.run("CREATE TEMP TABLE scratch (x)");
            insert(tx, 2);
        });
    });
    line.add([&] {
        transact(test, {}, [](Transaction& tx) {
            CHECK(tx.one<int>("SELECT count(*) FROM sqlite_temp_schema") == 0);
            insert(tx, 3);
        });
    });
    CHECK(line.run() == 2);
    CHECK(contains(test->report().warnings.back().message, "temporary table scratch"));
    CHECK(parts(test) == std::set{0, 1, 2, 3});
}

TEST_CASE("group: PRAGMA defer_foreign_keys ends with the one who said it") {
    TemporaryDatabase test{gathering()};
    test->execute_mut([](sqlane::Writer& w) {
        w.script("CREATE TABLE Kinds (id INTEGER PRIMARY KEY); CREATE TABLE Things (kind INTEGER REFERENCES Kinds)");
    });
    Line line{test};
    line.add([&] {
        transact(test, {}, [](Transaction& tx) {
            tx.run("PRAGMA defer_foreign_keys = ON");
            tx.run("INSERT INTO Things VALUES (1)");
            tx.run("INSERT INTO Kinds VALUES (1)");
        });
    });
    line.add([&] {
        transact(test, {}, [](Transaction& tx) {
            caught<sqlane::ConstraintError>([&] { tx.run("INSERT INTO Things VALUES (2)"); });
        });
    });
    line.run();
    CHECK(test->execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Things"); }) == 1);
}

TEST_CASE("group: the report tells how many wait for the COMMIT of who holds the writer") {
    TemporaryDatabase test{gathering()};
    Line line{test};
    line.add_insert(1);
    int sharing = -1;
    line.add([&] { transact(test, {}, [&](Transaction&) { sharing = test->report().writer.holders.at(0).sharing; }); });
    line.run();
    CHECK(sharing == 2);
    CHECK(test->report().writer.holders.empty());
}

namespace {

enum class Kind { good, throws, leaves_a_deferred_key, fills_the_disk };

/// One in ten, one in fifty, one in a hundred.
Kind kind_of(int id) {
    const auto draw = std::minstd_rand{static_cast<std::uint32_t>(id)}() / 16 % 100;
    if (draw < 1) return Kind::fills_the_disk;
    if (draw < 3) return Kind::leaves_a_deferred_key;
    return draw < 13 ? Kind::throws : Kind::good;
}

}  // namespace

TEST_CASE("group: of many members of all kinds exactly the guilty ones are missing") {
    // 32 threads that insert, each id once. The ledger is what they were told.
    Options options;
    options.group_window = support::sanitized ? 1000ms : 50ms;
    TemporaryDatabase test{ignore, options};
    make_table(test);
    constexpr int threads = 32;
    const int each = support::rounds(100);
    std::vector<std::set<int>> acknowledged(threads);
    std::atomic<int> undone{0};
    std::atomic<int> full{0};
    support::Steps steps;
    support::Crew crew{steps};
    for (int t = 0; t < threads; ++t)
        crew.start([&, t] {
            for (int i = 0; i < each; ++i) {
                const int id = 1 + t * each + i;
                auto& told = acknowledged.at(static_cast<std::size_t>(t));
                try {
                    transact(test, {}, [&](Transaction& tx) {
                        insert(tx, id);
                        if (kind_of(id) == Kind::fills_the_disk) run_into_full_disk(tx);
                        if (kind_of(id) == Kind::leaves_a_deferred_key)
                            tx.run("UPDATE Parts SET assembly = -1 WHERE id = ?", id);
                        if (kind_of(id) == Kind::throws) throw std::domain_error{"no"};
                    });
                    told.insert(id);
                    CHECK((kind_of(id) == Kind::good));
                } catch (const std::domain_error&) {
                    CHECK((kind_of(id) == Kind::throws));
                } catch (const sqlane::ConstraintError&) {
                    CHECK((kind_of(id) == Kind::leaves_a_deferred_key));
                } catch (const sqlane::StorageError&) {
                    CHECK((kind_of(id) == Kind::fills_the_disk));
                    ++full;
                } catch (const sqlane::Aborted& error) {
                    CHECK(contains(error.what(), "database or disk is full"));
                    ++undone;
                }
            }
        });
    crew.join();
    std::set<int> expected;
    for (const auto& ids : acknowledged) expected.insert(ids.begin(), ids.end());
    CHECK((parts(test) == expected));
    const auto stats = test->stats().writer;
    CHECK(full > 0);
    CHECK(undone > 0);
    CHECK(stats.largest_group > 2);
    MESSAGE(expected.size() << " kept, " << undone.load() << " undone with " << full.load() << " that filled the disk, "
                            << stats.groups << " COMMITs, the largest of " << stats.largest_group);
}
