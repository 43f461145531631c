#pragma once

#include "demo_product.hpp"

#include <plm/history_manager.hpp>

#include <sqlane/connection_manager.hpp>
#include <sqlane/stats.hpp>

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace cli {

struct DemoSettings {
    int readers = 4;
    int writers = 4;
    int parts = 1000;
    std::string file;
};

struct DemoResult {
    product::Shape shape;
    double seconds_building = 0;
    double seconds_releasing = 0;
    std::uint64_t undone = 0;
    std::uint64_t reads = 0;
    /// Calls that waited too long or found the line full, and were made again: possible with limits from the environment.
    std::uint64_t refused = 0;
    /// Snapshots that held half of a transaction.
    std::uint64_t torn = 0;
    std::string product;
    /// What the product's revision went through.
    std::vector<plm::HistoryEntry> moves;
    sqlane::Stats stats;
    std::vector<std::string> faults;
    std::string timeout_kind;
    std::string timeout_message;
};

/// Builds the product in an empty database from many threads, releases it from the bottom up, checks what came of it, and
/// lets one call wait for too long.
DemoResult run_demo_on(sqlane::ConnectionManager& db, const DemoSettings& settings, const std::stop_token& stop);

}  // namespace cli
