#pragma once

#include "progress_line.hpp"

#include <sqlane/migrator.hpp>

#include <chrono>
#include <string>

namespace cli {

/// Shows on stderr how far a migration is: a bar on a terminal, else a line every five seconds; verbose, every step.
class MigrationProgressDisplay {
public:
    MigrationProgressDisplay(bool quiet, bool verbose);
    void show(const sqlane::MigrationProgress& progress);

private:
    void show_line(const std::string& text, int percent);

    bool quiet_;
    bool verbose_;
    bool terminal_;
    ProgressLine line_;
    std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
    std::chrono::steady_clock::time_point last_line_ = started_;
};

}  // namespace cli
