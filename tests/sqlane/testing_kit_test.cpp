#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"
#include "support/steps.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using sqlane::Options;
using sqlane::Reader;
using sqlane::Rows;
using sqlane::Transaction;
using sqlane::Writer;
using sqlane::testing::OnFailure;
using sqlane::testing::TemporaryDatabase;
using sqlane::testing::TemporaryFolder;

namespace {

using handle_tests::contains;

/// What a TemporaryDatabase says when it ends, after `use`.
std::vector<std::string> said_after(const std::function<void(TemporaryDatabase&)>& use, Options options = {}) {
    std::vector<std::string> said;
    {
        TemporaryDatabase test{[&](const std::string& message) { said.push_back(message); }, std::move(options)};
        use(test);
    }
    return said;
}

void make_table(TemporaryDatabase& test) {
    test->execute_mut([](Writer& w) { w.script("CREATE TABLE t (x); INSERT INTO t VALUES (1), (2)"); });
}

}  // namespace

TEST_CASE("testing kit: a clean test is told nothing") {
    CHECK(said_after([](TemporaryDatabase&) {}).empty());
    CHECK(said_after([](TemporaryDatabase& test) {
              make_table(test);
              test->transaction([](Transaction& tx) {
                  tx.run("PRAGMA defer_foreign_keys = ON");
                  tx.run("INSERT INTO t VALUES (3)");
                  CHECK_THROWS_AS(tx.run("INSERT INTO nowhere VALUES (1)"), sqlane::UsageError);
              });
              test->execute([](Reader& r) {
                  for (const int x : r.rows<int>("SELECT x FROM t ORDER BY x"))
                      if (x == 2) break;
              });
              test->execute_mut([](Writer& w) {
                  w.script("CREATE TEMP TABLE scratch (x); DROP TABLE temp.scratch");
                  w.run("VACUUM");
              });
              CHECK(test.complaints().empty());
          }).empty());
}

TEST_CASE("testing kit: a clean test is told nothing whatever upkeep does meanwhile") {
    Options options;
    options.wal_soft_limit = 65536;
    for (int i = 0; i < support::rounds(20); ++i)
        CHECK(said_after(
                  [](TemporaryDatabase& test) {
                      test->transaction([](Transaction& tx) {
                          tx.run("CREATE TABLE t (x)");
                          tx.run("INSERT INTO t VALUES (randomblob(100000))");
                      });
                  },
                  options)
                  .empty());
}

TEST_CASE("testing kit: a test that ends while a lease is held is told by whom") {
    support::Steps steps;
    std::optional<std::thread> holder;
    std::vector<std::string> said;
    {
        // The database can end only when the lease has: the complaint comes first and lets it go.
        TemporaryDatabase test{[&](const std::string& message) {
            said.push_back(message);
            steps.reach("said");
        }};
        make_table(test);
        CHECK(test.complaints().empty());
        holder.emplace([&] {
            test->execute({.label = "forgotten"}, [&](Reader& r) {
                static_cast<void>(r.one<int>("SELECT count(*) FROM t"));
                steps.reach("held");
                steps.wait_for("said");
            });
        });
        steps.wait_for("held");
        CHECK(contains(test.complaints(), "the test ends while its readers are in use"));
    }
    holder->join();
    REQUIRE(said.size() == 1);
    CHECK(contains(said.front(), "the test ends while its readers are in use"));
    CHECK(contains(said.front(), "testing_kit_test.cpp:"));
    CHECK(contains(said.front(), "label \"forgotten\""));
}

TEST_CASE("testing kit: a test that leaves something on a handle is told what and where") {
    struct Case {
        const char* words;
        std::function<void(TemporaryDatabase&)> leave;
    };
    std::unique_ptr<Rows<int>> kept;
    const std::vector<Case> cases{
        {"left behind an unfinished statement (SELECT x FROM t)",
         [&](TemporaryDatabase& test) {
             test->execute([&](Reader& r) {
                 kept.reset(new auto(r.rows<int>("SELECT x FROM t")));
                 static_cast<void>(kept->begin());
             });
             kept.reset();
         }},
        {"left behind temporary table scratch",
         [](TemporaryDatabase& test) { test->execute_mut([](Writer& w) { w.run("CREATE TEMP TABLE scratch (x)"); }); }},
        {"left behind attached other",
         [](TemporaryDatabase& test) { test->execute_mut([](Writer& w) { w.run("ATTACH ':memory:' AS other"); }); }},
        {"left behind PRAGMA foreign_keys changed",
         [](TemporaryDatabase& test) { test->execute_mut([](Writer& w) { w.run("PRAGMA foreign_keys = OFF"); }); }}};
    for (const auto& [words, leave] : cases) {
        CAPTURE(words);
        const auto said = said_after([&leave = leave](TemporaryDatabase& test) {
            make_table(test);
            leave(test);
        });
        REQUIRE(said.size() == 1);
        CHECK(contains(said.front(), words));
        CHECK(contains(said.front(), "testing_kit_test.cpp:"));
    }
}

TEST_CASE("testing kit: several complaints come in one call") {
    const auto said = said_after([](TemporaryDatabase& test) {
        test->execute_mut([](Writer& w) { w.run("CREATE TEMP TABLE first (x)"); });
        test->execute_mut([](Writer& w) { w.run("CREATE TEMP TABLE second (x)"); });
    });
    REQUIRE(said.size() == 1);
    CHECK(contains(said.front(), "table first"));
    CHECK(contains(said.front(), "table second"));
}

TEST_CASE("testing kit: without anybody to tell nothing happens") {
    TemporaryDatabase test{OnFailure{}};
    test->execute_mut([](Writer& w) { w.run("CREATE TEMP TABLE scratch (x)"); });
    CHECK_FALSE(test.complaints().empty());
}

TEST_CASE("testing kit: each database has a folder of its own that goes with it") {
    std::vector<std::filesystem::path> folders;
    {
        TemporaryDatabase first;
        TemporaryDatabase second;
        make_table(first);
        CHECK(first.path() != second.path());
        CHECK(first->path() == first.path());
        for (const auto* test : {&first, &second}) {
            CHECK(std::filesystem::exists(test->path()));
            folders.push_back(test->path().parent_path());
        }
    }
    {
        const TemporaryFolder folder;
        CHECK(std::filesystem::is_empty(folder.path()));
        CHECK(folder.path().is_absolute());
        std::filesystem::create_directories(folder.path() / "with" / "something");
        folders.push_back(folder.path());
    }
    for (const auto& folder : folders) CHECK_FALSE(std::filesystem::exists(folder));
}

// Passes when the test case fails, as one of a user's would.
TEST_CASE("testing kit: a complaint fails the test of the framework that was included" * doctest::should_fail()) {
    TemporaryDatabase test;
    test->execute_mut([](Writer& w) { w.run("CREATE TEMP TABLE scratch (x)"); });
}
