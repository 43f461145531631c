#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using sqlane::ConnectionManager;
using sqlane::CorruptError;
using sqlane::Options;
using sqlane::Reader;
using sqlane::StorageError;
using sqlane::UsageError;
using sqlane::Writer;
using sqlane::testing::TemporaryFolder;

// What a path can name. Whatever is wrong with it: one clear error of the right class, what is there stays as it is,
// nothing new appears, and the next manager is none the worse.

namespace {

namespace fs = std::filesystem;
using handle_tests::complaint;
using handle_tests::contains;
using handle_tests::content_of;
using handle_tests::names_in;

void write_file(const fs::path& path, std::string_view content) {
    std::ofstream{path, std::ios::binary}.write(content.data(), static_cast<std::streamsize>(content.size()));
}

/// The path is refused with that class, and nothing appears or goes away in the folder.
template <class E>
std::string refused(const fs::path& folder, const fs::path& path, Options options = {}) {
    CAPTURE(path.string());
    const auto before = names_in(folder);
    const auto what = complaint<E>([&] { ConnectionManager{path, options}; });
    CHECK(names_in(folder) == before);
    return what;
}

void check_usable(ConnectionManager& db) {
    db.execute_mut([](Writer& w) { w.run("CREATE TABLE IF NOT EXISTS t (x)"); });
    CHECK(db.execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM t"); }) == 0);
}

/// Goes back to where the test began.
class WorkingFolder {
public:
    explicit WorkingFolder(const fs::path& path) : before_(fs::current_path()) { fs::current_path(path); }
    WorkingFolder(const WorkingFolder&) = delete;
    WorkingFolder& operator=(const WorkingFolder&) = delete;
    ~WorkingFolder() {
        std::error_code ignored;
        fs::current_path(before_, ignored);
    }

private:
    fs::path before_;
};

}  // namespace

TEST_CASE("open: a directory is refused") {
    const TemporaryFolder folder;
    fs::create_directory(folder.path() / "parts.db");
    for (const auto& path : {folder.path() / "parts.db", folder.path(), folder.path() / "", folder.path() / ".",
                             folder.path() / "parts.db" / ".."})
        CHECK(contains(refused<UsageError>(folder.path(), path), "directory"));
}

TEST_CASE("open: a folder that is missing or is none is refused") {
    const TemporaryFolder folder;
    write_file(folder.path() / "file", "text");
    CHECK(contains(refused<StorageError>(folder.path(), folder.path() / "missing" / "parts.db"),
                   "No such file or directory; create the folder"));
    CHECK(contains(refused<StorageError>(folder.path(), folder.path() / "file" / "parts.db"), "Not a directory"));
}

TEST_CASE("open: what is no regular file is refused without waiting for it") {
    const TemporaryFolder folder;
    const auto pipe = folder.path() / "pipe";
    REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
    CHECK(contains(refused<UsageError>(folder.path(), pipe), "not a regular file"));
    CHECK(contains(refused<UsageError>(folder.path(), "/dev/null"), "not a regular file"));
}

TEST_CASE("open: a file that is no database is refused and left as it is") {
    const TemporaryFolder folder;
    std::mt19937 random{42};
    std::string noise(8192, '\0');
    for (auto& c : noise) c = static_cast<char>(random());
    const std::string pages(4096, 'x');
    struct Case {
        const char* name;
        std::string content;
    };
    for (const auto& [name, content] :
         {Case{"short.txt", "hello"}, Case{"long.txt", pages}, Case{"encrypted.db", noise},
          Case{"almost.db", "SQLite format 4" + std::string(4081, '\0')}}) {
        CAPTURE(name);
        const auto path = folder.path() / name;
        write_file(path, content);
        const auto what = refused<CorruptError>(folder.path(), path);
        CHECK(contains(what, "another kind of file, or encrypted; it was left as it is"));
        CHECK(contains(what, name));
        CHECK(content_of(path) == content);
        // The claim on it went too: it can be looked at again.
        refused<CorruptError>(folder.path(), path);
    }
}

TEST_CASE("open: a database whose first page is damaged is refused and left as it is") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    {
        ConnectionManager db{path};
        check_usable(db);
        db.close();
    }
    auto content = content_of(path);
    content.replace(100, 3900, 3900, '\xff');
    write_file(path, content);
    refused<CorruptError>(folder.path(), path);
    CHECK(content_of(path) == content);
}

TEST_CASE("open: an empty file becomes a database") {
    const TemporaryFolder folder;
    write_file(folder.path() / "parts.db", "");
    ConnectionManager db{folder.path() / "parts.db"};
    check_usable(db);
}

TEST_CASE("open: a symbolic link is refused and its target named") {
    const TemporaryFolder folder;
    const TemporaryFolder elsewhere;
    fs::create_symlink(elsewhere.path() / "real.db", folder.path() / "link.db");
    // Dangling, and then not.
    CHECK(contains(refused<UsageError>(folder.path(), folder.path() / "link.db"),
                   "symbolic link to '" + elsewhere.path().string()));
    CHECK(names_in(elsewhere.path()).empty());
    ConnectionManager db{elsewhere.path() / "real.db"};
    CHECK(contains(refused<UsageError>(folder.path(), folder.path() / "link.db"), "symbolic link"));
    check_usable(db);
}

