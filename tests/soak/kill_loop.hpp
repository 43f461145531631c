#pragma once

#include "ledger_child.hpp"
#include "trial.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace soak {

/// A process writes, is killed in the middle, and another one looks at what is left; again and again on one file.
struct KillLoop {
    /// The n-th cycle is written by the n-th of them, and looked at by the one that follows it.
    std::vector<std::filesystem::path> programs;
    /// In turn. The bare controls know the first one only.
    std::vector<Load> loads{Load::transactions, Load::transactions, Load::checkpoints, Load::transactions,
                            Load::migrations,   Load::transactions, Load::checkpoints, Load::reopening};
    std::string writer = "write-ledger";
};
Outcome run_kill_loop(const Settings& settings, const KillLoop& loop, std::uint64_t cycles);

}  // namespace soak
