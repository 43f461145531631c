#include "driver/threads.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <exception>
#include <numeric>
#include <thread>

namespace bench {
namespace {

struct Signals {
    explicit Signals(int threads) : start(threads + 1) {}
    std::barrier<> start;
    std::atomic<bool> stop{false};
};

void take_steps(Session& session, int thread, int timed_every, const Step& step, Signals& signals, Tally& tally) {
    Random random{static_cast<std::uint64_t>(thread) + 1};
    const auto one = [&] {
        if (!step(session, thread, random)) ++tally.wrong;
        ++tally.all;
        if (!signals.stop.load(std::memory_order_relaxed)) ++tally.done;
    };
    while (!signals.stop.load(std::memory_order_relaxed)) {
        const auto before = Clock::now();
        one();
        tally.latency.add(nanoseconds_since(before));
        for (int i = 1; i < timed_every; ++i) one();
    }
}

void work(Contender& contender, int thread, int timed_every, const Step& step, Signals& signals, Tally& tally) {
    bool has_started = false;
    try {
        const auto session = contender.session();
        has_started = true;
        signals.start.arrive_and_wait();
        take_steps(*session, thread, timed_every, step, signals, tally);
    } catch (const std::exception& error) {
        tally.error = error.what();
    }
    if (!has_started) signals.start.arrive_and_wait();
}

}  // namespace

std::uint64_t nanoseconds_since(Clock::time_point then) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds{Clock::now() - then}.count());
}

double seconds_since(Clock::time_point then) { return std::chrono::duration<double>(Clock::now() - then).count(); }

std::int64_t Random::up_to(std::int64_t highest) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return static_cast<std::int64_t>(state_ % static_cast<std::uint64_t>(highest)) + 1;
}

double Run::per_second() const {
    std::uint64_t done = 0;
    for (const auto& thread : threads) done += thread.done;
    return static_cast<double>(done) / seconds;
}

Histogram Run::latency() const {
    Histogram all;
    for (const auto& thread : threads) all.merge(thread.latency);
    return all;
}

std::optional<double> Run::fairness() const {
    constexpr double enough = 20;
    const auto slowest = std::ranges::min(threads, {}, &Tally::done).done;
    const auto mean = per_second() * seconds / static_cast<double>(threads.size());
    if (threads.size() < 2 || mean < enough) return std::nullopt;
    return static_cast<double>(slowest) / mean;
}

std::uint64_t Run::all() const {
    return std::accumulate(threads.begin(), threads.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Tally& tally) { return sum + tally.all; });
}

std::uint64_t Run::wrong() const {
    return std::accumulate(threads.begin(), threads.end(), std::uint64_t{0},
                           [](std::uint64_t sum, const Tally& tally) { return sum + tally.wrong; });
}

std::string Run::error() const {
    for (const auto& thread : threads)
        if (!thread.error.empty()) return thread.error;
    return {};
}

Run run_threads(Contender& contender, int threads, double seconds, int timed_every, const Step& step) {
    Run run;
    run.threads.resize(static_cast<std::size_t>(threads));
    Signals signals{threads};
    {
        std::vector<std::jthread> workers;
        workers.reserve(run.threads.size());
        for (int i = 0; i < threads; ++i)
            workers.emplace_back(
                [&, i] { work(contender, i, timed_every, step, signals, run.threads[static_cast<std::size_t>(i)]); });
        signals.start.arrive_and_wait();
        const auto began = Clock::now();
        std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
        signals.stop = true;
        run.seconds = seconds_since(began);
    }
    return run;
}

std::string thread_count(int threads) { return std::to_string(threads) + (threads == 1 ? " thread" : " threads"); }

}  // namespace bench
