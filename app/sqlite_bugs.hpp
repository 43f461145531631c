#pragma once

#include <array>
#include <string>

namespace cli {

/// A fault of the SQLite library that sqlane works around.
struct SqliteBug {
    const char* name;
    const char* harm;
    const char* fixed_in;
    const char* workaround;
    bool present;
};

/// The two that lose committed data, judged by the version of the library: "3.40.1".
std::array<SqliteBug, 2> sqlite_bugs(const std::string& version_text);

}  // namespace cli
