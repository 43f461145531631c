#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

// The promise: a file or folder that this user may not write is one StorageError, and what is there stays as it is.
// And: what sqlane makes, nobody else can read, whatever the umask.

namespace {

namespace fs = std::filesystem;
using handle_tests::complaint;
using handle_tests::contains;
using handle_tests::content_of;
using handle_tests::names_in;
using sqlane::ConnectionManager;
using sqlane::Reader;
using sqlane::StorageError;
using sqlane::Writer;
using sqlane::testing::TemporaryFolder;

/// The superuser may write everywhere; this makes them one who may not, until it ends.
class Unprivileged {
public:
    Unprivileged() : was_(::geteuid()) {
        if (was_ == 0) REQUIRE(::seteuid(nobody) == 0);
    }
    Unprivileged(const Unprivileged&) = delete;
    Unprivileged& operator=(const Unprivileged&) = delete;
    ~Unprivileged() {
        if (was_ == 0 && ::seteuid(0) != 0) std::abort();
    }

    /// Gives the user who will be tested what it needs to own.
    static void give(const fs::path& path) {
        if (::geteuid() == 0) REQUIRE(::chown(path.c_str(), nobody, static_cast<gid_t>(-1)) == 0);
    }

private:
    static constexpr uid_t nobody = 65534;
    uid_t was_;
};

void make_database(const fs::path& path) {
    ConnectionManager db{path};
    db.execute_mut([](Writer& w) { w.script("CREATE TABLE t (x); INSERT INTO t VALUES ('kept')"); });
}

mode_t mode_of(const fs::path& path) {
    struct stat info {};
    REQUIRE(::lstat(path.c_str(), &info) == 0);
    return info.st_mode & 07777;
}

}  // namespace

TEST_CASE("unwritable: a file that may only be read is refused and left as it is") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    make_database(path);
    Unprivileged::give(folder.path());
    Unprivileged::give(path);
    fs::permissions(path, fs::perms::owner_read);
    const auto before = content_of(path);
    {
        const Unprivileged user;
        const auto what = complaint<StorageError>([&] { ConnectionManager{path}; });
        CHECK(contains(what, "not writable for this user"));
        CHECK(contains(what, "check the rights of the file"));
    }
    CHECK(names_in(folder.path()) == std::vector<std::string>{"parts.db"});
    CHECK(content_of(path) == before);
    // With its right back it is what it was.
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
    const Unprivileged user;
    ConnectionManager db{path};
    CHECK(db.execute([](Reader& r) { return r.one<std::string>("SELECT x FROM t"); }) == "kept");
}

TEST_CASE("unwritable: a file that may not even be read is refused") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    make_database(path);
    Unprivileged::give(folder.path());
    fs::permissions(path, fs::perms::none);
    const Unprivileged user;
    complaint<StorageError>([&] { ConnectionManager{path}; });
    CHECK(names_in(folder.path()) == std::vector<std::string>{"parts.db"});
}

TEST_CASE("unwritable: nothing is made in a folder that may only be read") {
    const TemporaryFolder folder;
    Unprivileged::give(folder.path());
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
    {
        const Unprivileged user;
        const auto what = complaint<StorageError>([&] { ConnectionManager{folder.path() / "parts.db"}; });
        CHECK(contains(what, "Permission denied; choose a folder that this user can write to"));
        CHECK(names_in(folder.path()).empty());
    }
    fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST_CASE("unwritable: a database in a folder that may only be read is refused for want of a log") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    make_database(path);
    Unprivileged::give(folder.path());
    Unprivileged::give(path);
    const auto before = content_of(path);
    fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
    {
        const Unprivileged user;
        complaint<StorageError>([&] { ConnectionManager{path}; });
        CHECK(names_in(folder.path()) == std::vector<std::string>{"parts.db"});
    }
    fs::permissions(folder.path(), fs::perms::owner_all);
    CHECK(content_of(path) == before);
}

TEST_CASE("unwritable: a folder that may not be entered is refused") {
    const TemporaryFolder folder;
    fs::create_directory(folder.path() / "locked");
    make_database(folder.path() / "locked" / "parts.db");
    Unprivileged::give(folder.path());
    Unprivileged::give(folder.path() / "locked");
    fs::permissions(folder.path() / "locked", fs::perms::none);
    {
        const Unprivileged user;
        complaint<StorageError>([&] { ConnectionManager{folder.path() / "locked" / "parts.db"}; });
        complaint<StorageError>([&] { ConnectionManager{folder.path() / "locked" / "deeper" / "parts.db"}; });
    }
    fs::permissions(folder.path() / "locked", fs::perms::owner_all);
}

TEST_CASE("new files: are the owner's alone whatever the umask") {
    for (const mode_t mask : {mode_t{0}, mode_t{022}, mode_t{077}}) {
        CAPTURE(mask);
        const auto before = ::umask(mask);
        const TemporaryFolder folder;
        {
            ConnectionManager db{folder.path() / "parts.db"};
            db.execute_mut([](Writer& w) { w.run("CREATE TABLE t (x)"); });
            db.execute([](Reader& r) { return r.one<int>("SELECT count(*) FROM t"); });
            for (const char* name : {"parts.db", "parts.db-wal", "parts.db-shm"}) {
                CAPTURE(name);
                CHECK(mode_of(folder.path() / name) == 0600);
            }
            auto memory = ConnectionManager::in_memory();
            memory.execute_mut([](Writer& w) { w.run("CREATE TABLE t (x)"); });
            CHECK(mode_of(memory.path().parent_path()) == 0700);
            CHECK(mode_of(memory.path()) == 0600);
        }
        ::umask(before);
    }
}

TEST_CASE("new files: the log of a file with other rights has the file's") {
    const auto before = ::umask(077);
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    make_database(path);
    fs::permissions(path, fs::perms{0640});
    ConnectionManager db{path};
    db.execute_mut([](Writer& w) { w.run("INSERT INTO t VALUES ('more')"); });
    CHECK(mode_of(path) == 0640);
    CHECK(mode_of(folder.path() / "parts.db-wal") == 0640);
    ::umask(before);
}
