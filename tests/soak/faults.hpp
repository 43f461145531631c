#pragma once

#include "trial.hpp"

/// The trials in which the disk, the memory or the file itself fails. Each has a source file of its name.
namespace soak {

Trial power_cut();
Trial disk_faults();

}  // namespace soak
