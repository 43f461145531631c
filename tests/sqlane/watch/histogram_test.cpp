#include <doctest/doctest.h>

#include <sqlane/stats.hpp>

#include <chrono>

using namespace std::chrono_literals;

TEST_CASE("histogram: a percentile is an upper bound and never above the longest") {
    sqlane::Histogram histogram;
    CHECK(histogram.percentile(0.5) == 0ns);
    for (int i = 0; i < 99; ++i) histogram.add(1us);
    histogram.add(1s);
    CHECK(histogram.count == 100);
    CHECK(histogram.total == 1s + 99us);
    CHECK(histogram.longest == 1s);
    CHECK(histogram.percentile(0.5) >= 1us);
    CHECK(histogram.percentile(0.5) < 2us);
    CHECK(histogram.percentile(0.99) < 2us);
    CHECK(histogram.percentile(1.0) == 1s);
}

TEST_CASE("histogram: keeps what is too short and too long for its buckets") {
    sqlane::Histogram histogram;
    histogram.add(0ns);
    histogram.add(-1ns);
    histogram.add(std::chrono::hours{24 * 365});
    CHECK(histogram.count == 3);
    CHECK(histogram.buckets.front() == 2);
    CHECK(histogram.buckets.back() == 1);
    CHECK(histogram.longest == std::chrono::hours{24 * 365});
}
