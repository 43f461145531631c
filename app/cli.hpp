#pragma once

#include <sqlane/options.hpp>

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own
class App;
}

/// What the commands share. Result on stdout, everything else on stderr; `--json` prints one object on stdout, on
/// failure too.
namespace cli {

/// Keeps the members in the order in which they were added.
using Json = nlohmann::ordered_json;

enum ExitCode : int { done = 0, failed = 1, usage = 2, cancelled = 130 };

/// A command as `main` knows it: the arguments have been read when `run` is called.
struct Command {
    CLI::App* app;
    std::function<int(bool json)> run;
};

Command doctor_command(CLI::App& app);
Command demo_command(CLI::App& app);
Command migrate_command(CLI::App& app);
Command part_command(CLI::App& app);
Command rev_command(CLI::App& app);
Command bom_command(CLI::App& app);
Command review_command(CLI::App& app);
Command approve_command(CLI::App& app);
Command workflow_command(CLI::App& app);
Command history_command(CLI::App& app);
Command user_command(CLI::App& app);
Command category_command(CLI::App& app);
Command completion_command(CLI::App& app);
Command man_command(CLI::App& app);

/// What the user typed or set cannot be used: ends with exit code 2.
class BadUsage : public std::runtime_error {
public:
    explicit BadUsage(const std::string& what, std::string advice = "See the command with --help.")
        : std::runtime_error(what), advice_(std::move(advice)) {}
    [[nodiscard]] const std::string& advice() const noexcept { return advice_; }

private:
    std::string advice_;
};

/// `base` with what the environment says, and the warnings of the library on stderr.
sqlane::Options options_from_environment(const sqlane::Options& base = {});
std::string sqlite_version();

/// What --db says, or else DATABASE_URL as other tools write it: sqlite:parts.db, sqlite:///home/me/parts.db.
std::string database_path(std::string named);
/// Asks, unless --yes was given; BadUsage when the answer is no or there is nobody to ask.
void require_consent(const std::string& question, bool given);
/// Who runs the program; empty when the system does not tell.
std::string system_user();

/// The class of the error, as the header names it: "Timeout".
std::string kind_of(const std::exception& error);
inline constexpr const char* restore_advice =
    "Restore a backup. Without one, save what can be read: sqlite3 FILE .recover | sqlite3 rescued.db";

/// What a person at the command line can do about it; empty when the message says it all.
std::string advice_for(const std::exception& error);
Json to_json(const std::exception& error);
/// In words on stderr or as JSON on stdout.
void tell(const std::exception& error, bool json);
/// It ended because the user pressed Ctrl-C.
bool is_cancelled(const std::exception& error);

void print(const Json& object);
void print_error(std::string_view kind, std::string_view message, std::string_view advice);

/// Ends what runs when the user presses Ctrl-C; a second Ctrl-C ends the program.
class StopOnInterrupt {
public:
    StopOnInterrupt();
    [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

private:
    std::stop_source source_;
    std::jthread watcher_;
};

/// A line on the terminal, when there is so much to do that a person would wonder.
void progress(std::string_view what, std::int64_t bytes_to_do);

bool stderr_is_terminal();
/// How long a line of stdout or stderr can be; nothing when it is no terminal.
std::optional<std::size_t> stdout_columns();
std::optional<std::size_t> stderr_columns();
bool stdout_shows_colour();

enum class Paint : std::uint8_t { bold, dim, good, bad };
/// Coloured when stdout is a terminal and NO_COLOR is not set.
std::string paint(Paint how, std::string_view text);

std::string number(std::uint64_t value);
std::string number(std::int64_t value);
std::string decimal(double value, int digits);
std::string percent(double part, double whole);
std::string duration(std::chrono::nanoseconds value);
std::string bytes(std::int64_t value);
/// "1 row", "2 rows".
std::string counted(std::uint64_t count, std::string_view noun);
/// What a file says must not steer the terminal: control characters become visible.
std::string printable(std::string_view text, bool several_lines = false);

/// Lines of cells with their columns aligned; a column is flush right when `alignment` has 'r' for it. On a terminal too
/// narrow for them, the widest columns of text are cut.
std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view alignment);

}  // namespace cli
