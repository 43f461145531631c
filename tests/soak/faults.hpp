#pragma once

#include "trial.hpp"

#include <string>
#include <vector>

/// The trials in which the disk, the memory or the file itself fails. Each has a source file of its name.
namespace soak {

Trial power_cut();
Trial disk_faults();
Trial memory_faults();
Trial log_reset();
Trial hostile_files();

int hostile_child(const std::vector<std::string>& arguments);
int memory_child(const std::vector<std::string>& arguments);

}  // namespace soak
