#include "cli.hpp"

#include <cstdio>
#include <cstdlib>
#include <string_view>

#if defined(_WIN32)
#include <io.h>
#else
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

bool stderr_is_terminal() { return is_terminal(2); }

bool stdout_shows_colour() { return is_terminal(1) && !is_set("NO_COLOR") && understands_colour(); }

}  // namespace cli
