#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// The promise: in the child of a fork every call of a manager that was made before it throws UsageError, and neither
// the calls nor the manager's destructor there do anything to the database; the parent goes on and loses nothing.

namespace {

using sqlane::ConnectionManager;
using sqlane::Options;
using sqlane::Reader;
using sqlane::Transaction;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryFolder;

/// Runs `work` in a child process and gives what it returns: what went wrong there, or nothing.
std::string in_child(const std::function<std::string()>& work) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::string outcome;
        try {
            outcome = work();
        } catch (const std::exception& error) {
            outcome = std::string{"threw: "} + error.what();
        }
        const auto written = ::write(ends[1], outcome.data(), outcome.size());
        ::_exit(written == static_cast<ssize_t>(outcome.size()) ? 0 : 1);  // without the parent's destructors
    }
    ::close(ends[1]);
    std::string outcome;
    char buffer[512];
    for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;)
        outcome.append(buffer, static_cast<std::size_t>(got));
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
    return outcome;
}

/// Empty when the call throws the one error that it must throw.
std::string refused(const char* name, const std::function<void()>& call) {
    try {
        call();
    } catch (const UsageError& error) {
        const std::string what = error.what();
        if (what.find("before this process was forked") != std::string::npos) return {};
        return std::string{name} + " said: " + what + "\n";
    } catch (const std::exception& error) {
        return std::string{name} + " threw another class: " + error.what() + "\n";
    }
    return std::string{name} + " was not refused\n";
}

std::string refused_in_every_way(ConnectionManager& db) {
    return refused("execute", [&] { db.execute([](Reader& r) { return r.one<int>("SELECT 1"); }); }) +
           refused("execute_mut", [&] { db.execute_mut([](Writer& w) { w.run("INSERT INTO t VALUES ('child')"); }); }) +
           refused("transaction", [&] { db.transaction([](Transaction& tx) { tx.run("DELETE FROM t"); }); }) +
           refused("close", [&] { db.close(); }) +                       //
           refused("configure", [&] { db.configure({}); }) +             //
           refused("report", [&] { static_cast<void>(db.report()); }) +  //
           refused("stats", [&] { static_cast<void>(db.stats()); }) +    //
           refused("health", [&] { static_cast<void>(db.health()); }) +  //
           refused("options", [&] { static_cast<void>(db.options()); });
}

void insert(ConnectionManager& db, const char* value) {
    db.transaction([&](Transaction& tx) { tx.run("INSERT INTO t VALUES (?)", value); });
}

std::vector<std::string> values(ConnectionManager& db) {
    return db.execute([](Reader& r) { return r.all<std::string>("SELECT x FROM t ORDER BY rowid"); });
}

struct Bytes {
    off_t start;
    off_t length;
};
/// What SQLite locks while a connection is open, and while one writes: https://www.sqlite.org/walformat.html
constexpr Bytes shared_bytes{0x40000002, 510};
constexpr Bytes write_byte{120, 1};

/// As any other process would find it. Only for the child: closing the descriptor would drop the parent's own locks.
bool parent_has_locked(const std::filesystem::path& path, const Bytes& bytes) {
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (file < 0) return false;
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = bytes.start;
    lock.l_len = bytes.length;
    const bool asked = ::fcntl(file, F_GETLK, &lock) == 0;
    ::close(file);
    return asked && lock.l_type != F_UNLCK && lock.l_pid == ::getppid();
}

std::unique_ptr<ConnectionManager> open(const std::filesystem::path& path, bool upkeep_thread) {
    Options options;
    options.upkeep_thread = upkeep_thread;
    auto db = std::make_unique<ConnectionManager>(path, options);
    db->execute_mut([](Writer& w) { w.run("CREATE TABLE IF NOT EXISTS t (x TEXT)"); });
    return db;
}

}  // namespace

TEST_CASE("fork: every call in the child is refused and the parent goes on") {
    for (const bool upkeep_thread : {true, false}) {
        CAPTURE(upkeep_thread);
        const TemporaryFolder folder;
        auto db = open(folder.path() / "parts.db", upkeep_thread);
        insert(*db, "before");
        for (int i = 0; i < 3; ++i) {
            CHECK(in_child([&] { return refused_in_every_way(*db); }).empty());
            insert(*db, "after");
        }
        CHECK(values(*db) == std::vector<std::string>{"before", "after", "after", "after"});
        CHECK(db->close().complete);
        db.reset();
        auto again = open(folder.path() / "parts.db", upkeep_thread);
        CHECK(values(*again).size() == 4);
        CHECK(again->execute([](Reader& r) { return r.one<std::string>("PRAGMA integrity_check"); }) == "ok");
    }
}

TEST_CASE("fork: the child's destructor takes nothing away from the parent") {
    for (const bool upkeep_thread : {true, false}) {
        CAPTURE(upkeep_thread);
        const TemporaryFolder folder;
        const auto path = folder.path() / "parts.db";
        auto db = open(path, upkeep_thread);
        insert(*db, "before");
        const auto files = handle_tests::names_in(folder.path());
        CHECK(files.size() == 3);
        CHECK(in_child([&] {
                  db.reset();
                  return std::string{};
              }).empty());
        CHECK(handle_tests::names_in(folder.path()) == files);
        insert(*db, "after");
        CHECK(values(*db) == std::vector<std::string>{"before", "after"});
        // Its locks are still there for other processes to see.
        db->transaction([&](Transaction& tx) {
            tx.run("INSERT INTO t VALUES ('locked')");
            CHECK(in_child([&] {
                      return std::string{parent_has_locked(path, shared_bytes) ? "" : "the file is free, "} +
                             (parent_has_locked(path.string() + "-shm", write_byte) ? "" : "the log is free");
                  }).empty());
        });
    }
}

TEST_CASE("fork: a view of the closure that forked is refused in the child") {
    const TemporaryFolder folder;
    auto db = open(folder.path() / "parts.db", false);
    db->transaction([&](Transaction& tx) {
        tx.run("INSERT INTO t VALUES ('parent')");
        CHECK(in_child([&] { return refused_in_every_way(*db); }).empty());
        tx.run("INSERT INTO t VALUES ('parent again')");
    });
    CHECK(values(*db).size() == 2);
}

TEST_CASE("fork: the child cannot open the parent's file anew and can open another") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    auto db = open(path, false);
    insert(*db, "before");
    CHECK(in_child([&] {
              // SQLite, in the child, believes that it holds the parent's locks.
              try {
                  open(path, false);
                  return std::string{"opened"};
              } catch (const UsageError&) {
              }
              auto other = open(folder.path() / "child.db", false);
              insert(*other, "child");
              return std::string{values(*other).size() == 1 && other->close().complete ? "" : "other failed"};
          }).empty());
    insert(*db, "after");
    CHECK(values(*db).size() == 2);
}

TEST_CASE("fork: a database in memory is the parent's and stays when the child ends") {
    std::unique_ptr<ConnectionManager> db{new ConnectionManager(ConnectionManager::in_memory())};
    db->execute_mut([](Writer& w) { w.run("CREATE TABLE t (x TEXT)"); });
    CHECK(in_child([&] {
              auto outcome = refused_in_every_way(*db);
              db.reset();
              return outcome;
          }).empty());
    CHECK(std::filesystem::exists(db->path()));
    insert(*db, "after");
    CHECK(values(*db).size() == 1);
}
