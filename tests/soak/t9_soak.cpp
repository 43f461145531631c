#include "process_trials.hpp"

#include "support/conversation.hpp"
#include "support/shared_memory.hpp"
#include "support/steps.hpp"

#include <sqlane/sqlane.hpp>

#include <malloc.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <functional>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>

// T9: threads are born and die, calls are cancelled and time out, the pool is resized all the time; and after as long as
// one likes, the process holds as much as it did at the beginning.

namespace soak {
namespace {

using namespace std::chrono_literals;
using sqlane::ConnectionManager;
using std::chrono::milliseconds;

constexpr int threads_of_round = 8;
constexpr int calls_of_thread = 20;
constexpr std::int64_t rows_kept = 500;
constexpr std::int64_t log_limit = 1 << 20;
/// A round takes some milliseconds. Nothing in it waits for longer than five seconds.
constexpr milliseconds patience_with_round = 12 * support::patience;

constexpr const char* endless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n WHERE i < 0";

/// What the process holds when all threads of a round are gone.
struct Sample {
    std::int64_t allocated = 0;
    std::int64_t resident = 0;
    std::int64_t descriptors = 0;
    std::int64_t log = 0;
};

enum class Ending : std::uint8_t { returned, timed_out, cancelled, saturated, thrown };
constexpr std::size_t endings = 5;

/// What the process under trial tells.
struct Told {
    std::array<std::atomic<std::uint64_t>, endings> calls{};
    std::atomic<std::uint64_t> unexpected{0};
    std::array<char, 4096> first_unexpected{};
    bool closed_well = false;
    std::array<char, 4096> closing{};
};

struct Undo {};

std::int64_t allocated_now() {
    const auto info = ::mallinfo2();
    return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

std::int64_t resident_now() {
    std::ifstream file{"/proc/self/statm"};
    std::int64_t pages = 0;
    file >> pages >> pages;
    return pages * ::sysconf(_SC_PAGESIZE);
}

std::int64_t descriptors_now() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, std::filesystem::directory_iterator{});
}

Sample sample_of(const ConnectionManager& db) {
    return {allocated_now(), resident_now(), descriptors_now(), db.stats().wal_bytes};
}

using Random = std::mt19937_64;
using Work = void (*)(ConnectionManager&, Random&);

void read(ConnectionManager& db, Random& random) {
    db.execute([&](sqlane::Reader& r) {
        return r.maybe<std::string>("SELECT name FROM Part WHERE part_id = ?", static_cast<int>(random() % rows_kept));
    });
}

void write(ConnectionManager& db, Random& random) {
    db.transaction([&](sqlane::Transaction& tx) {
        const auto id = tx.insert("INSERT INTO Part(name) VALUES (?)", std::string(random() % 200, 'x'));
        tx.run("DELETE FROM Part WHERE part_id <= ?", id - rows_kept);
    });
}

void write_nested(ConnectionManager& db, Random& random) {
    db.transaction([&](sqlane::Transaction& tx) {
        tx.savepoint([&] { write(db, random); });
        db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Part"); });
    });
}

void throw_inside(ConnectionManager& db, Random&) {
    db.transaction([](sqlane::Transaction& tx) {
        tx.run("DELETE FROM Part");
        throw Undo{};
    });
}

void leave_behind(ConnectionManager& db, Random&) {
    db.execute_mut([](sqlane::Writer& w) { w.run("CREATE TEMP TABLE Left_behind(x INTEGER)"); });
}

void run_past_deadline(ConnectionManager& db, Random&) {
    db.execute({.deadline = 2ms}, [](sqlane::Reader& r) { return r.one<int>(endless); });
}

void wait_past_deadline(ConnectionManager& db, Random& random) {
    db.transaction({.deadline = 20us}, [&](sqlane::Transaction& tx) {
        tx.run("DELETE FROM Part WHERE part_id = ?", static_cast<int>(random() % rows_kept));
    });
}

void be_cancelled(ConnectionManager& db, Random& random) {
    std::stop_source stop;
    const std::jthread canceller{[&] { stop.request_stop(); }};
    const sqlane::Call call{.label = "cancelled", .stop = stop.get_token()};
    if (random() % 2 == 0)
        db.execute(call, [](sqlane::Reader& r) { return r.one<int>(endless); });
    else
        db.transaction(call, [](sqlane::Transaction& tx) { return tx.one<int>(endless); });
}

void resize(ConnectionManager& db, Random& random) {
    const auto up_to = [&](int most) { return static_cast<int>(random() % static_cast<unsigned>(most + 1)); };
    // Never one alone: the long reader may have it.
    db.configure({.min_idle = up_to(1),
                  .max = 2 + up_to(4),
                  .overflow = up_to(4),
                  .max_waiters = 4 + up_to(60),
                  .idle_timeout = 20ms,
                  .max_lifetime = 50ms});
}

struct Choice {
    unsigned weight;
    Work work;
    /// What may come of it beside returning; always also Saturated.
    Ending other = Ending::returned;
};
constexpr std::array<Choice, 9> choices{{{50, read},
                                         {20, write},
                                         {6, write_nested},
                                         {6, throw_inside, Ending::thrown},
                                         {3, leave_behind},
                                         {4, run_past_deadline, Ending::timed_out},
                                         {4, wait_past_deadline, Ending::timed_out},
                                         {4, be_cancelled, Ending::cancelled},
                                         {3, resize}}};

const Choice& choose(Random& random) {
    auto dice = static_cast<unsigned>(random() % 100);
    for (const auto& choice : choices) {
        if (dice < choice.weight) return choice;
        dice -= choice.weight;
    }
    return choices.front();
}

/// How it ended; throws what nobody expects.
Ending end_of(ConnectionManager& db, Random& random, const Choice& choice) {
    try {
        choice.work(db, random);
    } catch (const sqlane::Timeout&) {
        if (choice.other != Ending::timed_out) throw;
        return Ending::timed_out;
    } catch (const sqlane::Cancelled&) {
        if (choice.other != Ending::cancelled) throw;
        return Ending::cancelled;
    } catch (const sqlane::Saturated&) {
        return Ending::saturated;
    } catch (const Undo&) {
        return Ending::thrown;
    }
    return Ending::returned;
}

void note_unexpected(Told& told, const std::string& what) {
    if (told.unexpected++ == 0) what.copy(told.first_unexpected.data(), told.first_unexpected.size() - 1);
}

void live_one_life(ConnectionManager& db, Told& told, std::uint64_t seed) {
    Random random{seed};
    for (int i = 0; i < calls_of_thread; ++i) {
        const auto& choice = choose(random);
        try {
            ++told.calls.at(static_cast<std::size_t>(end_of(db, random, choice)));
        } catch (const std::exception& error) {
            note_unexpected(told, error.what());
        }
    }
}

/// A reader that stays for a sixth of the time, from a sixth on: the log grows, and must come back.
class LongReader {
public:
    LongReader(ConnectionManager& db, milliseconds time) : begun_(sqlane::Clock::now()), time_(time), db_(db) {}
    ~LongReader() { end_.request_stop(); }
    LongReader(const LongReader&) = delete;
    LongReader& operator=(const LongReader&) = delete;

