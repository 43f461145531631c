#pragma once

#include <sqlane/migrator.hpp>

#include <chrono>
#include <cstddef>
#include <string>

namespace cli {

/// Shows on stderr how far a migration is: a bar on a terminal, else a line every five seconds; verbose, every step.
class MigrationProgressDisplay {
public:
    MigrationProgressDisplay(bool quiet, bool verbose);
    MigrationProgressDisplay(const MigrationProgressDisplay&) = delete;
    MigrationProgressDisplay& operator=(const MigrationProgressDisplay&) = delete;
    ~MigrationProgressDisplay();

    void show(const sqlane::MigrationProgress& progress);

private:
    void show_bar(const std::string& text, int percent);
    void show_line(const std::string& text, int percent);

    bool quiet_;
    bool verbose_;
    bool terminal_;
    std::size_t drawn_ = 0;
    std::chrono::steady_clock::time_point last_line_ = std::chrono::steady_clock::now();
};

}  // namespace cli
