#pragma once

#include "demo_parts.hpp"

#include <sqlane/connection_manager.hpp>
#include <sqlane/stats.hpp>

#include <cstdint>
#include <exception>
#include <stop_token>
#include <string>
#include <vector>

namespace cli {

struct DemoSettings {
    int readers = 8;
    int writers = 4;
    double seconds = 1;
    std::string file;
};

/// What one thread did, and after it what all of them did.
struct DemoTally {
    std::uint64_t commits = 0;
    std::uint64_t undone = 0;
    std::uint64_t reads = 0;
    /// Calls that waited too long or found the line full: possible with the limits that the environment sets.
    std::uint64_t refused = 0;
    /// Snapshots in which the sequence and the parts disagreed.
    std::uint64_t torn = 0;
    /// Of the numbers that commits returned.
    std::int64_t sum = 0;
    std::exception_ptr failure;
};

struct DemoResult {
    DemoTally tally;
    double seconds = 0;
    sqlane::Stats stats;
    parts::Ledger ledger;
    std::vector<std::string> faults;
    std::string timeout_kind;
    std::string timeout_message;
};

/// Fills an empty database from many threads, checks what came of it, and lets one call wait for too long.
DemoResult run_demo_on(sqlane::ConnectionManager& db, const DemoSettings& settings, const std::stop_token& stop);

}  // namespace cli
