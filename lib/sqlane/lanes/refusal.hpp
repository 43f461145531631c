#pragma once

#include "lanes/lane.hpp"

#include <sqlane/stats.hpp>

namespace sqlane::detail {

/// Throws what the caller of a verb sees: Timeout, Saturated, Cancelled, Closed or Deadlock, with the numbers of that
/// moment. `report` is of the whole manager, taken just after.
[[noreturn]] void throw_refusal(Refusal refusal, Report report, const Request& request);

}  // namespace sqlane::detail
