#include "cli.hpp"

#include <algorithm>
#include <numeric>

namespace cli {
namespace {

using Rows = std::vector<std::vector<std::string>>;
using Widths = std::vector<std::size_t>;

/// Continuation bytes of UTF-8 take no place of their own on the screen.
std::size_t width(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

Widths column_widths(const Rows& rows) {
    Widths widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
    }
    return widths;
}

constexpr std::size_t between_columns = 2;
/// Of a column that is cut, so that something of it is left.
constexpr std::size_t narrowest = 8;

bool is_right(std::string_view alignment, std::size_t column) {
    return column < alignment.size() && alignment[column] == 'r';
}

/// Takes from the widest column of text until all fit: numbers are never cut.
void fit(Widths& widths, std::string_view alignment, std::size_t columns) {
    auto total = std::accumulate(widths.begin(), widths.end(), widths.size() * between_columns);
    while (total > columns) {
        std::size_t widest = widths.size();
        for (std::size_t i = 0; i < widths.size(); ++i)
            if (!is_right(alignment, i) && widths[i] > (widest == widths.size() ? narrowest : widths[widest]))
                widest = i;
        if (widest == widths.size()) return;
        --widths[widest];
        --total;
    }
}

/// Never within a character.
std::string cut(const std::string& cell, std::size_t columns) {
    if (width(cell) <= columns) return cell;
    std::size_t end = 0;
    for (std::size_t characters = 0; characters < columns; ++end)
        if ((static_cast<unsigned char>(cell[end]) & 0xC0) != 0x80) ++characters;
    return cell.substr(0, end - 1) + "…";
}

std::string line_of(const std::vector<std::string>& row, const Widths& widths, std::string_view alignment) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
        const auto cell = cut(row[i], widths[i]);
        const std::string space(widths[i] - width(cell), ' ');
        line += std::string(between_columns, ' ') + (is_right(alignment, i) ? space + cell : cell + space);
    }
    return line.erase(line.find_last_not_of(' ') + 1) + "\n";
}

}  // namespace

std::string table(const Rows& rows, std::string_view alignment) {
    auto widths = column_widths(rows);
    if (const auto columns = stdout_columns()) fit(widths, alignment, *columns);
    std::string lines;
    for (const auto& row : rows) lines += line_of(row, widths, alignment);
    return lines;
}

}  // namespace cli
