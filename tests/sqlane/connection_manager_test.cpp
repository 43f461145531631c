#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "support/rival.hpp"
#include "support/steps.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// The door: what goes in, what comes out, and what is thrown.
namespace {

using sqlane::ConnectionManager;
using sqlane::Options;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

void make_parts(ConnectionManager& db) {
    db.execute_mut([](Writer& w) { w.run("CREATE TABLE Part (id INTEGER PRIMARY KEY, name TEXT NOT NULL)"); });
}

int count(ConnectionManager& db) {
    return db.execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
}

/// Neither a std::exception nor anything else.
struct Odd {
    int number;
};

struct MoveOnly {
    explicit MoveOnly(int number) : value(std::make_unique<int>(number)) {}
    std::unique_ptr<int> value;
};

struct NoDefault {
    explicit NoDefault(int given) : number(given) {}
    int number;
};

/// Calls `check` with each way in which a closure can be run.
template <class Check>
void for_each_way(ConnectionManager& db, Check&& check) {
    SUBCASE("execute") {
        check([&](auto&& f) { return db.execute(f); });
    }
    SUBCASE("execute_mut") {
        check([&](auto&& f) { return db.execute_mut(f); });
    }
    SUBCASE("transaction") {
        check([&](auto&& f) { return db.transaction(f); });
    }
    SUBCASE("transaction inside transaction") {
        check([&](auto&& f) { return db.transaction([&] { return db.transaction(f); }); });
    }
    SUBCASE("savepoint") {
        check([&](auto&& f) { return db.transaction([&](Transaction& tx) { return tx.savepoint(f); }); });
    }
    SUBCASE("execute inside transaction") {
        check([&](auto&& f) { return db.transaction([&] { return db.execute(f); }); });
    }
    SUBCASE("execute inside execute_mut") {
        check([&](auto&& f) { return db.execute_mut([&] { return db.execute(f); }); });
    }
    SUBCASE("transaction inside execute_mut") {
        check([&](auto&& f) { return db.execute_mut([&] { return db.transaction(f); }); });
    }
}

int seven_from_nowhere() { return 7; }
int seven_from_reader(Reader& r) { return r.one<int>("SELECT 7"); }

}  // namespace

TEST_CASE("door: an exception of any type arrives unchanged") {
    TemporaryDatabase test;
    for_each_way(test.db(), [&](auto&& run) {
        CHECK_THROWS_AS(run([]() -> int { throw 7; }), int);
        CHECK_THROWS_AS(run([] { throw Odd{7}; }), Odd);
        CHECK_THROWS_AS(run([] { throw std::string{"seven"}; }), std::string);
        CHECK_THROWS_AS(run([] { throw "seven"; }), const char*);
        CHECK_THROWS_WITH_AS(run([] { throw std::out_of_range{"seven"}; }), "seven", std::out_of_range);
        CHECK_THROWS_WITH_AS(run([] { throw sqlane::NotFound{"mine, not sqlane's"}; }), "mine, not sqlane's",
                             sqlane::NotFound);
        try {
            run([] { throw MoveOnly{7}; });
            FAIL("nothing was thrown");
        } catch (const MoveOnly& thrown) {
            CHECK(*thrown.value == 7);
        }
        // The very object, not a copy of it.
        const void* sent = nullptr;
        try {
            run([&] {
                try {
                    throw Odd{8};
                } catch (const Odd& odd) {
                    sent = &odd;
                    throw;
                }
            });
            FAIL("nothing was thrown");
        } catch (const Odd& odd) {
            CHECK(&odd == sent);
            CHECK(odd.number == 8);
        }
        CHECK(run([] { return 7; }) == 7);
    });
}

TEST_CASE("door: a closure that throws gives its handle back") {
    Options options;
    options.upkeep_thread = false;  // its checkpoint would hold the writer too
    TemporaryDatabase test{options};
    for_each_way(test.db(), [&](auto&& run) {
        CHECK_THROWS_AS(run([] { throw Odd{7}; }), Odd);
        const auto stats = test->stats();
        CHECK(stats.readers.in_use == 0);
        CHECK(stats.writer.in_use == 0);
        CHECK(stats.readers.replaced + stats.writer.replaced == 0);
    });
}

