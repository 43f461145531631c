#include "cli.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#if defined(_WIN32)
#include <io.h>
#else
#include <pwd.h>
#include <sys/ioctl.h>
#include <unistd.h>
#endif

/// What only the operating system knows.
namespace cli {
namespace {

bool is_terminal(int stream) {
#if defined(_WIN32)
    return ::_isatty(stream) != 0;
#else
    return ::isatty(stream) != 0;
#endif
}

/// The last column stays free: some terminals begin a new line as soon as it is written.
std::optional<std::size_t> columns(int stream) {
    constexpr std::size_t usual = 79;
    if (!is_terminal(stream)) return {};
#if !defined(_WIN32)
    winsize size{};
    if (::ioctl(stream, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) return size.ws_col - std::size_t{1};
#endif
    return usual;
}

/// https://no-color.org: set and not empty, whatever it says.
bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

bool understands_colour() {
#if defined(_WIN32)
    return is_set("WT_SESSION");  // the older console prints the escape sequences
#else
    const char* term = std::getenv("TERM");
    return term != nullptr && std::string_view{term} != "dumb" && *term != '\0';
#endif
}

}  // namespace

std::optional<std::size_t> stdout_columns() { return columns(1); }

std::optional<std::size_t> stderr_columns() { return columns(2); }

std::string system_user() {
#if defined(_WIN32)
    const char* name = std::getenv("USERNAME");
    return name == nullptr ? "" : name;
#else
    std::array<char, 4096> buffer{};
    passwd entry{};
    passwd* found = nullptr;
    ::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found);
    return found == nullptr ? "" : found->pw_name;
#endif
}

bool stderr_is_terminal() { return is_terminal(2); }

bool stdout_shows_colour() { return is_terminal(1) && !is_set("NO_COLOR") && understands_colour(); }

}  // namespace cli
