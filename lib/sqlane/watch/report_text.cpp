#include "handle/error_translation.hpp"
#include "watch/text.hpp"

namespace sqlane {
namespace {

std::string lane_text(const LaneReport& lane) {
    std::string text = lane.name + ": " + std::to_string(lane.holders.size()) + " of " + std::to_string(lane.limit) +
                       " lent, " + std::to_string(lane.idle) + " idle, " + std::to_string(lane.waiting.size()) +
                       " waiting" + detail::holders_text(lane.holders);
    for (const auto& waiting : lane.waiting) {
        text += "\n  waits " + detail::duration_text(waiting.waited) + " at " + detail::place_and_function(waiting.at);
        if (!waiting.label.empty()) text += " [label \"" + waiting.label + "\"]";
    }
    return text + "\n";
}

/// "log: 212 MB, pinned for 63 s by search.cpp:88 search()".
std::string log_text(const Report& report) {
    std::string text = "log: " + detail::bytes_text(report.wal_bytes);
    if (const auto& by = report.wal_pinned_by)
        text += ", pinned for " + detail::duration_text(by->held) + " by " + detail::place_and_function(by->at) +
                "; make that call shorter";
    return text + "\n";
}

}  // namespace

std::string to_string(const Report& report) {
    std::string text = report.database + "\n" + lane_text(report.writer) + lane_text(report.readers) + log_text(report);
    for (const auto& warning : report.warnings)
        text += std::string{"warning ("} + to_string(warning.kind) + "): " + warning.message + "\n";
    return text;
}

std::string to_string(const CloseReport& report) {
    std::string text = report.complete ? "closed" : "not closed: some closures would not let go";
    text += " after " + detail::duration_text(report.took) + ", " + std::to_string(report.refused) + " refused, " +
            std::to_string(report.interrupted) + " interrupted, " + detail::bytes_text(report.wal_bytes) +
            " left in the log";
    return text + detail::holders_text(report.still_held);
}

const char* to_string(Warning::Kind kind) noexcept {
    switch (kind) {
        case Warning::Kind::held_long: return "held long";
        case Warning::Kind::came_back: return "came back";
        case Warning::Kind::left_behind: return "left behind";
        case Warning::Kind::replaced: return "replaced";
        case Warning::Kind::checkpoint: return "checkpoint";
        case Warning::Kind::observer_failed: return "observer failed";
    }
    return "?";
}

}  // namespace sqlane