TEST_CASE("door: results of every owning kind come out") {
    TemporaryDatabase test;
    for_each_way(test.db(), [&](auto&& run) {
        static_assert(std::is_void_v<decltype(run([] {}))>);
        run([] {});
        CHECK(run([] { return true; }));
        CHECK(run([] { return std::string(100, 'x'); }) == std::string(100, 'x'));
        CHECK(*run([] { return std::make_unique<int>(7); }) == 7);
        CHECK(*run([] { return std::make_shared<int>(7); }) == 7);
        CHECK(run([] { return NoDefault{7}; }).number == 7);
        CHECK(*run([] { return MoveOnly{7}; }).value == 7);
        CHECK(run([] { return std::vector<std::string>{"a", "b"}; }).size() == 2);
        CHECK(run([] { return std::map<std::string, std::vector<int>>{{"a", {1, 2}}}; }).at("a").at(1) == 2);
        CHECK(run([] { return std::optional<std::string>{"a"}; }) == "a");
        CHECK(run([] { return std::pair{1, std::string{"a"}}; }).second == "a");
        CHECK(std::get<1>(run([] { return std::tuple{1, std::string{"a"}}; })) == "a");
        CHECK(std::get<std::string>(run([] { return std::variant<int, std::string>{"a"}; })) == "a");
        CHECK(run([] { return std::filesystem::path{"a"}; }) == "a");
        CHECK(run([] { return sqlane::Blob{std::byte{7}}; }).at(0) == std::byte{7});
        CHECK(run([] { return &seven_from_nowhere; })() == 7);
        CHECK(run([] { return std::function<int()>{seven_from_nowhere}; })() == 7);
    });
}

TEST_CASE("door: anything that can be called is a closure") {
    TemporaryDatabase test;
    CHECK(test->execute(seven_from_nowhere) == 7);
    CHECK(test->execute(seven_from_reader) == 7);
    CHECK(test->execute(&seven_from_reader) == 7);
    CHECK(test->execute(std::function<int(Reader&)>{seven_from_reader}) == 7);
    // A helper written on Reader serves all three verbs.
    CHECK(test->execute_mut(seven_from_reader) == 7);
    CHECK(test->transaction(seven_from_reader) == 7);
    CHECK(test->transaction([](auto& view) { return view.template one<int>("SELECT 7"); }) == 7);
    const auto constant = [](Reader& r) noexcept { return r.one<int>("SELECT 7"); };
    CHECK(test->execute(constant) == 7);
}

TEST_CASE("door: the closure itself runs and not a copy of it") {
    TemporaryDatabase test;
    struct Counter {
        int calls = 0;
        Counter() = default;
        Counter(const Counter&) = delete;
        Counter& operator=(const Counter&) = delete;
        void operator()(Reader&) { ++calls; }
    } counter;
    test->execute(counter);
    test->execute_mut(counter);
    test->transaction(counter);
    CHECK(counter.calls == 3);  // and once each
    test->execute([owned = std::make_unique<int>(7)] { CHECK(*owned == 7); });
}

TEST_CASE("door: a transaction is kept when its closure returns and undone when it throws") {
    TemporaryDatabase test;
    make_parts(test.db());
    support::Rival rival{test.path()};
    const auto id = test->transaction([&](Transaction& tx) {
        const auto row = tx.insert("INSERT INTO Part (name) VALUES ('kept')");
        CHECK(rival.number("SELECT count(*) FROM Part") == 0);
        return row;
    });
    CHECK(rival.number("SELECT id FROM Part") == id);
    CHECK_THROWS_AS(test->transaction([](Transaction& tx) {
        tx.run("INSERT INTO Part (name) VALUES ('undone')");
        throw Odd{7};
    }),
                    Odd);
    CHECK(rival.number("SELECT count(*) FROM Part") == 1);
}

TEST_CASE("door: execute_mut keeps what ran before its closure threw") {
    TemporaryDatabase test;
    make_parts(test.db());
    support::Rival rival{test.path()};
    CHECK_THROWS_AS(test->execute_mut([&](Writer& w) {
        w.run("INSERT INTO Part (name) VALUES ('kept')");
        CHECK(rival.number("SELECT count(*) FROM Part") == 1);  // each statement is its own commit
        throw Odd{7};
    }),
                    Odd);
    CHECK(count(test.db()) == 1);
}

TEST_CASE("door: a read that begins after a commit returned sees it") {
    TemporaryDatabase test;
    make_parts(test.db());
    support::Rival rival{test.path()};
    for (int i = 1; i <= support::rounds(100); ++i) {
        test->transaction([](Transaction& tx) { tx.run("INSERT INTO Part (name) VALUES ('R')"); });
        CHECK(count(test.db()) == 2 * i - 1);
        rival.run("INSERT INTO Part (name) VALUES ('R')");
        CHECK(count(test.db()) == 2 * i);
    }
}

