#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

// The promise: a handle whose ROLLBACK fails is replaced and the manager goes on; nothing of the transaction is kept.
//
// The failure is injected beneath sqlane: an authorizer that denies the statement. Setting one makes SQLite compile
// every statement anew, so that even a ROLLBACK which sqlane has long had ready is refused.

using sqlane::Aborted;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::Warning;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;
using handle_tests::RawHandles;
using handle_tests::warnings_of;

/// Which words the authorizer denies.
struct Denied {
    int action;
    std::string_view first;
    std::string_view second{};
};

int deny(void* denied, int action, const char* word, const char* /*name*/, const char* /*database*/,
         const char* /*trigger*/) {
    const auto& what = *static_cast<const Denied*>(denied);
    if (action != what.action || word == nullptr) return SQLITE_OK;
    return word == what.first || word == what.second ? SQLITE_DENY : SQLITE_OK;
}

void inject(Reader& view, const Denied& denied) {
    REQUIRE(sqlite3_set_authorizer(RawHandles::of(view), &deny, const_cast<Denied*>(&denied)) == SQLITE_OK);
}

constexpr Denied no_rollback{SQLITE_TRANSACTION, "ROLLBACK"};
constexpr Denied no_commit{SQLITE_TRANSACTION, "COMMIT"};
constexpr Denied no_end{SQLITE_TRANSACTION, "COMMIT", "ROLLBACK"};
constexpr Denied no_rollback_to{SQLITE_SAVEPOINT, "ROLLBACK"};

sqlane::Options quiet() {
    sqlane::Options options;
    options.upkeep_thread = false;
    options.readers.max = 1;
    return options;
}

int count(TemporaryDatabase& test) {
    return test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM t"); });
}

void make_table(TemporaryDatabase& test) {
    test->execute_mut([](Writer& w) { w.script("CREATE TABLE t (x); INSERT INTO t VALUES ('kept')"); });
}

/// The manager works on, with a handle that has none of the injected failure.
void check_works(TemporaryDatabase& test) {
    const int before = count(test);
    complaint<std::runtime_error>([&] {
        test->transaction([](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('undone')");
            throw std::runtime_error{"undo"};
        });
    });
    CHECK(count(test) == before);
    test->transaction([](Transaction& tx) {
        tx.run("INSERT INTO t VALUES ('kept too')");
        CHECK_THROWS_AS(tx.savepoint([&] {
            tx.run("INSERT INTO t VALUES ('undone')");
            throw std::runtime_error{"undo the part"};
        }),
                        std::runtime_error);
    });
    CHECK(count(test) == before + 1);
}

}  // namespace

TEST_CASE("broken rollback: the handle is replaced and the closure's own exception arrives") {
    // Once with a ROLLBACK that has never been compiled on the handle, once with one that has.
    for (const bool used_before : {false, true}) {
        CAPTURE(used_before);
        RawHandles raw_handles;
        TemporaryDatabase test{[](const std::string&) {}, quiet()};
        make_table(test);
        if (used_before) check_works(test);
        const int before = count(test);
        const auto what = complaint<std::runtime_error>([&] {
            test->transaction([](Transaction& tx) {
                tx.run("INSERT INTO t VALUES ('undone')");
                inject(tx, no_rollback);
                throw std::runtime_error{"the closure's own"};
            });
        });
        CHECK(what == "the closure's own");
        CHECK(test->stats().writer.replaced == 1);
        const auto replaced = warnings_of(test->report(), Warning::Kind::replaced);
        REQUIRE(replaced.size() == 1);
        CHECK(contains(replaced.front().message, "could not roll back"));
        CHECK(contains(replaced.front().message, "handle_that_cannot_roll_back_is_replaced.cpp:"));
        CHECK(count(test) == before);
        check_works(test);
        CHECK(test->stats().writer.replaced == 1);
        CHECK(test->close().complete);
    }
}

