#include "migrate_progress.hpp"

#include "cli.hpp"

#include <iostream>

namespace cli {
namespace {

using Step = sqlane::MigrationProgress::Step;

constexpr std::chrono::seconds between_lines{5};

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

bool has_percentage(Step step) { return step == Step::backup || step == Step::statement; }

}  // namespace

MigrationProgressDisplay::MigrationProgressDisplay(bool quiet, bool verbose)
    : quiet_(quiet), verbose_(verbose), terminal_(stderr_is_terminal() && !verbose) {}

MigrationProgressDisplay::~MigrationProgressDisplay() {
    if (drawn_ > 0) std::cerr << '\r' << std::string(drawn_, ' ') << '\r' << std::flush;
}

void MigrationProgressDisplay::show(const sqlane::MigrationProgress& progress) {
    if (quiet_) return;
    const int percent = has_percentage(progress.step) ? progress.percent : -1;
    terminal_ ? show_bar(text_of(progress), percent) : show_line(text_of(progress), percent);
}

void MigrationProgressDisplay::show_bar(const std::string& text, int percent) {
    constexpr int width = 20;
    std::string line;
    if (percent >= 0) {
        const auto full = static_cast<std::size_t>(percent * width / 100);
        line = "[" + std::string(full, '#') + std::string(width - full, '.') + "] " + std::to_string(percent) + " % ";
    }
    line += text;
    const std::string rest(drawn_ > line.size() ? drawn_ - line.size() : 0, ' ');
    std::cerr << '\r' << line << rest << std::flush;
    drawn_ = line.size();
}

void MigrationProgressDisplay::show_line(const std::string& text, int percent) {
    const auto now = std::chrono::steady_clock::now();
    if (!verbose_ && now - last_line_ < between_lines) return;
    last_line_ = now;
    std::cerr << "sqlane: " << text << (percent >= 0 ? ", " + std::to_string(percent) + " %" : "") << '\n';
}

}  // namespace cli
