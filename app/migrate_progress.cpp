#include "migrate_progress.hpp"

#include "cli.hpp"

#include <algorithm>
#include <cstddef>
#include <iostream>

namespace cli {
namespace {

using Step = sqlane::MigrationProgress::Step;

constexpr std::chrono::seconds between_lines{5};
/// What is over sooner needs no bar, which would only flash.
constexpr std::chrono::milliseconds before_bar{300};

std::string text_of(const sqlane::MigrationProgress& p) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(p.elapsed).count();
    switch (p.step) {
        case Step::waiting: return "waiting for another process (" + std::to_string(seconds) + " s)";
        case Step::backup: return "copying the database";
        case Step::foreign_keys: return p.file + ": checking foreign keys";
        case Step::commit: return "committing";
        case Step::statement: break;
    }
    return p.file + " (" + std::to_string(p.migration) + " of " + std::to_string(p.migrations) + "): statement " +
           std::to_string(p.statement) + " of " + std::to_string(p.statements);
}

/// -1 for a step that has none.
int percent_of(const sqlane::MigrationProgress& p) {
    return p.step == Step::backup || p.step == Step::statement ? std::clamp(p.percent, 0, 100) : -1;
}

}  // namespace

MigrationProgressDisplay::MigrationProgressDisplay(bool quiet, bool verbose)
    : quiet_(quiet), verbose_(verbose), terminal_(stderr_is_terminal() && !verbose) {}

void MigrationProgressDisplay::show(const sqlane::MigrationProgress& progress) {
    if (quiet_) return;
    const int percent = percent_of(progress);
    const auto text = text_of(progress);
    if (!terminal_)
        show_line(text, percent);
    else if (std::chrono::steady_clock::now() - started_ >= before_bar)
        line_.draw((percent < 0 ? "" : progress_bar(percent)) + text);
}

void MigrationProgressDisplay::show_line(const std::string& text, int percent) {
    const auto now = std::chrono::steady_clock::now();
    if (!verbose_ && now - last_line_ < between_lines) return;
    last_line_ = now;
    std::cerr << "sqlane: " + text + (percent >= 0 ? ", " + std::to_string(percent) + " %" : "") + "\n";
}

}  // namespace cli
