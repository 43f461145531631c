#include "progress_line.hpp"

#include "cli.hpp"

#include <algorithm>
#include <cstddef>
#include <iostream>

namespace cli {

std::string progress_bar(int percent) {
    constexpr int width = 20;
    const auto full = static_cast<std::size_t>(percent * width / 100);
    const auto number = std::to_string(percent);
    return "[" + std::string(full, '#') + std::string(width - full, '.') + "] " + std::string(3 - number.size(), ' ') +
           number + " %  ";
}

void ProgressLine::clear() {
    if (!drawn_.empty()) std::cerr << "\r" + std::string(drawn_.size(), ' ') + "\r";
    drawn_.clear();
}

/// In one piece: half a line would be seen as flicker. A line that the terminal wraps cannot be drawn over.
void ProgressLine::draw(const std::string& line) {
    const auto shown = line.substr(0, stderr_columns().value_or(line.size()));
    if (shown == drawn_) return;
    std::cerr << "\r" + shown + std::string(drawn_.size() - std::min(drawn_.size(), shown.size()), ' ');
    drawn_ = shown;
}

}  // namespace cli