TEST_CASE("open: links among the folders are resolved once") {
    const TemporaryFolder folder;
    fs::create_directory(folder.path() / "real");
    fs::create_directory_symlink(folder.path() / "real", folder.path() / "link");
    ConnectionManager db{folder.path() / "link" / ".." / "link" / "parts.db"};
    CHECK(db.path() == folder.path() / "real" / "parts.db");
    check_usable(db);
    CHECK(contains(complaint<UsageError>([&] { ConnectionManager{folder.path() / "real" / "parts.db"}; }),
                   "has it open already"));
}

TEST_CASE("open: paths that SQLite would read differently than they are meant are refused or meant literally") {
    const TemporaryFolder folder;
    const WorkingFolder here{folder.path()};
    CHECK(contains(refused<UsageError>(folder.path(), ""), "path is empty"));
    CHECK(contains(refused<UsageError>(folder.path(), ":memory:"), "use in_memory()"));
    const std::string with_nul{"parts\0.db", 9};
    CHECK(contains(refused<UsageError>(folder.path(), with_nul), "NUL character"));
    CHECK(contains(refused<UsageError>(folder.path(), folder.path() / with_nul), "NUL character"));
    // Not a URI: a file of that very name, and no other.
    for (const char* name : {"file:parts.db", "file:parts.db?mode=memory", "a?b#c%20d.db", "'quoted' \"name\".db",
                             " blank ", "Ölpumpe 泵.db", "-rf"}) {
        CAPTURE(name);
        {
            ConnectionManager db{name};
            CHECK(db.path() == folder.path() / name);
            check_usable(db);
        }
        CHECK(names_in(folder.path()) == std::vector<std::string>{name});
        fs::remove(folder.path() / name);
    }
}

TEST_CASE("open: a second manager on the same file is refused by whatever name") {
    const TemporaryFolder folder;
    const WorkingFolder here{folder.path()};
    fs::create_directory(folder.path() / "sub");
    ConnectionManager db{"parts.db"};
    check_usable(db);
    fs::create_hard_link(folder.path() / "parts.db", folder.path() / "hard.db");
    for (const fs::path path : {"parts.db", "./parts.db", "sub/../parts.db", "hard.db", "sub/../hard.db"}) {
        CHECK(contains(refused<UsageError>(folder.path(), path), "share that one"));
        CHECK(contains(refused<UsageError>(folder.path(), folder.path() / path), "share that one"));
    }
    // The first is unharmed: its locks above all.
    check_usable(db);
    CHECK(db.execute([](Reader& r) { return r.one<std::string>("PRAGMA integrity_check"); }) == "ok");
}

TEST_CASE("open: the file is free again when its manager is gone or could not be made") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    for (int i = 0; i < 3; ++i) {
        ConnectionManager db{path};
        check_usable(db);
    }
    Options options;
    options.vfs = "no such file system";
    for (int i = 0; i < 3; ++i) refused<UsageError>(folder.path(), path, options);
    ConnectionManager db{path};
    check_usable(db);
}

TEST_CASE("open: options that make no sense leave no file behind") {
    const TemporaryFolder folder;
    Options senseless;
    senseless.readers.max = 0;
    refused<UsageError>(folder.path(), folder.path() / "new.db", senseless);
    CHECK(names_in(folder.path()).empty());
}

TEST_CASE("open: a manager that is closed leaves the one file") {
    const TemporaryFolder folder;
    {
        ConnectionManager db{folder.path() / "parts.db"};
        check_usable(db);
        CHECK(names_in(folder.path()) == std::vector<std::string>{"parts.db", "parts.db-shm", "parts.db-wal"});
    }
    CHECK(names_in(folder.path()) == std::vector<std::string>{"parts.db"});
}

TEST_CASE("open: a database of another journal mode is taken over with its content") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    sqlite3* raw = nullptr;
    REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
    REQUIRE(sqlite3_exec(raw,
                         "PRAGMA page_size=8192; PRAGMA journal_mode=DELETE; CREATE TABLE t (x); "
                         "INSERT INTO t VALUES ('old')",
                         nullptr, nullptr, nullptr) == SQLITE_OK);
    sqlite3_close(raw);
    ConnectionManager db{path};
    db.execute([](Reader& r) {
        CHECK(r.one<std::string>("SELECT x FROM t") == "old");
        CHECK(r.one<std::string>("PRAGMA journal_mode") == "wal");
        CHECK(r.one<int>("PRAGMA page_size") == 8192);
    });
}

TEST_CASE("open: one at a time gets the file when several try at once") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    std::atomic<int> opened{0};
    std::atomic<int> refusals{0};
    std::atomic<int> ready{0};
    constexpr int threads = 4;
    std::vector<std::thread> all;
    for (int i = 0; i < threads; ++i)
        all.emplace_back([&] {
            std::unique_ptr<ConnectionManager> db;
            try {
                db = std::make_unique<ConnectionManager>(path);
                ++opened;
            } catch (const UsageError&) {
                ++refusals;
            }
            ++ready;
            while (ready < threads) std::this_thread::yield();  // so that nobody opens it after another has closed it
        });
    for (auto& thread : all) thread.join();
    CHECK(opened == 1);
    CHECK(refusals == threads - 1);
}
