#include "watch/warnings.hpp"

#include <exception>

namespace sqlane::detail {
namespace {

constexpr std::size_t kept = 32;

}  // namespace

void Warnings::add(const Warning& warning) noexcept {
    try {
        keep(warning);
        if (const auto failure = tell(warning); !failure.empty())
            keep({.kind = Warning::Kind::observer_failed, .message = failure, .at = warning.at, .label = {}});
    } catch (const std::bad_alloc&) {
        return;  // without memory for it a warning is counted, and no more
    }
}

/// What the observer threw; empty when it did not.
std::string Warnings::tell(const Warning& warning) const {
    try {
        if (observer_) observer_(warning);
        return {};
    } catch (const std::exception& error) {
        return error.what();
    } catch (...) {
        return "not a std::exception";
    }
}

void Warnings::keep(const Warning& warning) {
    const std::lock_guard lock{mutex_};
    ++count_;
    latest_.push_back(warning);
    if (latest_.size() > kept) latest_.pop_front();
}

std::vector<Warning> Warnings::latest() const {
    const std::lock_guard lock{mutex_};
    return {latest_.begin(), latest_.end()};
}

std::uint64_t Warnings::count() const {
    const std::lock_guard lock{mutex_};
    return count_;
}

}  // namespace sqlane::detail
