#include "process_trials.hpp"

#include "support/conversation.hpp"
#include "support/rival.hpp"
#include "support/steps.hpp"

#include <sqlane/sqlane.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <sstream>
#include <thread>

// T17: a process is stopped for a while with a reader and the writer lent, as when a laptop sleeps or a debugger holds it.
//
//   the stopped one                      the other one
//   holds a reader and a transaction
//   a second thread waits for the writer, briefly, and a third one, patiently
//   SIGSTOP                              wants to write: Busy at its deadline
//                                        reads, as ever
//   SIGCONT                              wants to write, and waits
//   the second thread: Timeout at once
//   commits; the third thread: commits   writes
//   holds nothing, and has warned of nothing that is not over

namespace soak {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr milliseconds patience_of_other{150};
/// Later than the deadline by more than this is too late.
constexpr milliseconds tolerance = support::within(milliseconds{500});

/// Bits of an answer, so that each tells what went wrong.
enum Wrong : std::int64_t {
    nothing = 0,
    // Of the other process, which tells them by its exit code.
    no_busy = 1,
    wrong_moment = 2,
    cannot_read = 4,
    failed = 64,  // and of fork_child, when something was thrown
    // Of the one that was stopped.
    no_timeout = 256,
    late_timeout = 512,
    still_held = 1024,
    warned_falsely = 2048,
    impatient = 4096,
    cannot_write = 8192
};

std::string words_for(std::int64_t wrong) {
    std::string text;
    const auto add = [&](Wrong bit, const char* words) {
        if ((wrong & bit) != 0) text += (text.empty() ? "" : ", ") + std::string{words};
    };
    add(no_timeout, "who waited in line got no Timeout");
    add(late_timeout, "who waited in line got its Timeout late");
    add(still_held, "something is still lent");
    add(warned_falsely, "a warning of a leak is not taken back");
    add(no_busy, "the other process was not told Busy");
    add(wrong_moment, "the other process was not told at its deadline");
    add(failed, "the other process ended with an error");
    add(cannot_read, "the other process could not read");
    add(impatient, "who had time left in line was not served");
    add(cannot_write, "the other process could not write when it was free");
    return text;
}

struct Leaks {
    std::atomic<int> told{0};
    std::atomic<int> taken_back{0};
};

sqlane::Options with_quick_leaks(Leaks& leaks) {
    sqlane::Options options;
    options.leak_after = 200ms;
    options.on_warning = [&](const sqlane::Warning& warning) {
        if (warning.kind == sqlane::Warning::Kind::held_long) ++leaks.told;
        if (warning.kind == sqlane::Warning::Kind::came_back) ++leaks.taken_back;
    };
    return options;
}

/// The process that is stopped.
class Stopped {
public:
    Stopped(const std::filesystem::path& file, const support::Conversation::Told& told)
        : told_(told), db_(file, with_quick_leaks(leaks_)) {}

    int live() {
        db_.execute_mut([](sqlane::Writer& w) {
            w.run("CREATE TABLE IF NOT EXISTS Row(number INTEGER) STRICT");
            w.run("INSERT INTO Row(number) VALUES (0)");
        });
        std::int64_t wrong = 0;
        db_.execute([&](sqlane::Reader& r) {
            static_cast<void>(r.one<int>("SELECT count(*) FROM Row"));
            in_another_thread([&] { wrong = hold_the_writer(); });
        });
        told_.answer(wrong | held_now());
        told_.next();
        return 0;
    }

private:
    template <class Work>
    static void in_another_thread(Work&& work) {
        std::jthread{std::forward<Work>(work)}.join();
    }

    std::int64_t hold_the_writer() {
        std::int64_t wrong = 0;
        std::future<std::int64_t> patient;
        db_.transaction([&](sqlane::Transaction& tx) {
            tx.run("INSERT INTO Row(number) VALUES (1)");
            auto waiting = std::async(std::launch::async, [this] { return wait_in_line(); });
            patient = std::async(std::launch::async, [this] { return wait_patiently(); });
            support::wait_until("both are in line", [this] { return db_.stats().writer.waiting == 2; });
            told_.answer(0);  // now it is stopped, and goes on here
            told_.next();
            continued_ = sqlane::Clock::now().time_since_epoch().count();
            wrong = waiting.get();
        });
        return wrong | patient.get();
    }

    std::int64_t wait_patiently() {
        try {
            db_.transaction({.deadline = 1h},
                            [](sqlane::Transaction& tx) { tx.run("DELETE FROM Row WHERE number < 0"); });
        } catch (const sqlane::Error&) {
            return impatient;
        }
        return 0;
    }

