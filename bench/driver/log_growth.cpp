#include "driver/threads.hpp"
#include "driver/workloads.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace bench {
namespace {

using namespace std::chrono_literals;

constexpr int readers = 4;
constexpr auto held = 20ms;

/// What the threads of one run share.
struct Shared {
    Contender& contender;
    std::atomic<bool> stop{false};
    std::atomic<std::uint64_t> longest_wait{0};
    std::atomic<std::uint64_t> writes{0};
    std::mutex mutex;
    std::string error;  // guarded

    void guarded(const std::function<void(Session&)>& step) {
        try {
            const auto session = contender.session();
            while (!stop) step(*session);
        } catch (const std::exception& problem) {
            const std::scoped_lock lock{mutex};
            error = problem.what();
            stop = true;
        }
    }

    void waited(std::uint64_t nanoseconds) {
        auto before = longest_wait.load();
        while (nanoseconds > before && !longest_wait.compare_exchange_weak(before, nanoseconds)) {
        }
    }
};

void read_slowly(Shared& shared) {
    shared.guarded([&](Session& session) {
        const auto asked = Clock::now();
        session.hold_snapshot([&] {
            shared.waited(nanoseconds_since(asked));
            std::this_thread::sleep_for(held);
        });
    });
}

void write_quickly(Shared& shared) {
    shared.guarded([&](Session& session) {
        session.append(0, static_cast<std::int64_t>(shared.writes.load()));
        ++shared.writes;
    });
}

/// By its name and never opened: to close a descriptor of a database file would drop SQLite's locks.
std::uintmax_t bytes_of_log(const std::filesystem::path& file) {
    std::error_code ignored;
    const auto bytes = std::filesystem::file_size(file.string() + "-wal", ignored);
    return ignored ? 0 : bytes;
}

std::uintmax_t highest_log(const std::filesystem::path& file, const Shared& shared, double seconds) {
    std::uintmax_t highest = 0;
    for (const auto began = Clock::now(); seconds_since(began) < seconds && !shared.stop;
         std::this_thread::sleep_for(10ms))
        highest = std::max(highest, bytes_of_log(file));
    return highest;
}

void measure(Context& context, std::string_view scenario, const Kind& kind, Contender& contender,
             const std::filesystem::path& file) {
    Shared shared{contender};
    std::uintmax_t highest = 0;
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < readers; ++i) {
            threads.emplace_back([&] { read_slowly(shared); });
            // So that there is never a moment without a reader.
            std::this_thread::sleep_for(held / readers);
        }
        threads.emplace_back([&] { write_quickly(shared); });
        highest = highest_log(file, shared, context.settings.wal_seconds);
        shared.stop = true;
    }
    const auto add = [&](std::string_view metric, double value) {
        context.results.add("B4", scenario, kind.name, metric, value);
    };
    add("wal_mb", static_cast<double>(highest) / 1e6);
    add("reader_wait_ms", static_cast<double>(shared.longest_wait.load()) / 1e6);
    add("writes_per_second", static_cast<double>(shared.writes.load()) / context.settings.wal_seconds);
    if (!shared.error.empty()) context.results.complain("B4, " + kind.name + ": " + shared.error);
}

}  // namespace

/// Twice: as it is used, and as fast as a writer can be, for a slow disk holds back the one that flushes.
void log_growth(Context& context) {
    for (const auto& [scenario, durability] :
         {std::pair{"synchronous=FULL", Durability::full}, std::pair{"synchronous=NORMAL", Durability::normal}})
        context.each_turn(
            "B4", scenario, durability, context.settings.long_rounds,
            [&, name = scenario](const Kind& kind, Contender& contender, const std::filesystem::path& file) {
                measure(context, name, kind, contender, file);
            });
}

}  // namespace bench
