#pragma once

#include <sqlane/stats.hpp>

#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <string>
#include <vector>

namespace sqlane::detail {

/// Keeps the latest warnings and tells the application's observer, if it has one.
/// Thread safety: all members.
class Warnings {
public:
    explicit Warnings(std::function<void(const Warning&)> observer) : observer_(std::move(observer)) {}

    /// Never throws: it is called while handles are given back. An observer that throws is itself a warning.
    void add(const Warning& warning) noexcept;
    /// For one that has to be put together first. Without the memory for that nothing is told.
    template <class Make>
    void add_made(Make&& make) noexcept {
        try {
            add(make());
        } catch (const std::bad_alloc&) {
            return;
        }
    }

    [[nodiscard]] std::vector<Warning> latest() const;
    [[nodiscard]] std::uint64_t count() const;

private:
    void keep(const Warning& warning);
    [[nodiscard]] std::string tell(const Warning& warning) const;

    const std::function<void(const Warning&)> observer_;
    mutable std::mutex mutex_;
    std::deque<Warning> latest_;
    std::uint64_t count_ = 0;
};

}  // namespace sqlane::detail