    void look_at_clock() {
        const auto passed = sqlane::Clock::now() - begun_;
        if (!thread_.joinable() && passed > time_ / 6 && passed < time_ / 3) thread_ = std::jthread{[this] { stay(); }};
        if (passed > time_ / 3) end_.request_stop();
    }

private:
    void stay() {
        db_.execute([this](sqlane::Reader& r) {
            static_cast<void>(r.one<int>("SELECT count(*) FROM Part"));
            std::mutex mutex;
            std::unique_lock lock{mutex};
            std::condition_variable_any().wait(lock, end_.get_token(), [] { return false; });
        });
    }

    sqlane::Clock::time_point begun_;
    milliseconds time_;
    ConnectionManager& db_;
    std::stop_source end_;
    std::jthread thread_;
};

/// Enough to see a slope.
constexpr int least_rounds = 24;
constexpr milliseconds time_of_control{2500};

/// What each round forgets to give back: nothing, or what the control has.
using Leak = void (*)();

/// The process under trial. Writes a sample after each round.
int live(const Settings& settings, milliseconds time, Leak leak, Told& told, int output) {
    sqlane::Options options;
    options.wal_soft_limit = log_limit;
    options.timeout = support::patience;
    ConnectionManager db{settings.folder / "soak.db", options};
    db.execute_mut([](sqlane::Writer& w) {
        w.run("CREATE TABLE Part(part_id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL) STRICT");
    });
    {
        LongReader reader{db, time};
        std::uint64_t life = settings.seed * 1'000'000;
        int rounds = 0;
        for (const auto end = sqlane::Clock::now() + time; sqlane::Clock::now() < end || rounds < least_rounds;
             ++rounds) {
            std::vector<std::jthread> threads;
            for (int i = 0; i < threads_of_round; ++i)
                threads.emplace_back([&, seed = ++life] { live_one_life(db, told, seed); });
            threads.clear();
            reader.look_at_clock();
            leak();
            const auto sample = sample_of(db);
            support::require(::write(output, &sample, sizeof sample) == sizeof sample, "write");
        }
    }
    const auto report = db.close();
    told.closed_well = report.complete && report.wal_bytes == 0;
    const auto text = to_string(report) + "\n" + to_string(db.report());
    text.copy(told.closing.data(), told.closing.size() - 1);
    return 0;
}

/// The samples until the process ends, or is silent for so long that it hangs.
class Watch {
public:
    explicit Watch(int input) : input_(input) {}

