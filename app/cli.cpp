#include "cli.hpp"

#include <sqlane/sqlane.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <utility>

namespace cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may write nothing else");

extern "C" void on_interrupt(int /*signal*/) {
    interrupted.store(true);
    std::signal(SIGINT, SIG_DFL);
}

template <class T>
bool is(const std::exception* error) {
    return dynamic_cast<const T*>(error) != nullptr;
}

struct Kind {
    const char* name;
    bool (*matches)(const std::exception*);
    const char* advice;
};

constexpr const char* give_time =
    "Close the program that holds the file, or allow more time, as in SQLANE_POOL_TIMEOUT=2m.";
/// A class before its base.
constexpr std::array<Kind, 16> kinds{{
    {"UsageError", is<BadUsage>, ""},
    {"Timeout", is<sqlane::Timeout>, give_time},
    {"Saturated", is<sqlane::Saturated>, "Allow more callers to wait, as in SQLANE_POOL_QUEUE=1000."},
    {"Busy", is<sqlane::Busy>, give_time},
    {"Deadlock", is<sqlane::Deadlock>, ""},
    {"UsageError", is<sqlane::UsageError>, ""},
    {"Cancelled", is<sqlane::Cancelled>, "Run the command again."},
    {"ConstraintError", is<sqlane::ConstraintError>, ""},
    {"NotFound", is<sqlane::NotFound>, ""},
    {"TypeError", is<sqlane::TypeError>, ""},
    {"CorruptError", is<sqlane::CorruptError>, restore_advice},
    {"StorageError", is<sqlane::StorageError>,
     "Check the path, the rights of the file and of its folder, and the space on the disk."},
    {"Closed", is<sqlane::Closed>, ""},
    {"Aborted", is<sqlane::Aborted>, "Run the command again."},
    {"Error", is<sqlane::Error>, ""},
    {"InternalError", is<std::exception>, "This is a fault of sqlane: please report it with the command."},
}};

const Kind& find_kind(const std::exception& error) {
    return *std::ranges::find_if(kinds, [&](const Kind& kind) { return kind.matches(&error); });
}

/// https://www.sqlite.org/rescode.html#notadb
bool is_not_a_database(const std::exception& error) {
    const auto* ours = dynamic_cast<const sqlane::Error*>(&error);
    return ours != nullptr && (ours->sqlite_code() & 0xff) == 26;
}

void print_warning(const sqlane::Warning& warning) {
    std::cerr << "sqlane: warning (" << sqlane::to_string(warning.kind) << "): " << printable(warning.message, true)
              << '\n';
}

std::string with_thousands(std::string digits) {
    for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
        digits.insert(static_cast<std::size_t>(at), ",");
    return digits;
}

std::string with_unit(double value, const char* unit) { return decimal(value, value < 10 ? 1 : 0) + " " + unit; }

/// Continuation bytes of UTF-8 take no place of their own on the screen.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::vector<std::size_t> column_widths(const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    return widths;
}

std::string hexadecimal(unsigned char c) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "\\x%02x", static_cast<unsigned>(c));
    return text.data();
}

/// The second byte of U+0080 to U+009F, which some terminals obey as they do ESC.
bool is_c1(std::string_view text, std::size_t at) {
    return text[at] == '\xC2' && at + 1 < text.size() && static_cast<unsigned char>(text[at + 1]) < 0xA0;
}

}  // namespace

sqlane::Options options_from_environment(const sqlane::Options& base) {
    try {
        auto options = sqlane::Options::from_env(base);
        options.on_warning = print_warning;
        return options;
    } catch (const sqlane::UsageError& error) {
        throw BadUsage{error.what(), "Correct the environment variable, or unset it."};
    }
}

std::string sqlite_version() {
    auto db = sqlane::ConnectionManager::in_memory({.upkeep_thread = false});
    return db.execute([](sqlane::Reader& r) { return r.one<std::string>("SELECT sqlite_version()"); });
}

std::string kind_of(const std::exception& error) { return find_kind(error).name; }

std::string advice_for(const std::exception& error) {
    if (const auto* usage_error = dynamic_cast<const BadUsage*>(&error)) return usage_error->advice();
    if (is_not_a_database(error)) return "Name a SQLite database. If this one is encrypted, sqlane cannot read it.";
    return find_kind(error).advice;
}

