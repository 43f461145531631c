#pragma once

#include "driver/results.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace bench {

/// Where this program stands, and what was built with it.
[[nodiscard]] std::filesystem::path folder_of_programs();

enum class Output : std::uint8_t { shown, hidden };

/// Runs a program to its end, with one more variable ("NAME=value") or none. Throws when it fails.
void run_program(const std::vector<std::string>& arguments, const std::string& variable = {},
                 Output output = Output::shown);

[[nodiscard]] Json read_json(const std::filesystem::path& file);

}  // namespace bench
