#include "lanes/habits.hpp"

#include <algorithm>
#include <functional>

namespace sqlane::detail {
namespace {

/// A site that was long once stays out for a while.
constexpr int enough_in_a_row = 4;

}  // namespace

std::size_t Habits::slot(const std::source_location& at) noexcept {
    const auto file = std::hash<const char*>{}(at.file_name());
    return (file / 8 + at.line() * std::size_t{31} + at.column()) % std::tuple_size_v<decltype(sites_)>;
}

void Habits::note(const std::source_location& at, Clock::duration took, Clock::duration short_is) noexcept {
    auto& site = sites_[slot(at)];
    if (!site.is(at)) site = {.file = at.file_name(), .line = at.line(), .column = at.column()};
    site.short_in_a_row = took > short_is ? 0 : std::min(site.short_in_a_row + 1, enough_in_a_row);
}

bool Habits::is_short(const std::source_location& at) const noexcept {
    const auto& site = sites_[slot(at)];
    return site.is(at) && site.short_in_a_row == enough_in_a_row;
}

}  // namespace sqlane::detail
