#pragma once

#include <sqlane/stats.hpp>

namespace sqlane::detail {

Health assess(const Stats& stats, int max_waiters, bool closed);

}  // namespace sqlane::detail