Json to_json(const std::exception& error) {
    Json object{{"kind", kind_of(error)}, {"message", error.what()}};
    if (const auto advice = advice_for(error); !advice.empty()) object["advice"] = advice;
    if (const auto* ours = dynamic_cast<const sqlane::Error*>(&error); ours != nullptr && ours->sqlite_code() != 0)
        object["sqlite_code"] = ours->sqlite_code();
    return object;
}

/// Paths and names need not be UTF-8; JSON must be.
void print(const Json& object) { std::cout << object.dump(2, ' ', false, Json::error_handler_t::replace) << '\n'; }

void print_error(std::string_view kind, std::string_view message, std::string_view advice) {
    std::cerr << "sqlane: " << kind << ": " << printable(message, true) << '\n';
    if (!advice.empty()) std::cerr << "  " << advice << '\n';
}

void progress(std::string_view what, std::int64_t bytes_to_do) {
    constexpr std::int64_t done_in_a_moment = std::int64_t{256} << 20;
    if (bytes_to_do > done_in_a_moment && stderr_is_terminal()) std::cerr << "sqlane: " << what << " ...\n";
}

StopOnInterrupt::StopOnInterrupt()
    : watcher_([this](const std::stop_token& ended) {
          // A handler may only set a flag, so somebody has to look at it.
          while (!ended.stop_requested() && !interrupted.load())
              std::this_thread::sleep_for(std::chrono::milliseconds{20});
          if (interrupted.load()) source_.request_stop();
      }) {
    std::signal(SIGINT, on_interrupt);
}

std::string paint(Paint how, std::string_view text) {
    constexpr std::array<const char*, 4> codes{"\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m"};
    static const bool coloured = stdout_shows_colour();
    if (!coloured) return std::string{text};
    return codes.at(static_cast<std::size_t>(how)) + std::string{text} + "\x1b[0m";
}

std::string number(std::uint64_t value) { return with_thousands(std::to_string(value)); }

std::string number(std::int64_t value) {
    if (value >= 0) return number(static_cast<std::uint64_t>(value));
    return "-" + number(~static_cast<std::uint64_t>(value) + 1);
}

std::string decimal(double value, int digits) {
    std::array<char, 400> text{};
    std::snprintf(text.data(), text.size(), "%.*f", digits, value);
    return text.data();
}

std::string percent(double part, double whole) { return decimal(whole > 0 ? 100 * part / whole : 0, 1) + " %"; }

std::string duration(std::chrono::nanoseconds value) {
    if (value.count() == 0) return "0";
    const auto nanoseconds = static_cast<double>(value.count());
    if (nanoseconds < 1e3) return with_unit(nanoseconds, "ns");
    if (nanoseconds < 1e6) return with_unit(nanoseconds / 1e3, "µs");
    if (nanoseconds < 1e9) return with_unit(nanoseconds / 1e6, "ms");
    return decimal(nanoseconds / 1e9, 1) + " s";
}

std::string bytes(std::int64_t value) {
    constexpr std::array<const char*, 5> units{"bytes", "KiB", "MiB", "GiB", "TiB"};
    auto amount = static_cast<double>(value);
    std::size_t unit = 0;
    for (; amount >= 1024 && unit + 1 < units.size(); ++unit) amount /= 1024;
    return decimal(amount, unit == 0 ? 0 : 1) + " " + units.at(unit);
}

std::string counted(std::uint64_t count, std::string_view noun) {
    return number(count) + " " + std::string{noun} + (count == 1 ? "" : "s");
}

std::string printable(std::string_view text, bool several_lines) {
    std::string shown;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto c = static_cast<unsigned char>(text[at]);
        const bool controls = (c < 0x20 && (c != '\n' || !several_lines)) || c == 0x7f || is_c1(text, at);
        shown += controls ? hexadecimal(c) : std::string{text[at]};
    }
    return shown;
}

std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view alignment) {
    const auto widths = column_widths(rows);
    std::string lines;
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            const std::string space(widths[i] - width(row[i]), ' ');
            const bool right = i < alignment.size() && alignment[i] == 'r';
            line += "  " + (right ? space + row[i] : row[i] + space);
        }
        lines += line.erase(line.find_last_not_of(' ') + 1) + "\n";
    }
    return lines;
}

}  // namespace cli
