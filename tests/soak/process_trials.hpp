#pragma once

#include "trial.hpp"

/// The trials that need processes of their own: killed, stopped, or beside each other on one file.
namespace soak {

Trial killed_trial();
Trial bank_trial();
Trial history_trial();
Trial neighbour_trial();
Trial soak_trial();
Trial two_versions_trial();
Trial stopped_trial();

// Children.
int write_ledger_bare(const std::vector<std::string>& arguments);
int write_ledger_early(const std::vector<std::string>& arguments);
int print_sqlite_version(const std::vector<std::string>& arguments);

}  // namespace soak
