#pragma once

#include <sqlane/call.hpp>
#include <sqlane/migrator.hpp>

#include <array>
#include <string>

namespace sqlane::detail {

/// Tells the caller how far the run is, four times a second at most of a kind; the end of what was told is always told.
/// Thread safety: the thread of the run.
class Progress {
public:
    explicit Progress(const MigrationOptions& options) : observer_(options.on_progress) {}

    [[nodiscard]] bool watched() const noexcept { return static_cast<bool>(observer_); }
    void begin(int migrations) noexcept { now_.migrations = migrations; }
    void begin_migration(const std::string& file, int number);
    void begin_statement(int number, int total);
    void end_statement();
    /// From SQLite's handlers.
    void tick(int percent, bool waiting);
    void report(MigrationProgress::Step step, int percent);

private:
    void tell(MigrationProgress::Step step, int percent);

    const std::function<void(const MigrationProgress&)>& observer_;
    MigrationProgress now_;
    Clock::time_point started_ = Clock::now();
    /// When the next one of each kind may be told.
    std::array<Clock::time_point, 5> due_{};
    bool in_statement_ = false;
    bool statement_told_ = false;
};

}  // namespace sqlane::detail
