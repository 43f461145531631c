#include "driver/charts.hpp"

#include "contenders/contender.hpp"
#include "driver/svg.hpp"
#include "driver/workloads.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace bench {
namespace {

using enum Svg::Anchor;

constexpr double chart_width = 760;
constexpr double bars_left = 190;
constexpr double bars_width = 460;
constexpr double bar_height = 15;
constexpr double bar_step = 19;

/// sqlane in the one strong colour, the others in quieter ones; all are of middle lightness.
std::string_view colour_of(std::string_view contender) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 8> colours{{{ours, "#2f81f7"},
                                                                                    {"plm", "#2f81f7"},
                                                                                    {"read by key", "#2f81f7"},
                                                                                    {bare, "#8b949e"},
                                                                                    {"SQLiteCpp", "#b8860b"},
                                                                                    {"search", "#b8860b"},
                                                                                    {"SOCI", "#a371f7"},
                                                                                    {"POCO", "#2ea043"}}};
    const auto* const found = std::ranges::find(colours, contender, [](const auto& pair) { return pair.first; });
    return found == colours.end() ? "#db6d28" : found->second;
}

std::string better(const Metric& metric) {
    if (metric.better == Metric::Better::neither) return "";
    return metric.better == Metric::Better::higher ? " (more is better)" : " (less is better)";
}

/// Bars of one metric, a group per scenario. Gives where the next panel begins.
double panel(Svg& svg, double y, const Results& results, std::string_view workload, const std::string& name) {
    const auto scenarios = results.scenarios(workload);
    const auto contenders = results.contenders(workload);
    double highest = 0;
    for (const auto& scenario : scenarios)
        for (const auto& contender : contenders)
            highest = std::max(highest, results.find(workload, scenario, contender, name).value_or(0));
    svg.text(12, y, std::string{metric(name).heading} + better(metric(name)), start, 13, true);
    y += 10;
    for (const auto& scenario : scenarios) {
        const auto top = y;
        for (const auto& contender : contenders) {
            const auto value = results.find(workload, scenario, contender, name);
            if (!value) continue;
            const double width = highest > 0 ? std::max(1.0, *value / highest * bars_width) : 1.0;
            svg.bar(bars_left, y, width, bar_height, colour_of(contender));
            svg.text(bars_left + width + 6, y + 12, in_short(*value) + "  " + contender, start, 11);
            y += bar_step;
        }
        if (y > top) svg.text(bars_left - 10, (top + y) / 2 + 2, scenario, end);
        y += y > top ? 10 : 0;
    }
    return y + 22;
}

void draw_bars(const Results& results, const Workload& workload, const std::filesystem::path& folder) {
    const auto metrics = results.metrics(workload.id);
    if (metrics.empty()) return;
    Svg svg;
    svg.text(12, 24, std::string{workload.id} + ". " + std::string{workload.title}, start, 15, true);
    double y = panel(svg, 52, results, workload.id, metrics.front());
    for (const std::string second : {"worst_ms", "reader_wait_ms"})
        if (std::ranges::find(metrics, second) != metrics.end()) y = panel(svg, y, results, workload.id, second);
    svg.save(folder / (std::string{workload.id} + ".svg"), chart_width, y);
}

/// Both axes logarithmic: what grows with the logarithm stays nearly flat.
class Plane {
public:
    explicit Plane(double highest) : decades_(std::max(1.0, std::ceil(std::log10(highest)))) {}
    [[nodiscard]] static double x(std::size_t index) { return 90 + static_cast<double>(index) * 180; }
    [[nodiscard]] double y(double value) const {
        return 300 - 230 * std::max(0.0, std::log10(std::max(value, 1.0))) / decades_;
    }
    void draw_grid(Svg& svg) const {
        for (int decade = 0; decade <= static_cast<int>(decades_); ++decade) {
            const auto value = std::pow(10, decade);
            svg.line(80, y(value), 660, y(value), "#7d859055", 1);
            svg.text(74, y(value) + 4, in_short(value) + " µs", end, 11);
        }
    }

private:
    double decades_;
};

