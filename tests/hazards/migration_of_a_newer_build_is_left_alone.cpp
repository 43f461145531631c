#include <doctest/doctest.h>

#include "support/migration_kit.hpp"

#include <string>
#include <vector>

/// The promise: an older build that meets a database of a newer one, or of another application, says so in its own type
/// of error, or works with it when that is safe, and in neither case changes a byte.
namespace {

using sqlane::MigrationOptions;
using sqlane::MigrationProblem;
using sqlane::MigrationStatus;
using support::contains;
using support::File;
using support::migration_error;
using support::Sandbox;

/// What the older build knows.
const std::vector<File> known{{"0001_parts.sql",
                               "-- migrate:up\nCREATE TABLE Parts(name TEXT);\nINSERT INTO Parts VALUES ('bolt');\n"
                               "-- migrate:down\nDROP TABLE Parts;\n"},
                              {"0002_mass.sql",
                               "-- migrate:up\nALTER TABLE Parts ADD COLUMN mass REAL;\n"
                               "-- migrate:down\nALTER TABLE Parts DROP COLUMN mass;\n"}};

struct Newer {
    const char* what;
    bool third_is_breaking;
    bool fourth_is_breaking;
    bool third_goes_back;
    bool fourth_goes_back;
    const char* journal;
};

std::vector<File> files_of(const Newer& newer) {
    const std::string breaking = "-- migrate: breaking\n";
    auto files = known;
    files.push_back({"0003_price.sql",
                     (newer.third_is_breaking ? breaking : "") +
                         "-- migrate:up\nALTER TABLE Parts ADD COLUMN price REAL;\n" +
                         (newer.third_goes_back ? "-- migrate:down\nALTER TABLE Parts DROP COLUMN price;\n" : "")});
    files.push_back({"0004_makers.sql", (newer.fourth_is_breaking ? breaking : "") +
                                            "-- migrate:up\nCREATE TABLE Makers(name TEXT);\n" +
                                            (newer.fourth_goes_back ? "-- migrate:down\nDROP TABLE Makers;\n" : "")});
    return files;
}

void make_newer(const Sandbox& box, const Newer& newer) {
    box.run(std::string{"PRAGMA journal_mode="} + newer.journal);
    box.up(files_of(newer), support::without_backup());
}

std::vector<Newer> matrix() {
    std::vector<Newer> all;
    for (const bool third_breaks : {false, true})
        for (const bool fourth_breaks : {false, true})
            for (const bool third_back : {false, true})
                for (const bool fourth_back : {false, true})
                    for (const char* journal : {"DELETE", "WAL"})
                        all.push_back({"", third_breaks, fourth_breaks, third_back, fourth_back, journal});
    return all;
}

template <class Work>
void for_each(Work work) {
    for (const auto& newer : matrix()) {
        CAPTURE(newer.third_is_breaking);
        CAPTURE(newer.fourth_is_breaking);
        CAPTURE(newer.third_goes_back);
        CAPTURE(newer.fourth_goes_back);
        CAPTURE(newer.journal);
        const Sandbox box;
        make_newer(box, newer);
        work(newer, box);
    }
}

}  // namespace

TEST_CASE("migration: an older build refuses or uses a newer database and leaves every byte as it is") {
    for_each([](const Newer& newer, const Sandbox& box) {
        const auto before = support::state_of(box.folder());
        if (newer.third_is_breaking || newer.fourth_is_breaking) {
            const auto error = box.up_fails(known);
            CHECK(error.problem() == MigrationProblem::newer);
            CHECK(error.code() == "newer-database");
            CHECK(contains(error.what(), "the database is at 0004_makers, this build knows 0002"));
            CHECK(contains(error.what(), "update the app"));
            CHECK(migration_error([&] { static_cast<void>(box.migrator(known).plan()); }).code() == "newer-database");
        } else {
            const auto result = box.up(known);
            CHECK(result.applied.empty());
            CHECK(result.from == "0004");
            CHECK(result.to == "0004");
            CHECK(result.backup.empty());
            REQUIRE(result.warnings.size() == 1);
            CHECK(contains(result.warnings[0], "the database is at 0004_makers, this build knows 0002"));
        }
        CHECK(support::state_of(box.folder()) == before);
    });
}

