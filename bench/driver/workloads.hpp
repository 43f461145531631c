#pragma once

#include "driver/context.hpp"

#include <span>
#include <string_view>

namespace bench {

struct Workload {
    std::string_view id;
    std::string_view title;
    void (*run)(Context& context);
};

[[nodiscard]] std::span<const Workload> workloads();

// One file each, named after it.
void point_reads(Context& context);
void durable_transactions(Context& context);
void slow_transactions(Context& context);
void quick_transactions(Context& context);
void log_growth(Context& context);
void window(Context& context);
void micro_costs(Context& context);
void import(Context& context);
void bills_of_materials(Context& context);
void opening(Context& context);
void growth(Context& context);

}  // namespace bench
