#include <sqlane/stats.hpp>

#include <algorithm>
#include <bit>

namespace sqlane {

void Histogram::add(std::chrono::nanoseconds value) noexcept {
    const auto ticks = static_cast<std::uint64_t>(std::max<std::int64_t>(value.count(), 0));
    const auto bucket = std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(ticks)), buckets.size() - 1);
    ++buckets[bucket];
    ++count;
    total += value;
    longest = std::max(longest, value);
}

std::chrono::nanoseconds Histogram::percentile(double share) const noexcept {
    const auto wanted = share * static_cast<double>(count);
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) {
        seen += buckets[bucket];
        if (seen > 0 && static_cast<double>(seen) >= wanted)
            return std::min(std::chrono::nanoseconds{(std::int64_t{1} << bucket) - 1}, longest);
    }
    return longest;
}

}  // namespace sqlane
