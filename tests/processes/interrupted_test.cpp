#include <doctest/doctest.h>

#include "processes/process.hpp"
#include "support/migration_kit.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <optional>
#include <regex>

// The promise: a run says how far it is, and Ctrl-C undoes all of it; nobody waits longer than allowed, and who has
// nothing to do needs neither the lock nor the right to write.

using namespace processes;
using support::contains;
using support::Sandbox;

namespace {

using Json = nlohmann::json;

constexpr int many_rows = support::sanitized ? 200'000 : 1'000'000;

void write_migration(const Sandbox& box, const std::string& name, const std::string& sql) {
    std::filesystem::create_directories(box.folder() / "migrations");
    support::write_file(box.folder() / "migrations" / name, sql);
}

/// At version 1, in use by nobody.
void make_small_database(const Sandbox& box) {
    write_migration(box, "0001_parts.sql",
                    "-- migrate:up\nCREATE TABLE Parts(x);\n-- migrate:down\nDROP TABLE Parts;\n");
    REQUIRE(migrate(box.folder(), {"up", "--db", "test.db"}).code == 0);
}

/// Statement 4 copies a million rows into two indexes, which makes it take its time.
void make_large_database(const Sandbox& box) {
    write_migration(box, "0001_parts.sql", "CREATE TABLE Parts(id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n");
    REQUIRE(migrate(box.folder(), {"up", "--db", "test.db"}).code == 0);
    box.run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(many_rows) +
            ") INSERT INTO Parts SELECT i, 'part ' || (i * 7919 % 1000003) FROM n");
    write_migration(box, "0002_rebuild.sql",
                    "CREATE TABLE Parts_new(id INTEGER PRIMARY KEY, name TEXT NOT NULL, mass REAL) STRICT;\n"
                    "CREATE INDEX ix_parts ON Parts_new(name);\n"
                    "CREATE INDEX ix_parts_back ON Parts_new(name DESC, id);\n"
                    "INSERT INTO Parts_new(id, name) SELECT id, name FROM Parts;\n"
                    "DROP TABLE Parts;\n"
                    "ALTER TABLE Parts_new RENAME TO Parts;\n");
}

/// "sqlane: 0002_rebuild.sql (1 of 1): statement 4 of 6, 42 %" gives 42.
std::optional<int> percent_in(const std::string& line, const std::string& what) {
    static const std::regex number{", ([0-9]+) %\n$"};
    std::smatch found;
    if (!contains(line, what) || !std::regex_search(line, found, number)) return std::nullopt;
    return std::stoi(found[1]);
}

std::vector<int> percentages(const std::string& text, const std::string& what) {
    std::vector<int> all;
    for (std::size_t start = 0; start < text.size();) {
        const auto end = text.find('\n', start) + 1;
        if (const auto percent = percent_in(text.substr(start, end - start), what)) all.push_back(*percent);
        start = end == 0 ? text.size() : end;
    }
    return all;
}

std::string join(const std::vector<int>& numbers) {
    std::string text;
    for (const int number : numbers) text += std::to_string(number) + " ";
    return text;
}

/// Rises from 0 to 100 and has been somewhere between.
void check_rising(const std::vector<int>& percent) {
    CAPTURE(join(percent));
    REQUIRE(percent.size() >= 2);
    CHECK(std::ranges::is_sorted(percent));
    CHECK(percent.back() == 100);
}

std::vector<std::string> command(const Sandbox& box, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "migrate");
    arguments.insert(arguments.end(), {"--db", box.file().string()});
    return arguments;
}

/// Of each file beside the migrations, its bytes. -shm is shared memory, and no part of the database.
std::map<std::string, std::string> bytes_in(const Sandbox& box) {
    std::map<std::string, std::string> bytes;
    for (const auto& name : box.names())
        if (name != "migrations" && !name.ends_with("-shm")) bytes[name] = support::content_of(box.folder() / name);
    return bytes;
}

/// As root may write everything: without that right, as everybody else.
void become_ordinary() {
    if (::geteuid() == 0 && ::setresgid(65534, 65534, 65534) == 0 && ::setresuid(65534, 65534, 65534) != 0)
        ::_exit(127);
}

}  // namespace

TEST_CASE("processes: the percentages of a copy rise and end at 100, on stderr alone") {
    const Sandbox box;
    make_large_database(box);
    const auto result = migrate(box.folder(), {"up", "--db", "test.db", "-v"});
    CAPTURE(result.err);
    CHECK(result.code == 0);
    const auto copied = percentages(result.err, "statement 4 of 6");
    check_rising(copied);
    CHECK(std::ranges::any_of(copied, [](int percent) { return percent > 10 && percent < 90; }));
    const auto backed_up = percentages(result.err, "copying the database");  // quick, so perhaps told of only once
    REQUIRE_FALSE(backed_up.empty());
    CHECK(backed_up.back() == 100);
    CHECK(contains(result.err, "sqlane: 0002_rebuild.sql: checking foreign keys\nsqlane: committing\n"));
    CHECK_FALSE(contains(result.out, "%"));
    CHECK(contains(result.out, "test.db is at 0002\n"));
    CHECK(box.value("SELECT count(*) FROM Parts") == std::to_string(many_rows));
}