TEST_CASE("migration: downgrade goes back with the stored way or refuses before anything is written") {
    for (const bool each : {false, true}) {
        for_each([&](const Newer& newer, const Sandbox& box) {
            CAPTURE(each);
            const auto before = support::state_of(box.folder());
            MigrationOptions options;
            options.downgrade = true;
            options.commit_each_file = each;
            if (newer.third_goes_back && newer.fourth_goes_back) {
                const auto result = box.up(known, options);
                CHECK(result.from == "0004");
                CHECK(result.to == "0002");
                REQUIRE(result.applied.size() == 2);
                CHECK(result.applied[0].version == "0004");
                CHECK(result.applied[1].version == "0003");
                CHECK_FALSE(result.backup.empty());
                const Sandbox fresh;
                fresh.up(known, support::without_backup());
                CHECK(box.dump() == fresh.dump());
                CHECK(box.up(known).warnings.empty());  // nothing newer is left of it
            } else {
                const auto error = box.up_fails(known, options);
                CHECK(error.problem() == MigrationProblem::newer);
                CHECK(error.code() == "no-stored-down");
                CHECK(contains(error.what(), newer.fourth_goes_back ? "0003_price" : "0004_makers"));
                CHECK(support::state_of(box.folder()) == before);
            }
        });
    }
}

TEST_CASE("migration: a breaking migration that this build knows does not shut it out") {
    const Sandbox box;
    const Newer newer{"", true, false, true, true, "DELETE"};
    make_newer(box, newer);
    auto files = files_of(newer);
    files.pop_back();
    CHECK(box.up(files).warnings.size() == 1);
    files.pop_back();
    CHECK(box.up_fails(files).code() == "newer-database");
}

TEST_CASE("migration: a build without migrations is older than every database") {
    const Sandbox box;
    make_newer(box, {"", true, false, true, true, "DELETE"});
    const auto error = box.up_fails({});
    CHECK(error.code() == "newer-database");
    CHECK(contains(error.what(), "this build knows none"));
}

TEST_CASE("migration: status of a newer database calls what it does not know future") {
    for_each([](const Newer&, const Sandbox& box) {
        const auto before = support::state_of(box.folder());
        const auto all = box.migrator(known).status();
        REQUIRE(all.size() == 4);
        CHECK(all[1].state == MigrationStatus::State::applied);
        CHECK(all[2].state == MigrationStatus::State::future);
        CHECK(all[3].state == MigrationStatus::State::future);
        CHECK(all[3].name == "makers");
        CHECK(support::state_of(box.folder()) == before);
    });
}

TEST_CASE("migration: a failing stored way back names the version and the line of the stored text") {
    const Sandbox box;
    auto files = known;
    files.push_back(
        {"0003_price.sql",
         "-- migrate:up\nCREATE TABLE Prices(x);\n-- migrate:down\nDROP TABLE Prices;\n  DROP TABLE nothing;\n"});
    box.up(files);
    const auto before = box.dump();
    MigrationOptions options;
    options.downgrade = true;
    const auto error = box.up_fails(known, options);
    CHECK(error.problem() == MigrationProblem::failed);
    REQUIRE(error.place());
    CHECK(contains(error.place()->file, "0003_price"));
    CHECK(contains(error.place()->excerpt, "  DROP TABLE nothing;"));
    CHECK(error.place()->statement == 2);
    CHECK(box.dump() == before);
}

TEST_CASE("migration: an older build undoes the newest of two that it does not know and keeps the other") {
    const Sandbox box;
    make_newer(box, {"", false, false, true, true, "DELETE"});
    const auto result = box.migrator(known).down(1);
    CHECK(result.to == "0003");
    REQUIRE(result.applied.size() == 1);
    CHECK(result.applied[0].version == "0004");
    CHECK(box.value("SELECT count(*) FROM sqlite_schema WHERE name = 'Makers'") == "0");
}

