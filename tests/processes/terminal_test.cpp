#include <doctest/doctest.h>

#include "processes/process.hpp"
#include "support/migration_kit.hpp"

// The promise: on a terminal a person sees one line that tells how far a run is, then the result and nothing else; and
// is asked before anything is undone.

using namespace processes;
using support::contains;
using support::Sandbox;

namespace {

constexpr std::string_view escape = "\x1b[";

void make_database(const Sandbox& box) {
    std::filesystem::create_directories(box.folder() / "migrations");
    support::write_file(box.folder() / "migrations" / "0001_parts.sql",
                        "-- migrate:up\nCREATE TABLE Parts(x);\n-- migrate:down\nDROP TABLE Parts;\n");
    REQUIRE(migrate(box.folder(), {"up", "--db", "test.db"}).code == 0);
}

Process::Settings on_terminal(const Sandbox& box, std::vector<std::string> arguments, const char* no_colour = nullptr) {
    arguments.insert(arguments.begin(), "migrate");
    arguments.insert(arguments.end(), {"--db", "test.db"});
    return {.folder = box.folder(), .arguments = std::move(arguments), .terminal = true, .prepare = [no_colour] {
                ::setenv("TERM", "xterm", 1);
                no_colour != nullptr ? ::setenv("NO_COLOR", no_colour, 1) : ::unsetenv("NO_COLOR");
            }};
}

/// What is left to see of what was written, where "\r" goes back to the start of the line.
std::string screen(const std::string& written) {
    std::string shown;
    std::string line;
    std::size_t at = 0;
    const auto end_line = [&] {
        shown += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
        line.clear();
        at = 0;
    };
    for (const char c : written) {
        if (c == '\n') {
            end_line();
        } else if (c == '\r') {
            at = 0;
        } else {
            if (at == line.size()) line += ' ';
            line[at++] = c;
        }
    }
    end_line();
    return shown;
}

/// What was drawn over the same line, one after the other.
std::vector<std::string> drawings(const std::string& written) {
    std::vector<std::string> all;
    for (std::size_t start = written.find('\r'); start != std::string::npos;) {
        const auto end = written.find('\r', start + 1);
        const auto text = written.substr(start + 1, end == std::string::npos ? end : end - start - 1);
        all.push_back(text.substr(0, text.find_last_not_of(' ') + 1));
        start = end;
    }
    return all;
}

}  // namespace

TEST_CASE("processes: on a terminal one line tells how far a run is, and is gone when the result comes") {
    const Sandbox box;
    make_database(box);
    support::write_file(box.folder() / "migrations" / "0002_a_name_that_is_longer_than_most_of_the_others_are.sql",
                        "CREATE TABLE Users(x);\n");
    support::Raw other{box.file()};
    other.run("BEGIN IMMEDIATE");
    Process process{on_terminal(box, {"up"}, "1")};
    auto written = process.read_until("waiting for another process (");
    other.run("ROLLBACK");
    written += process.read_until("test.db is at 0002");
    const auto result = process.wait();
    CHECK(result.code == 0);
    CAPTURE(result.err);

    const auto lines = drawings(result.err);
    REQUIRE(lines.size() >= 4);
    CHECK(contains(result.err, "\r[....................]   0 %  0002_a_name"));
    CHECK(contains(result.err, "\r[####################] 100 %  0002_a_name"));
    for (std::size_t i = 0; i + 1 < lines.size(); ++i) {
        CAPTURE(lines[i]);
        CHECK(lines[i].size() <= 79);                             // a line that wraps would not be drawn over
        if (i + 2 < lines.size()) CHECK_FALSE(lines[i].empty());  // wiped only at the end: no flicker
        CHECK(lines[i] != lines[i + 1]);
    }
    const auto seen = screen(result.err);
    CHECK(seen.starts_with("  0002_a_name_that_is_longer_than_most_of_the_others_are  applied  "));
    CHECK_FALSE(contains(seen, "#"));
    CHECK_FALSE(contains(seen, "waiting"));
    CHECK_FALSE(contains(seen, "committing"));
}

TEST_CASE("processes: what is over in a moment draws no bar") {
    const Sandbox box;
    make_database(box);
    using namespace std::chrono_literals;
    for (int attempt = 0; attempt < 10; ++attempt) {
        const auto start = support::Clock::now();
        const auto result = Process{on_terminal(box, {"redo", "--yes", "--no-backup"}, "1")}.wait();
        CHECK(result.code == 0);
        if (support::Clock::now() - start > 300ms) continue;  // on a busy machine it is not over in a moment
        CHECK_FALSE(contains(result.err, "\r"));
    }
}

TEST_CASE("processes: colour on a terminal, and none with NO_COLOR") {
    const Sandbox box;
    make_database(box);
    for (const char* verb : {"up", "status"}) {
        CAPTURE(verb);
        const auto coloured = Process{on_terminal(box, {verb})}.wait();
        CHECK(coloured.code == 0);
        CHECK(contains(coloured.err, escape));
        CHECK_FALSE(contains(Process{on_terminal(box, {verb}, "1")}.wait().err, escape));
        CHECK(contains(Process{on_terminal(box, {verb}, "")}.wait().err, escape));  // set, but empty
        CHECK_FALSE(contains(migrate(box.folder(), {verb, "--db", "test.db"}).out, escape));
    }
}

TEST_CASE("processes: on a terminal a person is asked before anything is undone") {
    const Sandbox box;
    make_database(box);
    for (const char* answer : {"n\n", "\n", "\x04"}) {
        Process process{on_terminal(box, {"down", "--no-backup"}, "1")};
        process.read_until("undo 1 migration of test.db? [y/N] ");
        process.type(answer);
        const auto result = process.wait();
        CAPTURE(result.err);
        CHECK(result.code == 2);
        CHECK(contains(result.err, "not confirmed"));
        CHECK(box.value("SELECT count(*) FROM _schema_migrations") == "1");
    }
    Process process{on_terminal(box, {"down", "--no-backup"}, "1")};
    process.read_until("undo 1 migration of test.db? [y/N] ");
    process.type("y\n");
    CHECK(process.wait().code == 0);
    CHECK(box.value("SELECT count(*) FROM _schema_migrations") == "0");
}