    /// Its deadline passes while the process is stopped.
    std::int64_t wait_in_line() {
        try {
            db_.transaction({.deadline = patience_of_other}, [](sqlane::Transaction&) {});
        } catch (const sqlane::Timeout&) {
            const auto late = sqlane::Clock::now().time_since_epoch() - sqlane::Clock::duration{continued_.load()};
            return continued_ != 0 && late > tolerance ? late_timeout : nothing;
        }
        return no_timeout;
    }

    std::int64_t held_now() {
        const auto report = db_.report();
        std::int64_t wrong = report.writer.holders.empty() && report.readers.holders.empty() ? nothing : still_held;
        // A call that begins now is young, however long the process was away.
        db_.transaction([](sqlane::Transaction& tx) { tx.run("UPDATE Row SET number = 2"); });
        // The reader and the writer that were lent, and nobody else.
        if (leaks_.told != leaks_.taken_back || leaks_.told > 2) wrong |= warned_falsely;
        return wrong;
    }

    const support::Conversation::Told& told_;
    Leaks leaks_;
    std::atomic<sqlane::Clock::rep> continued_{0};
    sqlane::ConnectionManager db_;
};

/// How the other process wants to write by a deadline; true when it was told Busy.
using Attempt = bool (*)(sqlane::ConnectionManager&);

bool attempt_with_deadline(sqlane::ConnectionManager& db) {
    try {
        db.transaction({.deadline = patience_of_other}, [](sqlane::Transaction& tx) { tx.run("DELETE FROM Row"); });
    } catch (const sqlane::Busy&) {
        return true;
    }
    return false;
}

/// As a program has it that sets a time-out for all that it does.
bool attempt_with_timeout(sqlane::ConnectionManager& db) {
    support::Rival bare{db.path()};
    bare.run("PRAGMA busy_timeout = " + std::to_string((patience_of_other + 2 * tolerance).count()));
    try {
        bare.run("BEGIN IMMEDIATE");
    } catch (const std::exception&) {
        return true;
    }
    return false;
}

/// The other process, until the first one goes on.
int live_beside(const std::filesystem::path& file, Attempt attempt, sqlane::Clock::time_point end) {
    int wrong = 0;
    sqlane::ConnectionManager db{file};
    while (wrong == 0 && sqlane::Clock::now() < end) {
        bool told_busy = false;
        const auto took = support::time_of([&] { told_busy = attempt(db); });
        if (!told_busy) wrong |= no_busy;
        if (took < patience_of_other || took > patience_of_other + tolerance) wrong |= wrong_moment;
        if (db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Row"); }) != 1)
            wrong |= cannot_read;
    }
    return wrong;
}

int write_once(const std::filesystem::path& file) {
    sqlane::ConnectionManager db{file};
    db.transaction([](sqlane::Transaction& tx) { tx.run("INSERT INTO Row(number) VALUES (3)"); });
    return 0;
}

std::int64_t stop_once(const std::filesystem::path& file, Attempt attempt, milliseconds time) {
    support::Conversation ours{[&](const auto& told) { return Stopped{file, told}.live(); }};
    std::int64_t wrong = ours.answer();
    ours.child().send(SIGSTOP);
    ours.child().wait_until_stopped();
    const auto end = sqlane::Clock::now() + time;
    wrong |= support::fork_child([&] { return live_beside(file, attempt, end); }).wait();
    ours.child().send(SIGCONT);
    auto other = support::fork_child([&] { return write_once(file); });
    wrong |= ours.ask('.');
    if (other.wait() != 0) wrong |= cannot_write;
    ours.tell('.');
    if (ours.child().wait() != 0) wrong |= still_held;
    return wrong;
}

Outcome stopped(const Settings& settings, Attempt attempt, std::uint64_t rounds) {
    // Longer than any of the times above; at length, as long as a person is away.
    const auto time = milliseconds{static_cast<int>(std::clamp(700 * settings.scale, 700.0, 30'000.0))};
    Outcome outcome;
    for (std::uint64_t k = 0; k < rounds; ++k) {
        const auto file = settings.folder / (std::to_string(k) + ".db");
        ++outcome.runs;
        if (const auto wrong = stop_once(file, attempt, time); wrong != 0)
            outcome.fail(words_for(wrong) + " in " + file.string());
    }
    outcome.figures = "stopped for " + std::to_string(time.count()) + " ms";
    return outcome;
}

}  // namespace

Trial stopped_trial() {
    return {
        .id = "T17",
        .title = "stopped for a while with leases in hand",
        .target = "time-outs right, no false leak",
        .run = [](const Settings& settings) { return stopped(settings, attempt_with_deadline, settings.scaled(10)); },
        .controls = {{"another process without deadlines",
                      [](const Settings& settings) { return stopped(settings, attempt_with_timeout, 1); }}}};
}

}  // namespace soak
