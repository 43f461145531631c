#pragma once

#include "driver/results.hpp"

#include <ostream>
#include <string_view>

namespace bench {

/// The table of one workload: a block per scenario, a row per contender, the ratio to bare sqlite3 at the end.
void print_table(std::ostream& out, const Results& results, std::string_view workload, std::string_view title);

/// Each goal, and whether it is reached. True when all that were measured are.
bool print_goals(std::ostream& out, const Results& results);

}  // namespace bench
