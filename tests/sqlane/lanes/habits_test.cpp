#include <doctest/doctest.h>

#include "lanes/habits.hpp"

#include <chrono>
#include <source_location>
#include <vector>

using namespace std::chrono_literals;
using sqlane::detail::Habits;

namespace {

std::source_location here(std::source_location at = std::source_location::current()) { return at; }

}  // namespace

TEST_CASE("habits: a site is short after four short runs, and one long run takes that away") {
    Habits habits;
    const auto site = here();
    for (int i = 0; i < 3; ++i) {
        habits.note(site, 1ms, 5ms);
        CHECK_FALSE(habits.is_short(site));
    }
    habits.note(site, 5ms, 5ms);
    CHECK(habits.is_short(site));
    habits.note(site, 6ms, 5ms);
    CHECK_FALSE(habits.is_short(site));
    for (int i = 0; i < 4; ++i) habits.note(site, 1ms, 5ms);
    CHECK(habits.is_short(site));
}

TEST_CASE("habits: sites of one line are told apart") {
    Habits habits;
    // clang-format off
    const std::vector<std::source_location> sites{here(), here()};
    // clang-format on
    for (int i = 0; i < 4; ++i) habits.note(sites[0], 1ms, 5ms);
    CHECK(habits.is_short(sites[0]));
    CHECK_FALSE(habits.is_short(sites[1]));
}
