#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// The promise: a Reader, a Writer, a Transaction or rows that were smuggled out of their closure, or to another
// thread, meet a check and not a handle that belongs to somebody else. Each use is a UsageError and does nothing.

using sqlane::Options;
using sqlane::Reader;
using sqlane::Rows;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryDatabase;

namespace {

using handle_tests::complaint;
using handle_tests::contains;

Options one_reader() {
    Options options;
    options.readers.max = 1;
    options.readers.overflow = 0;
    options.upkeep_thread = false;
    return options;
}

void make_table(TemporaryDatabase& test) {
    test->execute_mut([](Writer& w) { w.script("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2), (3)"); });
}

int count(TemporaryDatabase& test) {
    return test->execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM t"); });
}

void check_reads_refused(Reader& r, const char* why) {
    const auto refused = [why](auto&& call) { CHECK(contains(complaint<UsageError>(call), why)); };
    refused([&] { static_cast<void>(r.one<int>("SELECT 1")); });
    refused([&] { static_cast<void>(r.maybe<int>("SELECT 1")); });
    refused([&] { static_cast<void>(r.all<int>("SELECT x FROM t")); });
    refused([&] { static_cast<void>(r.rows<int>("SELECT x FROM t")); });
}

void check_writes_refused(Writer& w, const char* why) {
    const auto refused = [why](auto&& call) { CHECK(contains(complaint<UsageError>(call), why)); };
    check_reads_refused(w, why);
    refused([&] { w.run("INSERT INTO t VALUES (4)"); });
    refused([&] { w.insert("INSERT INTO t VALUES (4)"); });
    refused([&] { w.script("INSERT INTO t VALUES (4)"); });
}

void check_transaction_refused(Transaction& tx, const char* why) {
    const auto refused = [why](auto&& call) { CHECK(contains(complaint<UsageError>(call), why)); };
    check_writes_refused(tx, why);
    refused([&] { tx.savepoint([] { CHECK_MESSAGE(false, "the part was run"); }); });
    refused([&] { tx.on_commit([] { CHECK_MESSAGE(false, "the function was called"); }); });
}

constexpr const char* ended = "used after its closure had ended";
constexpr const char* elsewhere = "used on another thread than its closure's";

}  // namespace

TEST_CASE("kept view: is refused after its closure") {
    TemporaryDatabase test{one_reader()};
    make_table(test);
    Reader* reader = nullptr;
    Writer* writer = nullptr;
    Transaction* transaction = nullptr;
    test->execute([&](Reader& r) { reader = &r; });
    check_reads_refused(*reader, ended);
    test->execute_mut([&](Writer& w) { writer = &w; });
    check_writes_refused(*writer, ended);
    test->transaction([&](Transaction& tx) { transaction = &tx; });
    check_transaction_refused(*transaction, ended);
    CHECK(count(test) == 3);
}

TEST_CASE("kept view: is refused after a closure that threw and after the manager has closed") {
    TemporaryDatabase test{one_reader()};
    make_table(test);
    Transaction* transaction = nullptr;
    complaint<std::runtime_error>([&] {
        test->transaction([&](Transaction& tx) {
            transaction = &tx;
            throw std::runtime_error{"undo"};
        });
    });
    check_transaction_refused(*transaction, ended);
    CHECK(count(test) == 3);
    test->close();
    check_transaction_refused(*transaction, ended);
}

TEST_CASE("kept view: is refused on another thread while its closure runs") {
    TemporaryDatabase test{one_reader()};
    make_table(test);
    const auto on_another_thread = [](const std::function<void()>& work) { std::thread{work}.join(); };
    test->execute([&](Reader& r) {
        on_another_thread([&] { check_reads_refused(r, elsewhere); });
        CHECK(r.one<int>("SELECT count(*) FROM t") == 3);
    });
    test->transaction([&](Transaction& tx) {
        on_another_thread([&] { check_transaction_refused(tx, elsewhere); });
        tx.run("INSERT INTO t VALUES (4)");
    });
    CHECK(count(test) == 4);
}

TEST_CASE("kept view: does not work on the handle while somebody else has it") {
    // Both threads are lent the one writer handle, one after the other.
    TemporaryDatabase test{one_reader()};
    make_table(test);
    Transaction* kept = nullptr;
    test->transaction([&](Transaction& tx) { kept = &tx; });
    std::thread{[&] {
        test->transaction([&](Transaction& tx) {
            std::thread{[&] { check_transaction_refused(*kept, elsewhere); }}.join();
            tx.run("INSERT INTO t VALUES (4)");
        });
    }}.join();
    check_transaction_refused(*kept, ended);
    CHECK(count(test) == 4);
}

