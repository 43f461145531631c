#pragma once

#include "handle/platform.hpp"

#include <mutex>

namespace sqlane::detail {

/// What a lane does under its mutex takes some dozen nanoseconds. To sleep until it is done, and be woken, takes a hundred
/// times as long: 8 threads that read are a tenth faster when they try again first (measured); many tries are slower.
inline std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
    constexpr int tries = 8;
    for (int i = 0; i < tries; ++i) {
        if (std::unique_lock lock{mutex, std::try_to_lock}; lock) return lock;
        platform::relax();
    }
    return std::unique_lock{mutex};
}

/// Waits for something that is about to come; false when it does not. Nobody else needs the processor more: who waits here
/// is the next to use what he waits for.
template <class Condition>
bool spin_until(const Condition& condition) {
    constexpr int looks = 1000;  // some 40 microseconds
    for (int i = 0; i < looks; ++i) {
        if (condition()) return true;
        platform::relax();
    }
    return false;
}

}  // namespace sqlane::detail
