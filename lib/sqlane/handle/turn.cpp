#include "handle/turn.hpp"

#include <chrono>
#include <thread>

namespace sqlane::detail {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

/// Long enough that the change of turns costs little, short enough not to be felt.
constexpr milliseconds turn{10};
/// Longer than the pauses between two looks of who waits for the lock.
constexpr milliseconds longest_gap{25};
constexpr microseconds between_looks{200};
/// Who waits may be a process that somebody has stopped.
constexpr milliseconds after_a_vain_gap{1000};

}  // namespace

void Turn::stop_waiting() noexcept {
    if (!mark_.is_set()) return;
    mark_.clear();
    since_ = Clock::now();
}

void Turn::give_way(Clock::time_point now) noexcept {
    if (now - since_ < turn) return;
    since_ = now;
    const auto gap_end = Clock::now() + longest_gap;
    while (mark_.is_set_elsewhere()) {
        if (Clock::now() >= gap_end) {
            since_ = now + after_a_vain_gap;
            return;
        }
        std::this_thread::sleep_for(between_looks);
    }
}

}  // namespace sqlane::detail
