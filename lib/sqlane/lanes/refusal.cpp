#include "lanes/refusal.hpp"

#include "watch/text.hpp"

#include <sqlane/errors.hpp>

#include <memory>
#include <utility>

namespace sqlane::detail {

void throw_refusal(Refusal refusal, Report report, const Request& request) {
    name_threads(refusal.lane.holders);
    const auto lane = "the " + refusal.lane.name + " of " + report.database;
    const auto waited = duration_text(refusal.waited);
    const auto in_line = std::to_string(refusal.lane.waiting.size());
    const auto who = holders_text(refusal.lane.holders) + ahead_text(refusal.lane.waiting);
    // The lane as it was at that moment, not as it is now that the line has moved.
    (refusal.lane.name == report.writer.name ? report.writer : report.readers) = std::move(refusal.lane);
    const auto shared = std::make_shared<const Report>(std::move(report));
    switch (refusal.why) {
        case Refusal::Why::timeout:
            throw Timeout{
                "waited " + waited + " for " + lane + "; make what holds it shorter, or allow more time" + who,
                request.at, shared};
        case Refusal::Why::saturated:
            throw Saturated{"refused at once: " + in_line + " callers wait for " + lane +
                                " already; make fewer calls at a time, or raise max_waiters" + who,
                            request.at, shared};
        case Refusal::Why::cancelled: throw Cancelled{"cancelled after waiting " + waited + " for " + lane, request.at};
        case Refusal::Why::closed:
            throw Closed{shared->database + ": the manager is closing or closed; nothing was run", request.at};
        case Refusal::Why::deadlock: break;
    }
    throw Deadlock{"waiting for " + lane +
                       " would never end, because these threads wait for each other; use the databases in "
                       "the same order "
                       "everywhere:" +
                       refusal.ring,
                   request.at};
}

}  // namespace sqlane::detail