TEST_CASE("kept view: of a transaction does not write in autocommit when the thread has the writer again") {
    TemporaryDatabase test{one_reader()};
    make_table(test);
    Transaction* kept = nullptr;
    test->transaction([&](Transaction& tx) { kept = &tx; });
    test->execute_mut([&](Writer& w) {
        const auto refused = [](auto&& call) { CHECK(contains(complaint<UsageError>(call), ended)); };
        refused([&] { kept->run("INSERT INTO t VALUES (5)"); });
        refused([&] { kept->insert("INSERT INTO t VALUES (5)"); });
        refused([&] { kept->script("INSERT INTO t VALUES (5)"); });
        refused([&] { kept->savepoint([] { CHECK_MESSAGE(false, "the part was run"); }); });
        complaint<UsageError>([&] { kept->on_commit([] { CHECK_MESSAGE(false, "the function was called"); }); });
        w.run("INSERT INTO t VALUES (4)");
    });
    CHECK(count(test) == 4);
}

TEST_CASE("kept rows: are refused after their closure though the handle is lent to the same thread again") {
    TemporaryDatabase test{[](const std::string&) {}, one_reader()};
    make_table(test);
    std::unique_ptr<Rows<int>> unread;
    std::unique_ptr<Rows<int>> begun;
    test->execute([&](Reader& r) {
        unread.reset(new auto(r.rows<int>("SELECT x FROM t ORDER BY x")));
        begun.reset(new auto(r.rows<int>("SELECT x FROM t ORDER BY x DESC")));
        CHECK(*begun->begin() == 3);
    });
    CHECK(contains(complaint<UsageError>([&] { static_cast<void>(unread->begin()); }), ended));
    test->execute([&](Reader& r) {
        // Of the same SQL, so that the statement beneath the kept rows is lent anew.
        auto own = r.rows<int>("SELECT x FROM t ORDER BY x");
        auto at = own.begin();
        CHECK(*at == 1);
        const auto what = complaint<UsageError>([&] {
            test->execute([&](Reader&) {
                auto kept = std::move(unread);
                for (const int x : *kept) CHECK(x == 0);
            });
        });
        CHECK((contains(what, "after their closure") || contains(what, "walked only once")));
        begun.reset();  // resets no statement that is in use by somebody else
        ++at;
        CHECK(*at == 2);
    });
}

TEST_CASE("kept rows: a row that was begun cannot be read on after the closure") {
    TemporaryDatabase test{[](const std::string&) {}, one_reader()};
    make_table(test);
    std::unique_ptr<Rows<int>> kept;
    std::vector<Rows<int>::iterator> places;
    test->execute([&](Reader& r) {
        kept.reset(new auto(r.rows<int>("SELECT x FROM t ORDER BY x")));
        places.push_back(kept->begin());
        CHECK(*places.front() == 1);
    });
    CHECK(contains(complaint<UsageError>([&] { static_cast<void>(*places.front()); }), ended));
    CHECK(contains(complaint<UsageError>([&] { ++places.front(); }), ended));
    test->execute([&](Reader&) {
        CHECK(contains(complaint<UsageError>([&] { static_cast<void>(*places.front()); }), "after their closure"));
        CHECK(contains(complaint<UsageError>([&] { ++places.front(); }), "after their closure"));
    });
}

TEST_CASE("kept rows: can be destroyed late and elsewhere and after their handle was closed") {
    TemporaryDatabase test{[](const std::string&) {}, one_reader()};
    make_table(test);
    std::unique_ptr<Rows<int>> late;
    std::unique_ptr<Rows<int>> elsewhere_rows;
    std::unique_ptr<Rows<int>> of_closed_handle;
    test->execute([&](Reader& r) {
        for (auto* kept : {&late, &elsewhere_rows, &of_closed_handle}) {
            kept->reset(new auto(r.rows<int>("SELECT x FROM t")));
            static_cast<void>((*kept)->begin());
        }
        std::thread{[&] {
            complaint<UsageError>([&] { static_cast<void>(*elsewhere_rows->begin()); });
            elsewhere_rows.reset();
        }}.join();
        CHECK(r.one<int>("SELECT count(*) FROM t") == 3);
    });
    late.reset();
    CHECK(test->close().complete);
    of_closed_handle.reset();
}

TEST_CASE("kept view: of a savepoint or of a joined call is the outer closure's and lives as long") {
    TemporaryDatabase test{one_reader()};
    make_table(test);
    Transaction* inner = nullptr;
    test->transaction([&](Transaction& tx) {
        tx.savepoint([&](Transaction& part) { inner = &part; });
        inner->run("INSERT INTO t VALUES (4)");
    });
    CHECK(count(test) == 4);
    check_transaction_refused(*inner, ended);
}
