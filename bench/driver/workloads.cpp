#include "driver/workloads.hpp"

#include <array>

namespace bench {
namespace {

constexpr std::array all{
    Workload{"B1", "Point read by key, 100,000 rows", point_reads},
    Workload{"B2", "One-row transaction, synchronous=FULL", durable_transactions},
    Workload{"B2s", "One-row transaction, synchronous=FULL, each flush 5 ms slower", slow_transactions},
    Workload{"B3", "One-row transaction, synchronous=NORMAL", quick_transactions},
    Workload{"B4", "4 overlapping readers of 20 ms beside a busy writer", log_growth},
    Workload{"B5", "The window: 60 times a second, beside an import and 4 aggregations", window},
    Workload{"B6", "To be lent a handle and to give it back", micro_costs},
    Workload{"B7", "Import", import},
    Workload{"B8", "BOM of 10,000 lines", bills_of_materials},
    Workload{"B9", "Open an up-to-date database, first query", opening},
    Workload{"B10", "Growth with the number of parts", growth},
};

}  // namespace

std::span<const Workload> workloads() { return all; }

}  // namespace bench