TEST_CASE("migration: redo of what this build does not know is refused") {
    const Sandbox box;
    make_newer(box, {"", false, false, true, true, "DELETE"});
    const auto before = support::state_of(box.folder());
    const auto error = migration_error([&] { box.migrator(known).redo(); });
    CHECK(error.problem() == MigrationProblem::newer);
    CHECK(support::state_of(box.folder()) == before);
}

TEST_CASE("migration: a database of another application is refused by every call and left as it is") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        box.run(std::string{"PRAGMA journal_mode="} + journal +
                "; PRAGMA application_id=1111; CREATE TABLE Theirs(x); INSERT INTO Theirs VALUES (1)");
        const auto before = support::state_of(box.folder());
        MigrationOptions options;
        options.application_id = 2222;
        auto migrator = box.migrator(known, options);
        const auto refused = [&](auto work) {
            const auto error = migration_error(work);
            CHECK(error.problem() == MigrationProblem::newer);
            CHECK(error.code() == "foreign-database");
            CHECK(contains(error.what(), "1111"));
            CHECK(contains(error.what(), "2222"));
        };
        refused([&] { migrator.up(); });
        refused([&] { migrator.down(); });
        refused([&] { migrator.redo(); });
        refused([&] { static_cast<void>(migrator.status()); });
        refused([&] { static_cast<void>(migrator.plan()); });
        refused([&] { static_cast<void>(migrator.version()); });
        refused([&] { migrator.validate(); });
        refused([&] { static_cast<void>(migrator.drift()); });
        refused([&] { static_cast<void>(migrator.dump()); });
        refused([&] { static_cast<void>(migrator.rehearse()); });
        refused([&] { migrator.backup(); });
        refused([&] { migrator.accept("0001"); });
        CHECK(support::state_of(box.folder()) == before);
    }
}

TEST_CASE("migration: a new database gets the application's number and one with content keeps its own") {
    MigrationOptions options;
    options.application_id = -77;
    const Sandbox fresh;
    fresh.up(known, options);
    CHECK(fresh.value("PRAGMA application_id") == "-77");
    CHECK(fresh.up(known, options).applied.empty());
    options.application_id = 78;
    CHECK(fresh.up_fails(known, options).code() == "foreign-database");

    const Sandbox used;
    used.run("CREATE TABLE Theirs(x)");
    used.up(known, options);
    CHECK(used.value("PRAGMA application_id") == "0");
}

TEST_CASE("migration: a failed first run leaves no application's number behind") {
    const Sandbox box;
    box.run("PRAGMA user_version=5");  // an empty database that is there already
    MigrationOptions options;
    options.application_id = 78;
    const auto before = box.dump();
    CHECK(box.up_fails({{"0001_a.sql", "CREATE TABLE a(x); SELECT nothing FROM nowhere"}}, options).code() ==
          "statement-failed");
    CHECK(box.dump() == before);
    box.up(known, options);
    CHECK(box.value("PRAGMA application_id") == "78");
    CHECK(box.value("PRAGMA user_version") == "5");
}

TEST_CASE("migration: the stored way back keeps what its file allowed") {
    const Sandbox box;
    auto files = known;
    files.push_back({"0003_price.sql",
                     "-- migrate: allow-lost=ix_prices\n-- migrate: fk-check=none\n-- migrate:up\n"
                     "CREATE TABLE Prices(x); CREATE INDEX ix_prices ON Prices(x);\n"
                     "-- migrate:down\nCREATE TABLE P2(x); DROP TABLE Prices; ALTER TABLE P2 RENAME TO Prices;\n"});
    box.up(files);
    MigrationOptions options;
    options.downgrade = true;
    CHECK(box.up(known, options).to == "0002");
    CHECK(box.value("SELECT count(*) FROM sqlite_schema WHERE name = 'ix_prices'") == "0");
}

TEST_CASE("migration: a table of our name that is not ours is another program's") {
    const Sandbox box;
    box.run("CREATE TABLE _schema_migrations(number INTEGER)");
    const auto before = support::state_of(box.folder());
    const auto error = box.up_fails(known);
    CHECK(error.problem() == MigrationProblem::newer);
    CHECK(error.code() == "foreign-history");
    CHECK(support::state_of(box.folder()) == before);
}
