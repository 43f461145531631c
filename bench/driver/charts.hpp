#pragma once

#include "driver/results.hpp"

#include <filesystem>

namespace bench {

/// One chart per workload, and `overview.svg` for the README. They have no background, and colours that can be read on
/// white and on black.
void draw_charts(const Results& results, const std::filesystem::path& folder);

}  // namespace bench
