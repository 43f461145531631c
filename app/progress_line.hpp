#pragma once

#include <string>

namespace cli {

/// "[####......]  40 %  ".
std::string progress_bar(int percent);

/// One line at the bottom of the terminal, drawn over itself.
class ProgressLine {
public:
    ProgressLine() = default;
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine() { clear(); }

    void draw(const std::string& line);
    /// Takes the line away.
    void clear();

private:
    std::string drawn_;
};

}  // namespace cli
