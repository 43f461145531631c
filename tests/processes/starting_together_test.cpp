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
const std::string all_versions = "0001 0002 0003 0004 0005 0006 0007";

/// All of them at once, and to their ends.
std::vector<Result> start_together(const Sandbox& box, const std::string& migrations,
                                   const std::vector<std::string>& more = {}) {
    Gate gate;
    std::vector<std::unique_ptr<Process>> processes;
    std::vector<std::string> arguments{"migrate", "up", "--db", "test.db", "--dir", migrations, "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    for (int i = 0; i < starters; ++i)
        processes.push_back(std::make_unique<Process>(
            Process::Settings{.folder = box.folder(), .arguments = arguments, .gate = &gate}));
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

/// Migrations beside those of the others, of which the last one never ends: who runs them is in the middle until told
/// otherwise.
std::string endless_migrations(const Sandbox& box) {
    const auto folder = box.folder().parent_path() / "endless";
    std::filesystem::copy(SQLANE_MIGRATIONS, folder);
    support::write_file(folder / "9999_endless.sql",
                        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n;\n");
    return folder.string();
}

/// A process that holds the write lock and has run all but the last of its migrations, and others that wait for it.
class StuckWinner {
public:
    explicit StuckWinner(const Sandbox& box)
        : winner_({.folder = box.folder(),
                   .arguments = {"migrate", "up", "--db", "test.db", "--dir", endless_migrations(box), "-v"}}) {
        winner_.read_until("9999_endless.sql (");
        for (int i = 0; i < 3; ++i)
            others_.push_back(std::make_unique<Process>(Process::Settings{
                .folder = box.folder(),
                .arguments = {"migrate", "up", "--db", "test.db", "--dir", SQLANE_MIGRATIONS, "-v"}}));
        for (const auto& other : others_) other->read_until("waiting for another process (");
    }
    /// The winner's exit code, after which the others have ended, all of them well.
    int end_with(int signal) {
        winner_.send(signal);
        const int code = winner_.wait().code;
        for (const auto& other : others_) {
            const auto result = other->wait();
            CAPTURE(result.err);
            CHECK(result.code == 0);
            CHECK((contains(result.out, "test.db is at 0007\n") || contains(result.out, "up to date at 0007\n")));
        }
        return code;
    }

private:
    Process winner_;
    std::vector<std::unique_ptr<Process>> others_;
};

}  // namespace

TEST_CASE("processes: eight that start on a new file apply each migration once") {
    for (int round = 0; round < support::rounds(30); ++round) {
        const Sandbox box;
        check_applied(start_together(box, SQLANE_MIGRATIONS), 7);
        CHECK(applied_versions(box) == all_versions);
        CHECK(box.names() == std::vector<std::string>{"test.db"});
    }
}

TEST_CASE("processes: eight that start on a file with one pending migration apply it once") {
    const Sandbox before;
    REQUIRE(migrate(before.folder(), {"up", "--db", "test.db", "--dir", SQLANE_MIGRATIONS, "--to", "6"}).code == 0);
    for (int round = 0; round < support::rounds(30); ++round) {
        const Sandbox box;
        std::filesystem::copy_file(before.file(), box.file());
        if (round % 2 == 0) box.run("PRAGMA journal_mode=WAL");
        check_applied(start_together(box, SQLANE_MIGRATIONS), 1);
        CHECK(applied_versions(box) == all_versions);
        CHECK(support::files_with(box.folder(), ".bak-0006-").size() == 1);
        CHECK(box.names().size() == 2);
    }
}

TEST_CASE("processes: the winner is killed in the middle, and another one finishes") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        REQUIRE(migrate(box.folder(), {"up", "--db", "test.db", "--dir", SQLANE_MIGRATIONS, "--to", "2"}).code == 0);
        box.run(std::string{"PRAGMA journal_mode="} + journal);
        CHECK(StuckWinner{box}.end_with(SIGKILL) == 128 + SIGKILL);
        CHECK(applied_versions(box) == all_versions);
    }
}

TEST_CASE("processes: the winner is killed on a new file, and another one finishes") {
    const Sandbox box;
    CHECK(StuckWinner{box}.end_with(SIGKILL) == 128 + SIGKILL);
    CHECK(applied_versions(box) == all_versions);
}

TEST_CASE("processes: the winner is cancelled on a new file, and nobody works on a file that is gone") {
    const Sandbox box;
    CHECK(StuckWinner{box}.end_with(SIGINT) == 130);
    CHECK(applied_versions(box) == all_versions);
}

TEST_CASE("processes: who made the file and gave up waiting leaves it to the one that works on it") {
    for (int round = 0; round < support::rounds(30); ++round) {
        const Sandbox box;
        std::size_t well = 0;
        for (const auto& result : start_together(box, SQLANE_MIGRATIONS, {"--lock-timeout", "0"})) {
            CAPTURE(result.out);
            CHECK((result.code == 0 || result.code == 6));
            if (result.code == 0) ++well;
        }
        REQUIRE(well > 0);
        CHECK(applied_versions(box) == all_versions);
    }
}