TEST_CASE("processes: Ctrl-C in the middle of a copy undoes everything and ends with 130") {
    const Sandbox box;
    make_large_database(box);
    const auto before = bytes_in(box);
    for (const bool json : {false, true}) {
        CAPTURE(json);
        std::vector<std::string> arguments{"migrate", "up", "--db", "test.db", "-v"};
        if (json) arguments.emplace_back("--json");
        Process process{{.folder = box.folder(), .arguments = arguments}};
        std::optional<int> percent;
        while (!percent || *percent < 40) percent = percent_in(process.read_line(), "statement 4 of 6");
        REQUIRE(*percent < 100);
        process.send(SIGINT);
        const auto result = process.wait();
        CAPTURE(result.err);
        CHECK(result.code == 130);
        if (json) {
            const auto error = Json::parse(result.out).at("error");
            CHECK(error.at("problem") == "cancelled");
            CHECK(error.at("code") == "cancelled");
            CHECK(error.at("place").at("file") == "0002_rebuild.sql");
        } else {
            CHECK(result.out.empty());
            CHECK(contains(result.err, "sqlane: cancelled: 0002_rebuild.sql, statement "));
            CHECK(result.err.ends_with("\n  Nothing was changed.\n"));
        }
        CHECK(bytes_in(box) == before);
    }
}

TEST_CASE("processes: Ctrl-C while waiting for another process ends with 130 at once") {
    const Sandbox box;
    make_small_database(box);
    write_migration(box, "0002_users.sql", "CREATE TABLE Users(x);\n");
    support::Raw other{box.file()};
    for (const char* begin : {"BEGIN IMMEDIATE", "BEGIN EXCLUSIVE"}) {  // as who writes, and as who commits
        CAPTURE(begin);
        other.run(begin);
        Process process{{.folder = box.folder(), .arguments = command(box, {"up", "-v", "--lock-timeout", "3600"})}};
        process.read_until("sqlane: waiting for another process (");
        process.send(SIGINT);
        CHECK(process.wait().code == 130);
        other.run("ROLLBACK");
    }
    CHECK(box.value("SELECT count(*) FROM _schema_migrations") == "1");
}

TEST_CASE("processes: who waits longer than --lock-timeout ends with 6 and says how long it waited") {
    const Sandbox box;
    make_small_database(box);
    write_migration(box, "0002_users.sql", "CREATE TABLE Users(x);\n");
    support::Raw other{box.file()};
    const auto copy = box.folder() / "copy.db";
    REQUIRE(other.attempt("VACUUM INTO '" + copy.string() + "'") == SQLITE_OK);
    const auto check = [&](std::vector<std::string> arguments) {
        CAPTURE(arguments.front());
        arguments.insert(arguments.end(), {"--lock-timeout", "0.2"});
        auto all = command(box, arguments);
        const auto text = Process{{.folder = box.folder(), .arguments = all}}.wait();
        CHECK(text.code == 6);
        CHECK(text.out.empty());
        CHECK(text.err == "sqlane: busy: another process kept " + box.file().string() +
                              " locked; gave up after waiting 0.2 s\n"
                              "  Close the program that uses it, or wait longer: --lock-timeout SECONDS.\n");
        if (all[1] != "up" && all[1] != "status") return;
        all.emplace_back("--json");
        const auto json = Process{{.folder = box.folder(), .arguments = all}}.wait();
        CHECK(json.code == 6);
        CHECK(json.err.empty());
        const auto error = Json::parse(json.out).at("error");
        CHECK(error.at("problem") == "busy");
        CHECK(error.at("code") == "busy");
        CHECK(contains(error.at("message").get<std::string>(), "0.2 s"));
    };
    other.run("BEGIN IMMEDIATE");
    check({"up"});
    check({"down", "--yes"});
    check({"redo", "--yes"});
    check({"restore", copy.string(), "--yes"});
    CHECK(support::files_with(box.folder(), ".before-restore-").empty());
    other.run("ROLLBACK");
    // Nobody may even read.
    other.run("BEGIN EXCLUSIVE");
    for (const char* verb : {"up", "status", "validate", "drift", "dump", "backup"}) check({verb});
    other.run("ROLLBACK");
    CHECK(box.value("SELECT count(*) FROM _schema_migrations") == "1");
}