TEST_CASE("broken rollback: a commit that fails too keeps nothing") {
    RawHandles raw_handles;
    TemporaryDatabase test{[](const std::string&) {}, quiet()};
    make_table(test);
    complaint<sqlane::Error>([&] {
        test->transaction([](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('undone')");
            inject(tx, no_end);
        });
    });
    CHECK(test->stats().writer.replaced == 1);
    CHECK(count(test) == 1);
    check_works(test);
}

TEST_CASE("broken commit: it is the caller's to know and nothing is kept") {
    RawHandles raw_handles;
    TemporaryDatabase test{[](const std::string&) {}, quiet()};
    make_table(test);
    bool told = false;
    complaint<sqlane::Error>([&] {
        test->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('undone')");
            tx.on_commit([&] { told = true; });
            inject(tx, no_commit);
        });
    });
    CHECK_FALSE(told);
    CHECK(count(test) == 1);
    CHECK(test->stats().writer.commits == 0);
}

TEST_CASE("broken rollback: of a savepoint undoes the whole transaction even when the closure goes on") {
    RawHandles raw_handles;
    TemporaryDatabase test{[](const std::string&) {}, quiet()};
    make_table(test);
    complaint<Aborted>([&] {
        test->transaction([](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('before')");
            try {
                tx.savepoint([&] {
                    tx.run("INSERT INTO t VALUES ('part')");
                    inject(tx, no_rollback_to);
                    throw std::runtime_error{"undo the part"};
                });
            } catch (const std::runtime_error& error) {
                CHECK(std::string{error.what()} == "undo the part");
            }
            complaint<Aborted>([&] { tx.run("INSERT INTO t VALUES ('after')"); });
        });
    });
    CHECK(test->stats().writer.replaced == 1);
    CHECK(count(test) == 1);
    check_works(test);
}

TEST_CASE("broken commit: of a snapshot on the writer does not swallow what is written after it") {
    RawHandles raw_handles;
    TemporaryDatabase test{[](const std::string&) {}, quiet()};
    make_table(test);
    // A ROLLBACK ends the snapshot, and the next statement is a commit of its own again.
    test->execute_mut([&](Writer& w) {
        test->execute([](Reader& r) {
            static_cast<void>(r.one<int>("SELECT count(*) FROM t"));
            inject(r, no_commit);
        });
        w.run("INSERT INTO t VALUES ('kept too')");
    });
    CHECK(count(test) == 2);
    // When that fails too, nothing more may seem to be written.
    complaint<Aborted>([&] {
        test->execute_mut([&](Writer& w) {
            test->execute([](Reader& r) {
                static_cast<void>(r.one<int>("SELECT count(*) FROM t"));
                inject(r, no_end);
            });
            w.run("INSERT INTO t VALUES ('lost, were it not refused')");
        });
    });
    CHECK(count(test) == 2);
    check_works(test);
}

TEST_CASE("broken commit: of a reader does not leave the next reader in the old snapshot") {
    RawHandles raw_handles;
    TemporaryDatabase test{[](const std::string&) {}, quiet()};
    make_table(test);
    const auto read_on_a_handle_with = [&](const Denied& denied) {
        test->execute([&](Reader& r) {
            static_cast<void>(r.one<int>("SELECT count(*) FROM t"));
            inject(r, denied);
        });
        test->execute_mut([](Writer& w) { w.run("INSERT INTO t VALUES ('new')"); });
    };
    // A ROLLBACK ends the snapshot as well.
    read_on_a_handle_with(no_commit);
    CHECK(count(test) == 2);
    CHECK(test->stats().readers.replaced == 0);
    // When that fails too, the handle goes.
    read_on_a_handle_with(no_end);
    CHECK(test->stats().readers.replaced == 1);
    CHECK(count(test) == 3);
    CHECK(warnings_of(test->report(), Warning::Kind::replaced).size() == 1);
}
