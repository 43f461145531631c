#pragma once

#include "driver/threads.hpp"

#include <cstdint>

namespace bench {

/// Seconds of one `body` on one thread, as the mean of as many as fit into the time.
template <class Body>
[[nodiscard]] double seconds_each(double seconds, Body body) {
    body();  // once for the caches
    std::int64_t times = 0;
    const auto began = Clock::now();
    do {
        body();
        ++times;
    } while (seconds_since(began) < seconds);
    return seconds_since(began) / static_cast<double>(times);
}

}  // namespace bench