TEST_CASE("processes: with nothing to do no lock is taken and no byte written, while another process writes") {
    for (const char* journal : {"DELETE", "WAL"}) {
        CAPTURE(journal);
        const Sandbox box;
        make_small_database(box);
        support::Raw other{box.file()};
        other.run(std::string{"PRAGMA journal_mode="} + journal);
        other.run("INSERT INTO Parts VALUES (1)");
        other.run("BEGIN IMMEDIATE");
        other.run("INSERT INTO Parts VALUES (2)");
        // Read by a process of its own: closing the file would drop this one's locks on it.
        const auto state = [&] {
            Pipe hash;
            auto reader = fork_child([&] {
                std::size_t sum = 0;
                for (const auto& [name, bytes] : bytes_in(box)) sum = sum * 31 + std::hash<std::string>{}(name + bytes);
                return ::write(hash.writing(), &sum, sizeof sum) == sizeof sum ? 0 : 1;
            });
            std::size_t sum = 0;
            REQUIRE(reader.wait() == 0);
            REQUIRE(::read(hash.reading(), &sum, sizeof sum) == sizeof sum);
            return sum;
        };
        const auto names = box.names();
        const auto before = state();
        for (const auto& arguments : std::vector<std::vector<std::string>>{
                 {"up"}, {"up", "--dry-run"}, {"status"}, {"validate"}, {"drift"}, {"dump"}}) {
            CAPTURE(arguments.back());
            const auto result = Process{{.folder = box.folder(), .arguments = command(box, arguments)}}.wait();
            CAPTURE(result.err);
            CHECK(result.code == 0);
            CHECK(result.err.empty());
            CHECK(state() == before);
            CHECK(box.names() == names);
        }
        other.run("COMMIT");
    }
}

TEST_CASE("processes: who may not write may run what writes nothing, and up when there is nothing to do") {
    const Sandbox box;
    make_small_database(box);
    namespace fs = std::filesystem;
    fs::permissions(box.folder(), fs::perms{0555});
    fs::permissions(box.folder().parent_path(), fs::perms{0755});
    fs::permissions(box.folder() / "migrations", fs::perms{0755});
    fs::permissions(box.file(), fs::perms{0444});
    const auto run = [&](const std::vector<std::string>& arguments) {
        return Process{{.folder = box.folder(), .arguments = command(box, arguments), .prepare = become_ordinary}}
            .wait();
    };
    const auto before = bytes_in(box);
    const auto probe = run({"status"});
    if (probe.code == 127) {
        MESSAGE("skipped: another user cannot start the program here");
        return;
    }
    for (const char* verb : {"up", "status", "validate", "drift", "dump"}) {
        const auto result = run({verb});
        CAPTURE(result.err);
        CHECK(result.code == 0);
    }
    fs::permissions(box.folder(), fs::perms{0755});
    write_migration(box, "0002_users.sql", "CREATE TABLE Users(x);\n");
    const auto refused = run({"up"});
    CHECK(refused.code == 8);
    CHECK(contains(refused.err, "check the rights of the file and of its folder"));
    CHECK(run({"backup"}).code == 8);
    CHECK(run({"up", "--rehearse"}).code == 8);
    CHECK(bytes_in(box) == before);
}

TEST_CASE("processes: cancelled while the copy is made, nothing of it stays") {
    const Sandbox box;
    make_small_database(box);
    box.run("INSERT INTO Parts VALUES (zeroblob(20000000))");
    std::stop_source stop;
    sqlane::MigrationOptions options;
    options.stop = stop.get_token();
    int percent = -1;
    options.on_progress = [&](const sqlane::MigrationProgress& progress) {
        if (progress.step == sqlane::MigrationProgress::Step::backup) percent = progress.percent;
        stop.request_stop();
    };
    const std::vector<support::File> files{
        {"0001_parts.sql", support::content_of(box.folder() / "migrations" / "0001_parts.sql")},
        {"0002_users.sql", "CREATE TABLE Users(x);\n"}};
    CHECK(support::migration_error([&] { box.up(files, options); }).problem() == sqlane::MigrationProblem::cancelled);
    CHECK(percent >= 0);
    CHECK(percent < 100);
    CHECK(box.names() == std::vector<std::string>{"migrations", "test.db"});
}

TEST_CASE("processes: a run that took longer than the lock timeout still waits for a reader at its end") {
    using Step = sqlane::MigrationProgress::Step;
    const Sandbox box;
    box.run("CREATE TABLE Parts(x)");
    std::optional<support::Raw> reader;
    sqlane::MigrationOptions options = support::without_backup();
    options.lock_timeout = std::chrono::milliseconds{300};
    bool waited = false;
    options.on_progress = [&](const sqlane::MigrationProgress& progress) {
        if (progress.step == Step::commit) {
            const auto end = support::Clock::now() + options.lock_timeout;
            while (support::Clock::now() < end) {
            }  // the time that a large copy takes
            reader.emplace(box.file()).run("BEGIN; SELECT * FROM Parts");
        }
        if (progress.step != Step::waiting) return;
        waited = true;
        reader->run("COMMIT");
    };
    box.up({{"0001_users.sql", "CREATE TABLE Users(x);\n"}}, options);
    CHECK(waited);
    reader.reset();
    CHECK(box.value("SELECT count(*) FROM _schema_migrations") == "1");
}
