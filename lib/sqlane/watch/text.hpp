#pragma once

#include <sqlane/stats.hpp>

#include <chrono>
#include <source_location>
#include <string>
#include <vector>

/// The words in which reports are told.
namespace sqlane::detail {

/// "31.2 s", "4.1 ms", "250 µs".
std::string duration_text(std::chrono::nanoseconds duration);
std::string bytes_text(std::int64_t bytes);

/// "import.cpp:140 import_parts()".
std::string place_and_function(const std::source_location& at);

/// Lines "  held 31.2 s by import.cpp:140 …", one per holder.
std::string holders_text(const std::vector<Holder>& holders);
/// "  ahead of you: 2 (sync.cpp:88, 4.1 s; ui.cpp:31, 0.2 s)".
std::string ahead_text(const std::vector<Waiting>& waiting);

}  // namespace sqlane::detail
