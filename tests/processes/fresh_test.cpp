#include <doctest/doctest.h>

#include "processes/process.hpp"
#include "support/migration_kit.hpp"
#include "support/shared_memory.hpp"

#include <sqlane/sqlane.hpp>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

// The promise: a read that begins after a commit returned in another process sees it, and never half of it, while yet
// another process brings the log home and cuts it off.

using namespace processes;

namespace {

/// What the processes tell each other, in memory that they share.
struct Board {
    std::atomic<std::int64_t> announced;
    std::atomic<std::int64_t> reads;
    std::atomic<std::int64_t> stale;
    std::atomic<std::int64_t> torn;
    std::atomic<std::int64_t> truncated;
    std::atomic<bool> done;
};

/// SQLANE_TEST_READS=10000000 for a long run.
std::int64_t wanted_reads() {
    const char* given = std::getenv("SQLANE_TEST_READS");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    return given != nullptr ? std::stoll(given) : support::rounds(200'000);
}

sqlane::Options without_flushes() {
    sqlane::Options options;
    options.synchronous = sqlane::Synchronous::off;
    return options;
}

int read_on(const std::filesystem::path& file, Board& board) {
    sqlane::ConnectionManager db{file, without_flushes()};
    while (!board.done) {
        for (int i = 0; i < 100; ++i) {
            const auto least = board.announced.load();
            const auto [a, b] = db.execute([](sqlane::Reader& r) {
                return std::pair{r.one<std::int64_t>("SELECT a FROM Pair"), r.one<std::int64_t>("SELECT b FROM Pair")};
            });
            if (a < least) ++board.stale;
            if (a != b) ++board.torn;
        }
        if ((board.reads += 100) >= wanted_reads()) board.done = true;
    }
    return 0;
}

int write_on(const std::filesystem::path& file, Board& board) {
    sqlane::ConnectionManager db{file, without_flushes()};
    for (std::int64_t i = 1; !board.done; ++i) {
        db.transaction([&](sqlane::Transaction& tx) {
            tx.run("UPDATE Pair SET a = ?", i);
            tx.run("UPDATE Pair SET b = ?", i);
        });
        board.announced = i;
        // Room for reads between two commits: only those can be answered from a snapshot that was kept.
        for (const auto before = board.reads.load(); !board.done && i % 4 == 0 && board.reads < before + 200;)
            std::this_thread::yield();
    }
    return 0;
}

/// As a program that knows nothing of sqlane: it may find the file locked.
int truncate_on(const std::filesystem::path& file, Board& board) {
    support::Raw db{file};
    while (!board.done) {
        if (db.attempt("PRAGMA wal_checkpoint(TRUNCATE)") == SQLITE_OK) ++board.truncated;
        const auto pause = board.reads.load() + 500;
        while (!board.done && board.reads < pause) std::this_thread::yield();
    }
    return 0;
}

}  // namespace

TEST_CASE("processes: no stale and no torn read beside a writer and a process that cuts the log off") {
    const support::Sandbox box;
    box.run("PRAGMA journal_mode=WAL");
    box.run("CREATE TABLE Pair(a, b); INSERT INTO Pair VALUES (0, 0)");
    const support::SharedMemory<Board> shared;
    Board& board = *shared;
    std::vector<Child> children;
    for (int i = 0; i < 2; ++i) children.push_back(fork_child([&] { return read_on(box.file(), board); }));
    children.push_back(fork_child([&] { return write_on(box.file(), board); }));
    children.push_back(fork_child([&] { return truncate_on(box.file(), board); }));
    for (auto& child : children) CHECK(child.wait() == 0);
    CHECK(board.stale == 0);
    CHECK(board.torn == 0);
    CHECK(board.announced > 10);
    CHECK(board.truncated > 0);
    MESSAGE(board.reads.load() << " reads, " << board.announced.load() << " commits, " << board.truncated.load()
                               << " times the log was cut off");
}
