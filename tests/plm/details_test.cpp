#include <doctest/doctest.h>

#include "plm/kit.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

// The promises of what belongs to a part: properties, files, manufacturer numbers, categories.

using namespace plm;
using plm_test::Company;
using support::caught;
using support::contains;
namespace fs = std::filesystem;

TEST_CASE("property: a value is of its type, and has one form") {
    Company company;
    const auto part = company.part("Resistor");
    const auto properties = company.plm.properties();
    const auto kept = [&](PropertyType type, const std::string& value) {
        properties.set(part.id, {"k", type, value});
        return properties.get(part.id, "k").value;
    };
    CHECK(kept(PropertyType::string, "any thing") == "any thing");
    CHECK(kept(PropertyType::integer, "007") == "7");
    CHECK(kept(PropertyType::floating, "4.70e3") == "4700");
    CHECK(kept(PropertyType::floating, "0.1") == "0.1");
    CHECK(kept(PropertyType::boolean, "true") == "true");
    CHECK(kept(PropertyType::date, "2024-02-29") == "2024-02-29");
    CHECK(kept(PropertyType::url, "https://example.com/a?b=c") == "https://example.com/a?b=c");
    CHECK(kept(PropertyType::json, "{\"a\": [1, 2]}") == "{\"a\": [1, 2]}");
    const std::vector<std::pair<PropertyType, std::vector<std::string>>> bad{
        {PropertyType::integer, {"", "1.5", "x", "9223372036854775808", "1 "}},
        {PropertyType::floating, {"", "nan", "inf", "1,5", "1e999", "1.5 V"}},
        {PropertyType::boolean, {"", "1", "yes", "TRUE"}},
        {PropertyType::date, {"2025-02-29", "2026-13-01", "2026-1-1", "01.02.2026", "2026-01-01T00:00:00Z"}},
        {PropertyType::url, {"", "example.com", "://x", "http://", "http://a b", "1http://a"}},
        {PropertyType::json, {"", "{", "{a: 1}"}}};
    for (const auto& [type, values] : bad) {
        for (const auto& value : values) {
            CAPTURE(value);
            CHECK(contains(caught<InvalidValue>([&] {
                               properties.set(part.id, {"k", type, value});
                           }).what(),
                           "is no " + std::string{to_text(type)} + "; wanted, for example, "));
        }
    }
    CHECK(properties.get(part.id, "k").type == PropertyType::json);
}

TEST_CASE("property: a key is there once per owner") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto properties = company.plm.properties();
    properties.set(made.part.id, {"mass", PropertyType::integer, "1"});
    properties.set(made.revision.id, {"mass", PropertyType::integer, "2"});
    properties.set(made.part.id, {"mass", PropertyType::floating, "3.5"});
    CHECK(properties.list(made.part.id) == std::vector<Property>{{"mass", PropertyType::floating, "3.5"}});
    CHECK(properties.list(made.revision.id).size() == 1);
    CHECK_THROWS_AS(properties.remove(made.part.id, "colour"), plm::NotFound);
    const auto entry = company.plm.history().of(made.part.id).back();
    CHECK(entry.action == "property mass");
    CHECK(*entry.from == "1");
    CHECK(*entry.to == "3.5");
}

