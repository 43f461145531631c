#include "driver/batches.hpp"
#include "driver/threads.hpp"
#include "driver/workloads.hpp"

#include <atomic>
#include <exception>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

constexpr int aggregators = 4;
constexpr auto frame = std::chrono::nanoseconds{1'000'000'000 / 60};
constexpr const char* scenario = "the window";

struct Shared {
    Contender& contender;
    std::int64_t items;
    std::int64_t sum;
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> aggregations{0};
    std::mutex mutex;
    std::string error;  // guarded

    /// A thread that fails ends the run and is told of.
    template <class Body>
    void guarded(Body body) {
        try {
            const auto session = contender.session();
            body(*session);
        } catch (const std::exception& problem) {
            const std::scoped_lock lock{mutex};
            error = problem.what();
        }
    }
};

void aggregate(Shared& shared) {
    shared.guarded([&](Session& session) {
        while (!shared.stop) {
            if (session.aggregate() != shared.sum) throw std::runtime_error{"an aggregation was wrong"};
            ++shared.aggregations;
        }
    });
}

/// A transaction for each batch, so that others can write in between.
void import_in_batches(Shared& shared, std::int64_t rows) {
    shared.guarded([&](Session& session) {
        for (Source source{rows}; !source.is_empty() && !shared.stop;) session.import(source.one());
    });
    shared.stop = true;
}

struct Frames {
    Histogram latency;
    std::uint64_t missed = 0;
};

void draw(Session& session, Shared& shared, Random& random, std::int64_t number) {
    for (int i = 0; i < 10; ++i) {
        const auto id = random.up_to(shared.items);
        if (session.read(id).amount != amount_of(id)) throw std::runtime_error{"a read was wrong"};
    }
    session.append(0, number);
}

/// A frame that takes too long makes others not happen, and those are counted: their waiting is in no percentile.
Frames sixty_times_a_second(Shared& shared) {
    Frames frames;
    shared.guarded([&](Session& session) {
        Random random{1};
        auto due = Clock::now();
        for (std::int64_t number = 0; !shared.stop; ++number) {
            std::this_thread::sleep_until(due);
            const auto began = Clock::now();
            draw(session, shared, random, number);
            frames.latency.add(nanoseconds_since(began));
            for (due += frame; due < Clock::now(); due += frame) ++frames.missed;
        }
    });
    return frames;
}

void measure(Context& context, const Kind& kind, Contender& contender, const std::filesystem::path& file) {
    Shared shared{contender, context.settings.items, contender.session()->aggregate()};
    const auto rows = context.settings.import_rows;
    const auto began = Clock::now();
    double import_took = 0;
    Frames frames;
    {
        std::vector<std::jthread> threads;
        threads.reserve(aggregators + 1);
        for (int i = 0; i < aggregators; ++i) threads.emplace_back([&] { aggregate(shared); });
        threads.emplace_back([&] {
            import_in_batches(shared, rows);
            import_took = seconds_since(began);
        });
        frames = sixty_times_a_second(shared);
        shared.stop = true;
    }
    if (!shared.error.empty()) throw std::runtime_error{shared.error};
    expect_imported(file, rows);
    const auto add = [&](std::string_view metric, double value) {
        context.results.add("B5", scenario, kind.name, metric, value);
    };
    add("p99_ms", static_cast<double>(frames.latency.percentile(0.99)) / 1e6);
    add("p50_ms", static_cast<double>(frames.latency.percentile(0.5)) / 1e6);
    add("worst_ms", static_cast<double>(frames.latency.longest()) / 1e6);
    add("frames", static_cast<double>(frames.latency.count()));
    add("missed", static_cast<double>(frames.missed));
    add("rows_per_second", static_cast<double>(rows) / import_took);
    add("aggregations_per_second", static_cast<double>(shared.aggregations.load()) / import_took);
}

}  // namespace

void window(Context& context) {
    context.each_turn("B5", scenario, Durability::full, context.settings.long_rounds,
                      [&](const Kind& kind, Contender& contender, const std::filesystem::path& file) {
                          measure(context, kind, contender, file);
                      });
}

}  // namespace bench