TEST_CASE("savepoint: a throw undoes the part and the exception goes on") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([&](Transaction& tx) {
        tx.run("INSERT INTO Part (name) VALUES ('before')");
        CHECK_THROWS_AS(tx.savepoint([](Transaction& part) {
            part.run("INSERT INTO Part (name) VALUES ('undone')");
            throw Odd{7};
        }),
                        Odd);
        CHECK(tx.savepoint([](Transaction& part) {
            part.run("INSERT INTO Part (name) VALUES ('kept')");
            return 7;
        }) == 7);
        CHECK(tx.savepoint([] { return std::make_unique<int>(7); }) != nullptr);
    });
    CHECK(test->execute([](Reader& r) { return r.all<std::string>("SELECT name FROM Part ORDER BY id"); }) ==
          std::vector<std::string>{"before", "kept"});
}

TEST_CASE("savepoint: a part that breaks a constraint leaves the rest") {
    TemporaryDatabase test;
    make_parts(test.db());
    test->transaction([&](Transaction& tx) {
        tx.run("INSERT INTO Part (id, name) VALUES (1, 'kept')");
        CHECK_THROWS_AS(tx.savepoint([](Transaction& part) {
            part.run("INSERT INTO Part (id, name) VALUES (2, 'undone')");
            part.run("INSERT INTO Part (id, name) VALUES (1, 'a second one')");
        }),
                        sqlane::ConstraintError);
    });
    CHECK(count(test.db()) == 1);
}

TEST_CASE("transaction: a commit that fails keeps nothing and runs no on_commit") {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) {
        w.script(
            "CREATE TABLE Part (id INTEGER PRIMARY KEY);"
            "CREATE TABLE Line (part INTEGER REFERENCES Part (id) DEFERRABLE INITIALLY DEFERRED)");
    });
    bool told = false;
    CHECK_THROWS_AS(test->transaction([&](Transaction& tx) {
        tx.on_commit([&] { told = true; });
        tx.run("INSERT INTO Part (id) VALUES (1)");
        tx.run("INSERT INTO Line (part) VALUES (2)");
    }),
                    sqlane::ConstraintError);
    CHECK_FALSE(told);
    CHECK(count(test.db()) == 0);
    test->transaction([](Transaction& tx) { tx.run("INSERT INTO Part (id) VALUES (1)"); });
    CHECK(count(test.db()) == 1);
}

TEST_CASE("on_commit: runs after the commit when the handle has been given back") {
    Options options;
    options.readers.max_waiters = 0;  // who has to wait is refused
    options.upkeep_thread = false;
    TemporaryDatabase test{options};
    make_parts(test.db());
    support::Rival rival{test.path()};
    std::vector<std::string> told;
    const auto result = test->transaction([&](Transaction& tx) {
        tx.run("INSERT INTO Part (name) VALUES ('R1')");
        tx.on_commit([&] {
            CHECK(rival.number("SELECT count(*) FROM Part") == 1);
            CHECK(test->stats().writer.in_use == 0);
            test->transaction([&](Transaction& next) {
                next.run("INSERT INTO Part (name) VALUES ('R2')");
                CHECK(test->report().writer.holders.at(0).transaction_depth == 1);
                next.on_commit([&] { told.emplace_back("of the second"); });
            });
            told.emplace_back("of the first");
        });
        CHECK(told.empty());
        return 7;
    });
    CHECK(result == 7);
    CHECK(told == std::vector<std::string>{"of the second", "of the first"});
    CHECK(count(test.db()) == 2);
}

TEST_CASE("on_commit: runs in the order in which it was asked for") {
    TemporaryDatabase test;
    std::vector<int> told;
    const auto tell = [&](int number) { return [&told, number] { told.push_back(number); }; };
    test->transaction([&](Transaction& tx) {
        tx.on_commit(tell(1));
        tx.savepoint([&](Transaction& part) {
            part.on_commit(tell(2));
            test->transaction([&](Transaction& inner) { inner.on_commit(tell(3)); });
        });
        test->transaction([&](Transaction& inner) { inner.on_commit(tell(4)); });
        tx.on_commit(tell(5));
        CHECK(told.empty());
    });
    CHECK(told == std::vector<int>{1, 2, 3, 4, 5});
}

