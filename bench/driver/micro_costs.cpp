#include "driver/program.hpp"
#include "driver/workloads.hpp"

#include <algorithm>
#include <iostream>

namespace bench {
namespace {

/// "empty_execute/real_time/threads:8" becomes "empty execute, 8 threads".
std::string scenario_of(const std::string& name, int threads) {
    auto words = name.substr(0, name.find('/'));
    std::ranges::replace(words, '_', ' ');
    return words + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

void take_over(Context& context, const Json& report) {
    for (const auto& one : report.at("benchmarks")) {
        if (one.value("run_type", "") != "iteration") continue;
        if (one.value("error_occurred", false))
            context.results.complain("B6: " + one.value("error_message", "an error"));
        else
            context.results.add("B6", scenario_of(one.at("name"), one.at("threads")), ours, "time_ns",
                                one.at("real_time"));
    }
}

}  // namespace

void micro_costs(Context& context) {
    const auto program = folder_of_programs() / "sqlane_bench_micro";
    if (!std::filesystem::exists(program)) {
        std::cout << "B6 is left out: Google Benchmark was not there when this was built (libbenchmark-dev)\n";
        return;
    }
    const auto json = context.files.none("micro.json");
    run_program({program.string(), "--benchmark_out=" + json.string(), "--benchmark_out_format=json",
                 "--benchmark_repetitions=" + std::to_string(context.settings.rounds),
                 std::string{"--benchmark_min_time="} + (context.settings.quick ? "0.05" : "0.5")},
                {}, Output::hidden);
    take_over(context, read_json(json));
}

}  // namespace bench
