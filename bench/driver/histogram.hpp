#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace bench {

/// Durations in nanoseconds, each in a bucket at most 1/32 wide of its value: fine enough for a percentile, and small
/// enough to have one per thread.
class Histogram {
public:
    void add(std::uint64_t value) {
        ++buckets_[index_of(value)];
        ++count_;
        if (value > longest_) longest_ = value;
    }

    void merge(const Histogram& other) {
        for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
        count_ += other.count_;
        if (other.longest_ > longest_) longest_ = other.longest_;
    }

    /// The upper end of the bucket in which that share of all values ends; never above the longest.
    [[nodiscard]] std::uint64_t percentile(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets_.size(); ++i) {
            seen += buckets_[i];
            if (seen > wanted) return upper_end(i) < longest_ ? upper_end(i) : longest_;
        }
        return longest_;
    }

    [[nodiscard]] std::uint64_t count() const { return count_; }
    [[nodiscard]] std::uint64_t longest() const { return longest_; }

private:
    static constexpr unsigned fine_bits = 5;
    static constexpr std::size_t per_power = std::size_t{1} << fine_bits;

    static std::size_t index_of(std::uint64_t value) {
        if (value < per_power) return static_cast<std::size_t>(value);
        const auto power = static_cast<unsigned>(std::bit_width(value)) - 1;
        const auto fine = static_cast<std::size_t>(value >> (power - fine_bits)) & (per_power - 1);
        return (power - fine_bits + 1) * per_power + fine;
    }
    static std::uint64_t upper_end(std::size_t index) {
        if (index < per_power) return index;
        const auto shift = index / per_power - 1;
        return ((per_power + index % per_power + 1) << shift) - 1;
    }

    std::array<std::uint64_t, (64 - fine_bits + 1) * per_power> buckets_{};
    std::uint64_t count_ = 0;
    std::uint64_t longest_ = 0;
};

}  // namespace bench
