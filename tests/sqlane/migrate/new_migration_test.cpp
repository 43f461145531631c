#include <doctest/doctest.h>

#include <sqlane/testing.hpp>

#include "support/migration_kit.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>

namespace {

namespace fs = std::filesystem;
using sqlane::MigrationSet;
using sqlane::new_migration;
using sqlane::testing::TemporaryFolder;

std::string name_of(const fs::path& path) { return path.filename().string(); }

}  // namespace

TEST_CASE("new migration: is numbered by the time and named in snake case") {
    const TemporaryFolder folder;
    const auto path = new_migration(folder.path(), "  Add users & roles (2nd) ");
    const auto name = name_of(path);
    CHECK(fs::exists(path));
    CHECK(path.parent_path() == folder.path());
    CHECK(name.substr(14) == "_add_users_roles_2nd.sql");
    CHECK(name.starts_with("20"));
    CHECK(std::all_of(name.begin(), name.begin() + 14, [](unsigned char c) { return std::isdigit(c) != 0; }));
}

TEST_CASE("new migration: two in the same second have versions of their own in their order") {
    const TemporaryFolder folder;
    std::string last;
    for (int i = 0; i < 5; ++i) {
        const auto name = name_of(new_migration(folder.path(), "step"));
        CHECK(name.substr(0, 14) > last);
        last = name.substr(0, 14);
    }
    CHECK(support::names_in(folder.path()).size() == 5);
}

TEST_CASE("new migration: in sequence follows the newest") {
    const TemporaryFolder folder;
    CHECK(name_of(new_migration(folder.path(), "first", true)) == "0001_first.sql");
    CHECK(name_of(new_migration(folder.path(), "second", true)) == "0002_second.sql");
    support::write_file(folder.path() / "0041_more.sql", "SELECT 1;");
    CHECK(name_of(new_migration(folder.path(), "third", true)) == "0042_third.sql");
    support::write_file(folder.path() / "12345_more.sql", "SELECT 1;");
    CHECK(name_of(new_migration(folder.path(), "fourth", true)) == "12346_fourth.sql");
}

TEST_CASE("new migration: by the time is never older than what is there") {
    const TemporaryFolder folder;
    support::write_file(folder.path() / "99991231235959_from_the_future.sql", "SELECT 1;");
    CHECK(name_of(new_migration(folder.path(), "next")).substr(0, 14) > "99991231235959_from");
    support::write_file(folder.path() / "README.md", "");
    CHECK_NOTHROW(new_migration(folder.path(), "after"));
}

TEST_CASE("new migration: makes the folder and a file that says where to write") {
    const TemporaryFolder folder;
    const auto path = new_migration(folder.path() / "deep" / "migrations", "first", true);
    const auto text = support::content_of(path);
    CHECK(support::contains(text, "-- migrate:up\n"));
    CHECK(support::contains(text, "-- migrate:down\n"));
    // As it is it is refused: nobody can forget to write it.
    CHECK(support::migration_error([&] { MigrationSet::from_folder(path.parent_path()); }).code() == "empty-migration");
    support::write_file(path, "-- migrate:up\nCREATE TABLE t(x);\n-- migrate:down\nDROP TABLE t;\n");
    CHECK(MigrationSet::from_folder(path.parent_path()).newest() == "0001");
}

TEST_CASE("new migration: a name without letters is refused") {
    const TemporaryFolder folder;
    for (const char* name : {"", "  ", "&%!", "___"})
        CHECK_THROWS_AS(new_migration(folder.path(), name), sqlane::UsageError);
    CHECK(support::names_in(folder.path()).empty());
}

TEST_CASE("new migration: a name cannot lead out of the folder") {
    const TemporaryFolder folder;
    const auto path = new_migration(folder.path(), "../../etc/passwd", true);
    CHECK(path == folder.path() / "0001_etc_passwd.sql");
    CHECK(name_of(new_migration(folder.path(), "Größe ändern", true)) == "0002_gr_e_ndern.sql");
}
