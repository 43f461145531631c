#include <doctest/doctest.h>

#include "processes/process.hpp"
#include "support/migration_kit.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <numeric>

// The promise: however many processes start on one file, each migration is applied once, and all of them go on.

using namespace processes;
using support::contains;
using support::Sandbox;

namespace {

using Json = nlohmann::json;

constexpr int starters = 8;

/// All of them at once, and to their ends.
std::vector<Result> start_together(const Sandbox& box, const std::string& migrations) {
    Gate gate;
    std::vector<std::unique_ptr<Process>> processes;
    for (int i = 0; i < starters; ++i)
        processes.push_back(std::make_unique<Process>(
            Process::Settings{.folder = box.folder(),
                              .arguments = {"migrate", "up", "--db", "test.db", "--dir", migrations, "--json"},
                              .gate = &gate}));
    gate.open();
    std::vector<Result> results;
    for (const auto& process : processes) results.push_back(process->wait());
    return results;
}

/// Each ended well and with one JSON object; together they applied `count` migrations.
void check_applied(const std::vector<Result>& results, std::size_t count) {
    std::size_t applied = 0;
    for (const auto& result : results) {
        CAPTURE(result.out);
        CAPTURE(result.err);
        REQUIRE(result.code == 0);
        CHECK(result.err.empty());
        applied += Json::parse(result.out).at("applied").size();
    }
    CHECK(applied == count);
}

std::string applied_versions(const Sandbox& box) {
    return box.value("SELECT group_concat(version, ' ') FROM (SELECT version FROM _schema_migrations ORDER BY seq)");
}

}  // namespace

TEST_CASE("processes: eight that start on a new file apply each migration once") {
    for (int round = 0; round < support::rounds(30); ++round) {
        const Sandbox box;
        check_applied(start_together(box, SQLANE_MIGRATIONS), 6);
        CHECK(applied_versions(box) == "0001 0002 0003 0004 0005 0006");
        CHECK(box.names() == std::vector<std::string>{"test.db"});
    }
}

TEST_CASE("processes: eight that start on a file with one pending migration apply it once") {
    const Sandbox before;
    REQUIRE(migrate(before.folder(), {"up", "--db", "test.db", "--dir", SQLANE_MIGRATIONS, "--to", "5"}).code == 0);
    for (int round = 0; round < support::rounds(30); ++round) {
        const Sandbox box;
        std::filesystem::copy_file(before.file(), box.file());
        if (round % 2 == 0) box.run("PRAGMA journal_mode=WAL");
        check_applied(start_together(box, SQLANE_MIGRATIONS), 1);
        CHECK(applied_versions(box) == "0001 0002 0003 0004 0005 0006");
        CHECK(support::files_with(box.folder(), ".bak-0005-").size() == 1);
        CHECK(box.names().size() == 2);
    }
}
