#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// Where and with what it was measured: name and value, for the head of a report. Read before the run, so that the load
/// is that of others.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> machine(const std::filesystem::path& folder);

/// Others compute too, and more than there are processors for.
[[nodiscard]] bool is_crowded();

}  // namespace bench
