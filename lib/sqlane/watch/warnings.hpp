#pragma once

#include <sqlane/stats.hpp>

#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace sqlane::detail {

/// Keeps the latest warnings and tells the application's observer, if it has one.
/// Thread safety: all members.
class Warnings {
public:
    explicit Warnings(std::function<void(const Warning&)> observer) : observer_(std::move(observer)) {}

    /// Never throws: it is called while handles are given back. An observer that throws is itself a warning.
    void add(const Warning& warning) noexcept;

    [[nodiscard]] std::vector<Warning> latest() const;
    [[nodiscard]] std::uint64_t count() const;

private:
    void keep(const Warning& warning);

    const std::function<void(const Warning&)> observer_;
    mutable std::mutex mutex_;
    std::deque<Warning> latest_;
    std::uint64_t count_ = 0;
};

}  // namespace sqlane::detail
