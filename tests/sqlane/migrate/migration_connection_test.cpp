#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>

#include "handle/migration_connection.hpp"
#include "support/migration_kit.hpp"

#include <string>

// The connection that migrates keeps the rules that the lanes' writer keeps: what they protect is the same file.

namespace {

using sqlane::detail::parse_sqlite_version;
using support::Sandbox;

}  // namespace

TEST_CASE("migration connection: keeps the rules of the lanes") {
    const Sandbox box;
    box.run("PRAGMA journal_mode=WAL; CREATE TABLE t(x)");
    box.up({{"0001_seen.sql",
             "CREATE TABLE seen AS SELECT * FROM pragma_synchronous, pragma_foreign_keys, pragma_cache_spill, "
             "pragma_trusted_schema, pragma_temp_store;\n"}});
    CHECK(box.value("SELECT synchronous FROM seen") == "3");
    CHECK(box.value("SELECT foreign_keys FROM seen") == "0");
    CHECK(box.value("SELECT trusted_schema FROM seen") == "0");
    CHECK(box.value("SELECT temp_store FROM seen") == "2");
    // https://www.sqlite.org/releaselog/3_50_2.html
    if (sqlite3_libversion_number() < 3'050'002) CHECK(box.value("SELECT cache_spill FROM seen") == "0");
}

TEST_CASE("migration connection: does not checkpoint while others have the file open") {
    const Sandbox box;
    box.run("PRAGMA journal_mode=WAL; CREATE TABLE t(x)");
    support::Raw other{box.file()};
    CHECK(other.value("SELECT count(*) FROM t") == "0");  // only who has read keeps the log
    const auto size = std::filesystem::file_size(box.file());
    box.up({{"0001_a.sql", "CREATE TABLE a(x); INSERT INTO a VALUES (zeroblob(8000000));"}}, support::without_backup());
    // Neither when the log is long nor on closing.
    CHECK(std::filesystem::file_size(box.file()) == size);
    CHECK(std::filesystem::file_size(box.file().string() + "-wal") > 8'000'000);
}

TEST_CASE("migration connection: keeps the journal mode that the file has") {
    for (const char* journal : {"delete", "wal"}) {
        const Sandbox box;
        box.run(std::string{"PRAGMA journal_mode="} + journal + "; CREATE TABLE t(x)");
        box.up({{"0001_a.sql", "CREATE TABLE a(x)"}});
        CHECK(box.value("PRAGMA journal_mode") == journal);
    }
}

TEST_CASE("migration connection: a migrated database is ready for a ConnectionManager") {
    const Sandbox box;
    box.up({{"0001_a.sql", "CREATE TABLE a(x INTEGER)"}});
    sqlane::ConnectionManager db{box.file()};
    db.transaction([](sqlane::Transaction& tx) { tx.run("INSERT INTO a VALUES (1)"); });
    CHECK(db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT x FROM a"); }) == 1);
}

TEST_CASE("migration connection: versions of SQLite are read") {
    CHECK(parse_sqlite_version("3.35") == 3'035'000);
    CHECK(parse_sqlite_version("3.35.5") == 3'035'005);
    CHECK(parse_sqlite_version("3") == 3'000'000);
    for (const char* wrong : {"", "3.", ".3", "3.35.", "3.35.5.1", "3.x", "-3", "3.-1", "3.1000", "v3"})
        CHECK_FALSE(parse_sqlite_version(wrong));
}
