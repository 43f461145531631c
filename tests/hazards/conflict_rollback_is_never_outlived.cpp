#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <string>

// The promise: when SQLite itself rolls a transaction back (ON CONFLICT ROLLBACK, RAISE(ROLLBACK)) and the closure
// swallows the error, no later statement of it runs and is kept in autocommit. Each throws, and the verb throws the
// first error.

using sqlane::ConstraintError;
using sqlane::ConstraintKind;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;

void make_table(TemporaryDatabase& test) {
    test->execute_mut([](Writer& w) {
        w.script(R"(
            CREATE TABLE t (name TEXT UNIQUE);
            CREATE TABLE guarded (x);
            CREATE TRIGGER guard BEFORE INSERT ON guarded BEGIN SELECT RAISE(ROLLBACK, 'guarded'); END;
            INSERT INTO t VALUES ('first');
        )");
    });
}

void check_nothing_kept(TemporaryDatabase& test) {
    CHECK(test->execute([](Reader& r) { return r.all<std::string>("SELECT name FROM t ORDER BY name"); }) ==
          std::vector<std::string>{"first"});
    CHECK(test->stats().writer.commits == 0);
    CHECK(test->stats().writer.replaced == 0);
    // The writer is as good as new.
    test->transaction([](Transaction& tx) { tx.run("INSERT INTO t VALUES ('later')"); });
}

}  // namespace

TEST_CASE("conflict rollback: what follows a swallowed one throws and nothing is kept") {
    TemporaryDatabase test;
    make_table(test);
    bool committed = false;
    const auto what = complaint<ConstraintError>([&] {
        test->transaction([&](Transaction& tx) {
            tx.on_commit([&] { committed = true; });
            tx.run("INSERT INTO t VALUES ('second')");
            const auto first =
                complaint<ConstraintError>([&] { tx.run("INSERT OR ROLLBACK INTO t VALUES ('first')"); });
            // In autocommit each of these would be kept.
            const auto again = [&first](auto&& call) { CHECK(complaint<ConstraintError>(call) == first); };
            again([&] { tx.run("INSERT INTO t VALUES ('third')"); });
            again([&] { tx.insert("INSERT INTO t VALUES ('third')"); });
            again([&] { tx.script("INSERT INTO t VALUES ('third')"); });
            again([&] { static_cast<void>(tx.one<int>("SELECT count(*) FROM t")); });
            again([&] { static_cast<void>(tx.rows<int>("SELECT count(*) FROM t")); });
            again([&] { tx.savepoint([&] { tx.run("INSERT INTO t VALUES ('third')"); }); });
            again([&] { test->transaction([](Transaction& inner) { inner.run("INSERT INTO t VALUES ('third')"); }); });
            again([&] { test->execute_mut([](Writer& inner) { inner.run("INSERT INTO t VALUES ('third')"); }); });
            again([&] { test->execute([](Reader& inner) { return inner.one<int>("SELECT count(*) FROM t"); }); });
        });
    });
    CHECK(contains(what, "INSERT OR ROLLBACK INTO t VALUES ('first')"));
    CHECK_FALSE(committed);
    check_nothing_kept(test);
}

TEST_CASE("conflict rollback: in a part of the transaction ends the whole of it") {
    TemporaryDatabase test;
    make_table(test);
    complaint<ConstraintError>([&] {
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('second')");
            try {
                test->transaction([](Transaction& inner) { inner.run("INSERT OR ROLLBACK INTO t VALUES ('first')"); });
            } catch (const ConstraintError& error) {
                CHECK(error.kind() == ConstraintKind::unique);
            }
            try {
                tx.savepoint([&] { tx.run("INSERT INTO t VALUES ('third')"); });
            } catch (const ConstraintError&) {
            }
        });
    });
    check_nothing_kept(test);
}

TEST_CASE("conflict rollback: by a trigger is one too") {
    TemporaryDatabase test;
    make_table(test);
    const auto what = complaint<ConstraintError>([&] {
        test->transaction([](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('second')");
            complaint<ConstraintError>([&] { tx.run("INSERT INTO guarded VALUES (1)"); });
            try {
                tx.run("INSERT INTO t VALUES ('third')");
            } catch (const ConstraintError&) {
            }
        });
    });
    CHECK(contains(what, "guarded"));
    check_nothing_kept(test);
}

TEST_CASE("conflict rollback: in the middle of a loop over rows ends the loop") {
    TemporaryDatabase test;
    make_table(test);
    int rounds = 0;
    complaint<ConstraintError>([&] {
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('second'), ('third')");
            for ([[maybe_unused]] const auto& name : tx.rows<std::string>("SELECT name FROM t ORDER BY name")) {
                ++rounds;
                try {
                    tx.run("INSERT OR ROLLBACK INTO t VALUES ('first')");
                } catch (const ConstraintError&) {
                }
            }
        });
    });
    CHECK(rounds == 1);
    check_nothing_kept(test);
}

TEST_CASE("conflict rollback: an exception of the closure's own still arrives unchanged") {
    TemporaryDatabase test;
    make_table(test);
    CHECK_THROWS_AS(test->transaction([](Transaction& tx) {
        try {
            tx.run("INSERT OR ROLLBACK INTO t VALUES ('first')");
        } catch (const ConstraintError&) {
            throw 42;
        }
    }),
                    int);
    check_nothing_kept(test);
}

TEST_CASE("conflict rollback: in execute_mut is a failed statement and no more") {
    TemporaryDatabase test;
    make_table(test);
    test->execute_mut([](Writer& w) {
        complaint<ConstraintError>([&] { w.run("INSERT OR ROLLBACK INTO t VALUES ('first')"); });
        w.run("INSERT INTO t VALUES ('second')");
    });
    CHECK(test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM t"); }) == 2);
}
