#include "cli.hpp"

#include <sqlane/sqlane.hpp>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <utility>

namespace cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may write nothing else");

extern "C" void on_interrupt(int /*signal*/) {
    interrupted.store(true);
    std::signal(SIGINT, SIG_DFL);
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

std::string database_path(std::string named) {
    if (named.empty())
        if (const char* url = std::getenv("DATABASE_URL")) named = url;
    constexpr std::string_view scheme = "sqlite:";
    if (named.starts_with(scheme)) named.erase(0, named.starts_with("sqlite://") ? scheme.size() + 2 : scheme.size());
    if (named.empty()) throw BadUsage{"no database was named", "Name it: --db FILE, or in the variable DATABASE_URL."};
    return named;
}

void require_consent(const std::string& question, bool given) {
    if (given) return;
    if (!stderr_is_terminal())
        throw BadUsage{"there is no terminal to ask at: " + question, "Say that it is meant: --yes."};
    std::cerr << printable(question) << " [y/N] ";
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "y" && answer != "Y" && answer != "yes") throw BadUsage{"not confirmed", "Nothing was done."};
}

std::string sqlite_version() {
    auto db = sqlane::ConnectionManager::in_memory({.upkeep_thread = false});
    return db.execute([](sqlane::Reader& r) { return r.one<std::string>("SELECT sqlite_version()"); });
}

/// Paths and names need not be UTF-8; JSON must be.
void print(const Json& object) { std::cout << object.dump(2, ' ', false, Json::error_handler_t::replace) << '\n'; }

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

}  // namespace cli