TEST_CASE("on_commit: never after a rollback") {
    TemporaryDatabase test;
    bool told = false;
    CHECK_THROWS_AS(test->transaction([&](Transaction& tx) {
        tx.on_commit([&] { told = true; });
        test->transaction([&](Transaction& inner) { inner.on_commit([&] { told = true; }); });
        throw Odd{7};
    }),
                    Odd);
    test->transaction([] {});  // nor is it left over for the next one
    CHECK_FALSE(told);
}

TEST_CASE("on_commit: of a savepoint that was rolled back is dropped with it") {
    TemporaryDatabase test;
    std::vector<int> told;
    const auto tell = [&](int number) { return [&told, number] { told.push_back(number); }; };
    test->transaction([&](Transaction& tx) {
        tx.on_commit(tell(1));
        CHECK_THROWS_AS(tx.savepoint([&](Transaction& part) {
            part.on_commit(tell(-1));
            part.savepoint([&](Transaction& deeper) { deeper.on_commit(tell(-2)); });  // kept, in what is undone
            throw Odd{7};
        }),
                        Odd);
        CHECK_THROWS_AS(test->transaction([&](Transaction& inner) {
            inner.on_commit(tell(-3));
            throw Odd{7};
        }),
                        Odd);
        tx.savepoint([&](Transaction& part) {
            CHECK_THROWS_AS(part.savepoint([&](Transaction& deeper) {
                deeper.on_commit(tell(-4));
                throw Odd{7};
            }),
                            Odd);
            part.on_commit(tell(2));
        });
        // What was released belongs to the transaction, whatever becomes of the next savepoint.
        CHECK_THROWS_AS(tx.savepoint([&](Transaction& part) {
            part.on_commit(tell(-5));
            throw Odd{7};
        }),
                        Odd);
    });
    CHECK(told == std::vector<int>{1, 2});
}

TEST_CASE("on_commit: an exception reaches the caller and the commit stands") {
    TemporaryDatabase test;
    make_parts(test.db());
    std::vector<int> told;
    CHECK_THROWS_AS(test->transaction([&](Transaction& tx) {
        tx.run("INSERT INTO Part (name) VALUES ('R1')");
        tx.on_commit([] { throw Odd{1}; });
        tx.on_commit([&] { told.push_back(2); });
        tx.on_commit([] { throw std::runtime_error{"the second exception"}; });
        tx.on_commit([&] { told.push_back(4); });
    }),
                    Odd);
    CHECK(told == std::vector<int>{2, 4});  // one that throws takes nothing from the others
    CHECK(count(test.db()) == 1);
}

TEST_CASE("on_commit: of a transaction inside execute_mut waits for the end of it") {
    Options options;
    options.upkeep_thread = false;  // its checkpoint would hold the writer too
    TemporaryDatabase test{options};
    make_parts(test.db());
    bool told = false;
    test->execute_mut([&] {
        test->transaction([&](Transaction& tx) {
            tx.on_commit([&] {
                told = true;
                CHECK(test->stats().writer.in_use == 0);
            });
        });
        CHECK_FALSE(told);  // the handle is still lent
    });
    CHECK(told);
}

TEST_CASE("on_commit: of a transaction that was committed runs although the closure around it fails") {
    TemporaryDatabase test;
    make_parts(test.db());
    bool told = false;
    CHECK_THROWS_AS(test->execute_mut([&] {
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO Part (name) VALUES ('R1')");
            tx.on_commit([&] { told = true; });
            tx.on_commit([] { throw std::runtime_error{"nobody is left to hear this"}; });
        });
        throw Odd{7};
    }),
                    Odd);
    CHECK(told);
    CHECK(count(test.db()) == 1);
    const auto warnings = test->report().warnings;
    REQUIRE(warnings.size() == 1);
    CHECK(support::contains(warnings[0].message, "nobody is left to hear this"));
}

TEST_CASE("on_commit: may destroy the manager because nothing of it is needed any more") {
    sqlane::testing::TemporaryFolder folder;
    auto db = std::make_unique<ConnectionManager>(folder.path() / "test.db");
    make_parts(*db);
    const auto result = db->transaction([&](Transaction& tx) {
        tx.on_commit([&] { db.reset(); });
        return std::string{"kept"};
    });
    CHECK(result == "kept");
    CHECK(db == nullptr);
}
