#include "driver/tables.hpp"

#include "contenders/contender.hpp"
#include "driver/goals.hpp"

#include <algorithm>

namespace bench {
namespace {

using Cells = std::vector<std::string>;

/// In characters and not in bytes: "µ" is two of the latter.
std::size_t width_of(const std::string& text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string padded(const std::string& text, std::size_t width, bool to_the_right) {
    const std::string space(width - std::min(width, width_of(text)), ' ');
    return to_the_right ? space + text : text + space;
}

/// As Markdown, so that it can be pasted where it is wanted. The first `texts` columns are aligned left.
void print_cells(std::ostream& out, const std::vector<Cells>& rows, std::size_t texts) {
    std::vector<std::size_t> widths(rows.front().size(), 3);
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
    for (std::size_t r = 0; r < rows.size(); ++r) {
        for (std::size_t i = 0; i < widths.size(); ++i) out << "| " << padded(rows[r][i], widths[i], i >= texts) << ' ';
        out << "|\n";
        if (r > 0) continue;
        for (std::size_t i = 0; i < widths.size(); ++i)
            out << '|' << (i < texts ? ":" : "-") << std::string(widths[i], '-') << (i < texts ? "-" : ":");
        out << "|\n";
    }
}

Cells row_of(const Results& results, std::string_view workload, const std::string& scenario,
             const std::string& contender, const std::vector<std::string>& metrics, bool with_ratio) {
    Cells cells{scenario, contender};
    bool is_there = false;
    for (const auto& name : metrics) {
        const auto value = results.find(workload, scenario, contender, name);
        is_there = is_there || value.has_value();
        cells.push_back(value ? in_short(*value) : "");
    }
    if (!is_there) return {};
    if (!with_ratio) return cells;
    const auto own = results.find(workload, scenario, contender, metrics.front());
    const auto other = results.find(workload, scenario, bare, metrics.front());
    cells.push_back(own && other && *other > 0 ? as_ratio(*own / *other) : "");
    return cells;
}

}  // namespace

void print_table(std::ostream& out, const Results& results, std::string_view workload, std::string_view title) {
    const auto metrics = results.metrics(workload);
    if (metrics.empty()) return;
    std::vector<Cells> rows{{"", ""}};
    for (const auto& name : metrics) rows.front().emplace_back(metric(name).heading);
    const auto contenders = results.contenders(workload);
    const bool with_ratio = std::ranges::find(contenders, bare) != contenders.end();
    if (with_ratio) rows.front().emplace_back("to bare");
    for (const auto& scenario : results.scenarios(workload))
        for (const auto& contender : contenders)
            if (auto row = row_of(results, workload, scenario, contender, metrics, with_ratio); !row.empty())
                rows.push_back(std::move(row));
    out << '\n' << workload << ". " << title << "\n\n";
    print_cells(out, rows, 2);
    out << std::flush;
}

bool print_goals(std::ostream& out, const Results& results) {
    std::vector<Cells> rows{{"", "scenario", "who", "what", "goal", "outcome", "reached"}};
    bool all_met = true;
    for (const auto& goal : goals()) {
        const auto [reached, is_met] = outcome(goal, results);
        if (!reached) continue;
        all_met = all_met && is_met;
        rows.push_back({std::string{goal.workload}, std::string{goal.scenario}, std::string{goal.contender},
                        std::string{metric(goal.metric).heading}, to_string(goal), is_met ? "reached" : "missed",
                        goal.against.empty() ? in_short(*reached) : as_ratio(*reached)});
    }
    if (rows.size() == 1) return true;
    out << "\nGoals\n\n";
    print_cells(out, rows, 6);
    return all_met;
}

}  // namespace bench