void draw_lines(const Results& results, const Workload& workload, const std::filesystem::path& folder) {
    const auto scenarios = results.scenarios(workload.id);
    double highest = 1;
    for (const auto& scenario : scenarios)
        for (const auto& what : results.contenders(workload.id))
            highest = std::max(highest, results.find(workload.id, scenario, what, "time_us").value_or(0));
    if (scenarios.empty()) return;
    Svg svg;
    const Plane plane{highest};
    svg.text(12, 24, std::string{workload.id} + ". " + std::string{workload.title}, start, 15, true);
    plane.draw_grid(svg);
    for (const auto& what : results.contenders(workload.id)) {
        double before = 0;
        for (std::size_t i = 0; i < scenarios.size(); ++i) {
            const auto y = plane.y(results.find(workload.id, scenarios[i], what, "time_us").value_or(1));
            if (i > 0) svg.line(Plane::x(i - 1), before, Plane::x(i), y, colour_of(what), 2);
            svg.dot(Plane::x(i), y, colour_of(what));
            before = y;
        }
        svg.text(Plane::x(scenarios.size() - 1) + 10, before + 4, what, start, 12);
    }
    for (std::size_t i = 0; i < scenarios.size(); ++i) svg.text(Plane::x(i), 324, scenarios[i], middle, 12);
    svg.save(folder / (std::string{workload.id} + ".svg"), chart_width, 340);
}

// ---- the overview ----

struct Shown {
    std::string_view workload;
    std::string_view scenario;
    std::string_view metric;
    std::string_view label;
    std::string_view who = ours;
};

constexpr std::array overview{
    Shown{"B1", "1 thread", "per_second", "point reads, 1 thread"},
    Shown{"B1", "8 threads", "per_second", "point reads, 8 threads"},
    Shown{"B2", "1 thread", "per_second", "durable writes, 1 thread"},
    Shown{"B2", "8 threads", "per_second", "durable writes, 8 threads"},
    Shown{"B2", "32 threads", "per_second", "durable writes, 32 threads"},
    Shown{"B2s", "8 threads", "per_second", "slow disk, 8 threads"},
    Shown{"B2s", "32 threads", "per_second", "slow disk, 32 threads"},
    Shown{"B7", "one transaction", "rows_per_second", "import"},
    Shown{"B8", "explode", "per_second", "BOM of 10,000 lines", "plm"},
};

/// Of the contenders but ours and bare.
std::optional<std::pair<std::string, double>> best_peer(const Results& results, const Shown& shown) {
    std::optional<std::pair<std::string, double>> best;
    for (const auto& contender : results.contenders(shown.workload)) {
        if (contender == shown.who || contender == bare) continue;
        const auto value = results.find(shown.workload, shown.scenario, contender, shown.metric);
        if (value && (!best || *value > best->second)) best = {contender, *value};
    }
    return best;
}

/// From a hundredth to a hundred times, logarithmic, so that twice as fast and half as fast look alike.
double place_of(double ratio) {
    return bars_left + bars_width / 2 + bars_width / 4 * std::clamp(std::log10(std::max(ratio, 1e-9)), -2.0, 2.0);
}

void ratio_bar(Svg& svg, double y, double ratio, std::string_view who) {
    const auto one = place_of(1);
    const auto here = place_of(ratio);
    svg.bar(std::min(one, here), y, std::max(1.0, std::abs(here - one)), bar_height, colour_of(who));
    svg.text(std::max(one, here) + 6, y + 12, as_ratio(ratio) + "  " + std::string{who}, start, 11);
}

void draw_overview(const Results& results, const std::filesystem::path& folder) {
    Svg svg;
    svg.text(12, 24, "Throughput, bare sqlite3 = 1 (logarithmic)", start, 15, true);
    double y = 44;
    for (const auto& shown : overview) {
        const auto own = results.find(shown.workload, shown.scenario, shown.who, shown.metric);
        const auto other = results.find(shown.workload, shown.scenario, bare, shown.metric);
        if (!own || !other || *other <= 0) continue;
        svg.text(bars_left - 10, y + 12, shown.label, end);
        ratio_bar(svg, y, *own / *other, shown.who);
        y += bar_step;
        if (const auto peer = best_peer(results, shown)) {
            ratio_bar(svg, y, peer->second / *other, peer->first);
            y += bar_step;
        }
        y += 8;
    }
    svg.line(place_of(1), 38, place_of(1), y, ink, 1);
    if (y > 44) svg.save(folder / "overview.svg", chart_width, y + 10);
}

}  // namespace

void draw_charts(const Results& results, const std::filesystem::path& folder) {
    std::filesystem::create_directories(folder);
    for (const auto& workload : workloads())
        if (workload.id == "B10")
            draw_lines(results, workload, folder);
        else
            draw_bars(results, workload, folder);
    draw_overview(results, folder);
}

}  // namespace bench