TEST_CASE("file: stays below the project's folder") {
    Company company;
    const auto made = company.draft("Gearbox");
    const sqlane::testing::TemporaryFolder folder;
    const auto root = folder.path() / "project";
    fs::create_directories(root / "drawings");
    std::ofstream{root / "drawings" / "a.txt"} << "abc";
    std::ofstream{folder.path() / "secret.txt"} << "secret";
    fs::create_symlink(folder.path() / "secret.txt", root / "link.txt");
    fs::create_directory_symlink(folder.path(), root / "out");
    fs::create_symlink("drawings/a.txt", root / "inside.txt");
    const auto files = company.plm.files();
    const auto attach = [&](const fs::path& path) { return files.attach(made.revision.id, root, path); };
    const auto refused = [&](const fs::path& path) {
        return std::string{caught<InvalidValue>([&] { attach(path); }).what()};
    };
    CHECK(contains(refused("../secret.txt"), "leads upwards"));
    CHECK(contains(refused("drawings/../../secret.txt"), "leads upwards"));
    CHECK(contains(refused(folder.path() / "secret.txt"), "is absolute"));
    CHECK(contains(refused("link.txt"), "link that leads out"));
    CHECK(contains(refused("out/secret.txt"), "link that leads out"));
    CHECK(contains(refused("drawings"), "is no file"));
    CHECK(contains(refused(""), "is empty"));
    CHECK_THROWS_AS(attach("nothing.txt"), plm::NotFound);
    CHECK(files.list(made.revision.id).empty());
    const auto file = attach("./drawings//a.txt");
    CHECK(file.path == "drawings/a.txt");
    CHECK(file.bytes == 3);
    CHECK(file.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_THROWS_AS(attach("drawings/a.txt"), Conflict);
    attach("inside.txt");
}

TEST_CASE("file: verify tells what is missing and what is changed") {
    Company company;
    const auto made = company.draft("Gearbox");
    const sqlane::testing::TemporaryFolder project;
    const auto files = company.plm.files();
    for (const char* name : {"a.txt", "b.txt", "c.txt"}) {
        std::ofstream{project.path() / name} << name;
        files.attach(made.revision.id, project.path(), name);
    }
    CHECK(files.verify(made.revision.id, project.path()).empty());
    std::ofstream{project.path() / "a.txt"} << "A.txt";
    fs::remove(project.path() / "b.txt");
    const auto problems = files.verify(made.revision.id, project.path());
    REQUIRE(problems.size() == 2);
    CHECK(problems[0].file.path == "a.txt");
    CHECK(problems[0].kind == FileProblem::Kind::changed);
    CHECK(problems[1].file.path == "b.txt");
    CHECK(problems[1].kind == FileProblem::Kind::missing);
}

TEST_CASE("manufacturer part: compares without case and without the space around it, and one is preferred") {
    Company company;
    const auto part = company.part("Resistor");
    const auto numbers = company.plm.manufacturer_parts();
    const auto first = numbers.add(part.id, " Yageo ", "RC0603 ");
    CHECK(numbers.list(part.id).front().manufacturer == "Yageo");
    CHECK_THROWS_AS(numbers.add(part.id, "YAGEO", "rc0603"), Conflict);
    const auto second = numbers.add(part.id, "Vishay", "CRCW0603");
    numbers.prefer(second);
    numbers.prefer(first);
    CHECK(numbers.list(part.id).front().id == first);
    CHECK(company.value<int>("SELECT count(*) FROM ManufacturerParts WHERE is_preferred = 1") == 1);
    CHECK_THROWS_AS(numbers.add(part.id, " ", "x"), InvalidValue);
}

TEST_CASE("manufacturer part: the wildcards of LIKE are letters") {
    Company company;
    const auto part = company.part("Resistor");
    const auto numbers = company.plm.manufacturer_parts();
    numbers.add(part.id, "A", "100%");
    numbers.add(part.id, "B", "1000");
    numbers.add(part.id, "C", "a_b");
    numbers.add(part.id, "D", "axb");
    numbers.add(part.id, "E", "a\\b");
    CHECK(numbers.search("100%").size() == 1);
    CHECK(numbers.search("a_b").size() == 1);
    CHECK(numbers.search("a\\b").size() == 1);
    CHECK(numbers.search(" AXB ").size() == 1);
    CHECK(numbers.search("100").size() == 2);
    CHECK(numbers.search("100", 1).size() == 1);
}

TEST_CASE("category: renamed, issued numbers stay and new ones begin with the new code") {
    Company company;
    const auto old = company.part("Resistor");
    const auto categories = company.plm.categories();
    categories.rename("EL", "ELE", "Electronics");
    CHECK(company.plm.parts().get(old.id).number == "EL-10000");
    CHECK(company.plm.parts().get(old.id).category == "ELE");
    CHECK(company.part("new", "ELE").number == "ELE-10001");
    categories.rename_subcategory("ELE", "RES", "RS", "Resistors");
    CHECK(company.plm.parts().create({.category = "ELE", .subcategory = "RS", .name = "x"}).number == "ELE-RS-10002");
}

TEST_CASE("category: renamed also where its parts are released, for their numbers do not change") {
    Company company;
    const auto made = company.released("Gearbox");
    company.plm.categories().rename("AS", "ASM", "Assemblies");
    CHECK(company.plm.parts().get(made.part.id).number == made.part.number);
}

TEST_CASE("category: codes are unique, and of capital letters and digits") {
    Company company;
    const auto categories = company.plm.categories();
    CHECK_THROWS_AS(categories.add("EL", "Other"), Conflict);
    CHECK_THROWS_AS(categories.add("XX", "Electronic"), Conflict);
    CHECK_THROWS_AS(categories.add_subcategory("EL", "RES", "Resistor"), Conflict);
    for (const char* code : {"", "A", "ABCDE", "el", "E-L", "Ä1"}) {
        CAPTURE(code);
        CHECK_THROWS_AS(categories.add(code, "x"), InvalidValue);
    }
    company.part("x");
    CHECK_THROWS_AS(categories.remove("EL"), Conflict);
    categories.add("XX", "Other");
    categories.add_subcategory("XX", "YY", "y");
    categories.remove("XX");
    CHECK_THROWS_AS(categories.get("XX"), plm::NotFound);
    CHECK(categories.list().size() == 5);
    CHECK(categories.subcategories("EL").size() == 12);
}

TEST_CASE("database: a newer schema and another application's file are typed errors, and stay as they are") {
    const sqlane::testing::TemporaryFolder folder;
    const auto file = folder.path() / "parts.db";
    {
        DatabaseManager plm{file};
        CHECK(plm.migration().from.empty());
        CHECK(plm.migration().to == schema().newest());
        plm.connections().execute_mut([](sqlane::Writer& w) {
            w.run(
                "INSERT INTO _schema_migrations(version, name, kind, checksum, status, applied_at, duration_ms, "
                "min_compatible, schema_hash, objects, tool_version, app_version, sqlite_version, statements_done, "
                "statements_total) SELECT '9999', 'future', kind, checksum, status, applied_at, 0, '9999', "
                "schema_hash, objects, tool_version, app_version, sqlite_version, 1, 1 FROM _schema_migrations LIMIT "
                "1");
        });
    }
    CHECK(caught<sqlane::MigrationError>([&] { DatabaseManager{file}; }).problem() == sqlane::MigrationProblem::newer);
    const auto other = folder.path() / "other.db";
    {
        sqlane::ConnectionManager db{other};
        db.execute_mut([](sqlane::Writer& w) { w.script("CREATE TABLE t(x); PRAGMA application_id = 7"); });
    }
    CHECK(caught<sqlane::MigrationError>([&] { DatabaseManager{other}; }).code() == "foreign-database");
}