    bool read_to_end() {
        for (;;) {
            ::pollfd ready{.fd = input_, .events = POLLIN, .revents = 0};
            const int count = ::poll(&ready, 1, static_cast<int>(patience_with_round.count()));
            if (count == 0) return false;
            Sample sample;
            if (count > 0 && ::read(input_, &sample, sizeof sample) != sizeof sample) return true;
            if (count > 0) samples_.push_back(sample);
        }
    }
    [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }

    /// The middle value of the n-th of six parts.
    [[nodiscard]] std::int64_t middle(std::size_t part, std::int64_t Sample::*what) const {
        std::vector<std::int64_t> values;
        for (auto i = samples_.size() * part / 6; i < samples_.size() * (part + 1) / 6; ++i)
            values.push_back(samples_[i].*what);
        if (values.empty()) return 0;
        std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
        return values[values.size() / 2];
    }

private:
    int input_;
    std::vector<Sample> samples_;
};

/// The third part is the first one after the long reader.
constexpr std::size_t early = 3;
constexpr std::size_t late = 5;

struct Bound {
    const char* name;
    std::int64_t Sample::*what;
    /// How much more of it there may be in the last part than in the third one.
    std::int64_t growth;
    double unit;
};
constexpr std::array<Bound, 3> bounds{{{"allocated KiB", &Sample::allocated, 256 << 10, 1024},
                                       {"resident KiB", &Sample::resident, 4 << 20, 1024},
                                       {"descriptors", &Sample::descriptors, 6, 1}}};

void judge_growth(const Watch& watch, milliseconds time, Outcome& outcome) {
    std::ostringstream text;
    text << std::fixed;
    text.precision(0);
    for (const auto& bound : bounds) {
        const auto from = watch.middle(early, bound.what);
        const auto to = watch.middle(late, bound.what);
        text << bound.name << ' ' << static_cast<double>(from) / bound.unit << " -> "
             << static_cast<double>(to) / bound.unit << ", ";
        // A sanitizer keeps what was freed for a while.
        if (to - from > bound.growth && !(support::sanitized && bound.unit > 1))
            outcome.fail(std::string{bound.name} + " grew by " + std::to_string(to - from));
    }
    const auto log = watch.middle(late, &Sample::log);
    text << "log KiB " << log / 1024 << " (while read " << watch.middle(1, &Sample::log) / 1024 << ")";
    // Where a reader stayed, the checkpointer looks again after five seconds.
    if (log > 2 * log_limit && time >= 12s) outcome.fail("the log stays at " + std::to_string(log) + " bytes");
    outcome.figures = text.str();
}

void judge_calls(const Told& told, Outcome& outcome) {
    for (const auto& count : told.calls) outcome.runs += count;
    if (told.unexpected > 0)
        outcome.fail(std::to_string(told.unexpected) +
                     " calls ended badly, the first: " + told.first_unexpected.data());
    if (!told.closed_well) outcome.fail(std::string{"the manager was not closed well: "} + told.closing.data());
    std::ostringstream text;
    text << "; " << told.calls[1] << " timed out, " << told.calls[2] << " cancelled, " << told.calls[3] << " refused";
    outcome.figures += text.str();
}

Outcome soaked(const Settings& settings, milliseconds time, Leak leak) {
    const support::SharedMemory<Told> told;
    support::Pipe samples;
    auto child = support::fork_child([&] { return live(settings, time, leak, *told, samples.writing()); });
    samples.close_end(1);
    Outcome outcome;
    Watch watch{samples.reading()};
    if (!watch.read_to_end()) {
        child.kill_and_wait();
        outcome.fail("no round ended any more: the threads wait for each other");
    } else if (const int code = child.wait(); code != 0) {
        outcome.fail("the process ended with " + std::to_string(code));
    }
    judge_growth(watch, time, outcome);
    judge_calls(*told, outcome);
    outcome.figures = std::to_string(watch.samples().size()) + " rounds, " + outcome.figures;
    return outcome;
}

Outcome forget_descriptors(const Settings& settings) {
    return soaked(settings, time_of_control, [] {
        for (int i = 0; i < 4; ++i) static_cast<void>(::dup(0));
    });
}

Outcome forget_memory(const Settings& settings) {
    return soaked(settings, time_of_control, [] {
        static std::vector<std::string> forgotten;
        forgotten.emplace_back(128 << 10, 'x');
    });
}

}  // namespace

Trial soak_trial() {
    Trial trial{
        .id = "T9",
        .title = "soak: threads born and dying, calls cut short",
        .target = "memory, descriptors and log flat",
        .run = [](const Settings& settings) { return soaked(settings, milliseconds{settings.scaled(60'000)}, [] {}); },
        .controls = {{"descriptors forgotten in each round", forget_descriptors}}};
    // Of a sanitizer's memory nothing is judged.
    if (!support::sanitized) trial.controls.push_back({"memory forgotten in each round", forget_memory});
    return trial;
}

}  // namespace soak
