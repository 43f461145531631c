#include "watch/warnings.hpp"

#include <exception>

namespace sqlane::detail {
namespace {

constexpr std::size_t kept = 32;

}  // namespace

void Warnings::add(const Warning& warning) noexcept {
    try {
        keep(warning);
        if (observer_) observer_(warning);
    } catch (const std::exception& error) {
        keep({.kind = Warning::Kind::observer_failed, .message = error.what(), .at = warning.at, .label = {}});
    } catch (...) {
        keep(
            {.kind = Warning::Kind::observer_failed, .message = "not a std::exception", .at = warning.at, .label = {}});
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
