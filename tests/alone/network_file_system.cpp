#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <sys/vfs.h>

#include <atomic>
#include <string>
#include <utility>
#include <vector>

// The promise: a database on a network file system is refused before anything is made there, because the shared memory
// of the write-ahead log does not reach other machines. There is none in a test, so the C library's answer is replaced.

namespace {

std::atomic<std::uint32_t> kind_of_file_system{0};
std::atomic<int> result_of_statfs{0};

}  // namespace

extern "C" int statfs(const char* /*path*/, struct statfs* info) noexcept {
    *info = {};
    info->f_type = static_cast<decltype(info->f_type)>(kind_of_file_system.load());
    return result_of_statfs;
}

namespace {

using handle_tests::complaint;
using handle_tests::contains;
using handle_tests::names_in;
using sqlane::ConnectionManager;
using sqlane::StorageError;
using sqlane::Writer;
using sqlane::testing::TemporaryFolder;

constexpr std::uint32_t ext4 = 0xEF53;

}  // namespace

TEST_CASE("network file system: each kind is refused by name and nothing is made there") {
    for (const auto& [magic, name] : std::vector<std::pair<std::uint32_t, const char*>>{
             {0x6969, "NFS"}, {0x517B, "SMB"}, {0xFE534D42, "SMB"}, {0xFF534D42, "CIFS"}, {0x5346414F, "AFS"}}) {
        CAPTURE(name);
        const TemporaryFolder folder;
        kind_of_file_system = magic;
        const auto what = complaint<StorageError>([&] { ConnectionManager{folder.path() / "parts.db"}; });
        CHECK(contains(what, "it is on a network file system (" + std::string{name} + ")"));
        CHECK(contains(what, "keep the database on a local disk"));
        CHECK(names_in(folder.path()).empty());
        // The same path is as good as any other where the disk is local.
        kind_of_file_system = ext4;
        ConnectionManager db{folder.path() / "parts.db"};
        db.execute_mut([](Writer& w) { w.run("CREATE TABLE t (x)"); });
    }
}

TEST_CASE("network file system: a database that lies there already is left as it is") {
    const TemporaryFolder folder;
    const auto path = folder.path() / "parts.db";
    kind_of_file_system = ext4;
    {
        ConnectionManager db{path};
        db.execute_mut([](Writer& w) { w.run("CREATE TABLE t (x)"); });
    }
    const auto before = handle_tests::content_of(path);
    kind_of_file_system = 0x6969;
    complaint<StorageError>([&] { ConnectionManager{path}; });
    CHECK(handle_tests::content_of(path) == before);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"parts.db"});
    kind_of_file_system = ext4;
}

TEST_CASE("network file system: where the system does not say the kind the file is opened") {
    const TemporaryFolder folder;
    kind_of_file_system = 0x6969;
    result_of_statfs = -1;
    ConnectionManager db{folder.path() / "parts.db"};
    db.execute_mut([](Writer& w) { w.run("CREATE TABLE t (x)"); });
    result_of_statfs = 0;
    kind_of_file_system = ext4;
}
