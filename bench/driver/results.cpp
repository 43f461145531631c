#include "driver/results.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <utility>

namespace bench {
namespace {

using Better = Metric::Better;
using Fold = Metric::Fold;

constexpr std::array known{
    Metric{"per_second", "per second", Better::higher},
    Metric{"rows_per_second", "rows/s", Better::higher},
    Metric{"time_us", "µs", Better::lower},
    Metric{"time_ns", "ns", Better::lower},
    Metric{"p50_us", "p50 µs", Better::lower},
    Metric{"p99_us", "p99 µs", Better::lower},
    Metric{"p50_ms", "p50 ms", Better::lower},
    Metric{"p99_ms", "p99 ms", Better::lower},
    Metric{"worst_ms", "worst ms", Better::lower, Fold::highest},
    Metric{"wal_mb", "WAL MB", Better::lower, Fold::highest},
    Metric{"reader_wait_ms", "longest reader wait ms", Better::lower, Fold::highest},
    Metric{"fairness", "slowest/mean", Better::higher},
    Metric{"flushes", "flushes per commit", Better::neither},
    Metric{"frames", "frames", Better::neither},
    Metric{"missed", "frames missed", Better::lower, Fold::highest},
    Metric{"writes_per_second", "writes/s", Better::higher},
    Metric{"factor", "factor", Better::lower},
    Metric{"aggregations_per_second", "aggregations/s", Better::higher},
};

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const auto middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

template <class Read>
std::vector<std::string> distinct(const std::vector<Series>& all, Read read) {
    std::vector<std::string> found;
    for (const auto& series : all) {
        const std::string* value = read(series);
        if (value != nullptr && std::ranges::find(found, *value) == found.end()) found.push_back(*value);
    }
    return found;
}

}  // namespace

const Metric& metric(std::string_view name) {
    const auto* const found = std::ranges::find(known, name, &Metric::name);
    if (found == known.end()) throw std::logic_error{"no metric " + std::string{name}};
    return *found;
}

double Series::folded() const {
    switch (bench::metric(metric).fold) {
        case Fold::highest: return std::ranges::max(values);
        case Fold::lowest: return std::ranges::min(values);
        case Fold::median: break;
    }
    return median(values);
}

void Results::add(std::string_view workload, std::string_view scenario, std::string_view contender,
                  std::string_view metric, double value) {
    static_cast<void>(bench::metric(metric));
    const auto same = [&](const Series& series) {
        return series.workload == workload && series.scenario == scenario && series.contender == contender &&
               series.metric == metric;
    };
    auto found = std::ranges::find_if(all_, same);
    if (found == all_.end()) {
        all_.push_back({std::string{workload}, std::string{scenario}, std::string{contender}, std::string{metric}, {}});
        found = all_.end() - 1;
    }
    found->values.push_back(value);
}

void Results::complain(std::string text) {
    if (std::ranges::find(complaints_, text) == complaints_.end()) complaints_.push_back(std::move(text));
}

std::optional<double> Results::find(std::string_view workload, std::string_view scenario, std::string_view contender,
                                    std::string_view metric) const {
    for (const auto& series : all_)
        if (series.workload == workload && series.scenario == scenario && series.contender == contender &&
            series.metric == metric)
            return series.folded();
    return std::nullopt;
}

std::vector<std::string> Results::workloads() const {
    return distinct(all_, [](const Series& series) { return &series.workload; });
}

std::vector<std::string> Results::scenarios(std::string_view workload) const {
    return distinct(all_, [&](const Series& s) { return s.workload == workload ? &s.scenario : nullptr; });
}

std::vector<std::string> Results::contenders(std::string_view workload) const {
    return distinct(all_, [&](const Series& s) { return s.workload == workload ? &s.contender : nullptr; });
}

std::vector<std::string> Results::metrics(std::string_view workload) const {
    return distinct(all_, [&](const Series& s) { return s.workload == workload ? &s.metric : nullptr; });
}

Json Results::to_json() const {
    auto series = Json::array();
    for (const auto& one : all_)
        series.push_back({{"workload", one.workload},
                          {"scenario", one.scenario},
                          {"contender", one.contender},
                          {"metric", one.metric},
                          {"result", one.folded()},
                          {"rounds", one.values}});
    return {{"series", std::move(series)}, {"complaints", complaints_}};
}

void Results::merge(const Json& json) {
    for (const auto& one : json.at("series"))
        for (const double value : one.at("rounds"))
            add(one.at("workload").get<std::string>(), one.at("scenario").get<std::string>(),
                one.at("contender").get<std::string>(), one.at("metric").get<std::string>(), value);
    for (const auto& text : json.at("complaints")) complain(text.get<std::string>());
}

std::string in_short(double value) {
    const char* unit = "";
    if (std::abs(value) >= 999500) {
        value /= 1e6;
        unit = " M";
    } else if (std::abs(value) >= 9995) {
        value /= 1e3;
        unit = " k";
    }
    const int decimals = std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%.*f%s", decimals, value, unit);
    return text.data();
}

std::string as_ratio(double value) {
    std::array<char, 64> text{};
    const int decimals = value >= 10 ? 0 : value >= 0.1 ? 2 : 4;
    std::snprintf(text.data(), text.size(), "%.*fx", decimals, value);
    return text.data();
}

}  // namespace bench
