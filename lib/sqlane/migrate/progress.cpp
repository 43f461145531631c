#include "migrate/progress.hpp"

#include <algorithm>

namespace sqlane::detail {
namespace {

constexpr std::chrono::milliseconds between_reports{250};

}  // namespace

void Progress::begin_migration(const std::string& file, int number) {
    now_.file = file;
    now_.migration = number;
}

void Progress::begin_statement(int number, int total) {
    now_.statement = number;
    now_.statements = total;
    in_statement_ = true;
    statement_told_ = false;
    report(MigrationProgress::Step::statement, 0);
}

void Progress::end_statement() {
    in_statement_ = false;
    if (statement_told_) tell(MigrationProgress::Step::statement, 100);
}

void Progress::tick(int percent, bool waiting) {
    if (waiting)
        report(MigrationProgress::Step::waiting, 0);
    else if (in_statement_)
        report(MigrationProgress::Step::statement, percent);
}

void Progress::report(MigrationProgress::Step step, int percent) {
    const bool soon = Clock::now() < due_.at(static_cast<std::size_t>(step));
    if (!soon || (percent == 100 && step == MigrationProgress::Step::backup)) tell(step, percent);
}

void Progress::tell(MigrationProgress::Step step, int percent) {
    if (!observer_) return;
    const auto now = Clock::now();
    // What is told before its time, being an end, puts the next one off.
    auto& due = due_.at(static_cast<std::size_t>(step));
    due = std::max(due, now) + between_reports;
    statement_told_ = step == MigrationProgress::Step::statement;
    now_.step = step;
    now_.percent = percent;
    now_.elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now - started_);
    observer_(now_);
}

}  // namespace sqlane::detail
