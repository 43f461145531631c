#pragma once

#include <sqlane/stats.hpp>

namespace sqlane::detail {

Health assess(const Stats& stats, bool closed);

}  // namespace sqlane::detail
