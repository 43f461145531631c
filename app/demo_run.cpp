#include "demo_run.hpp"

#include "cli.hpp"

#include <sqlane/errors.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <latch>
#include <numeric>
#include <thread>

namespace cli {
namespace {

using sqlane::Clock;
using sqlane::ConnectionManager;
using Tally = DemoTally;

// ---- the threads ----

struct Shift {
    Clock::time_point end;
    std::stop_token stop;
};

/// Calls `step(0)`, `step(1)`, ... until the shift is over.
template <class F>
void work(const Shift& shift, Tally& tally, F step) {
    for (std::uint64_t n = 0; Clock::now() < shift.end && !shift.stop.stop_requested(); ++n) {
        try {
            step(n);
        } catch (const parts::ChangedMyMind&) {
            ++tally.undone;
        } catch (const sqlane::ErrorWithReport&) {
            ++tally.refused;
        } catch (...) {
            tally.failure = std::current_exception();
            return;
        }
    }
}

void write(ConnectionManager& db, const Shift& shift, Tally& tally) {
    constexpr std::uint64_t one_undone_in = 50;
    constexpr std::array<const char*, 3> categories{"EL", "ME", "HY"};
    work(shift, tally, [&](std::uint64_t n) {
        const std::string category = categories.at(n % categories.size());
        if (n % one_undone_in == one_undone_in - 1) parts::receive_and_return(db, category, 10);
        tally.sum += n % 2 == 0 ? parts::create_part(db, category) : parts::receive_part(db, category, 10);
        ++tally.commits;
    });
}

void read(ConnectionManager& db, const Shift& shift, Tally& tally) {
    constexpr std::uint64_t look_ups = 16;
    std::int64_t newest = 1;
    work(shift, tally, [&](std::uint64_t n) {
        if (n % look_ups != 0) {
            parts::find_stock(db, static_cast<std::int64_t>(n) % newest + 1);
        } else {
            const auto seen = parts::newest(db);
            newest = std::max<std::int64_t>(seen.number, 1);
            tally.torn += seen.number == seen.sequence ? 0 : 1;
        }
        ++tally.reads;
    });
}

Tally add(Tally sum, const Tally& one) {
    sum.commits += one.commits;
    sum.undone += one.undone;
    sum.reads += one.reads;
    sum.refused += one.refused;
    sum.torn += one.torn;
    sum.sum += one.sum;
    if (!sum.failure) sum.failure = one.failure;
    return sum;
}

Tally run_threads(ConnectionManager& db, const DemoSettings& settings, const std::stop_token& stop) {
    const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>{settings.seconds});
    const Shift shift{Clock::now() + length, stop};
    std::vector<Tally> tallies(static_cast<std::size_t>(settings.readers + settings.writers));
    {
        std::vector<std::jthread> threads;
        for (auto& tally : tallies) {
            const bool writes = threads.size() < static_cast<std::size_t>(settings.writers);
            threads.emplace_back([&db, &shift, &tally, job = writes ? write : read] { job(db, shift, tally); });
        }
    }
    auto total = std::accumulate(tallies.begin(), tallies.end(), Tally{}, add);
    if (total.failure) std::rethrow_exception(total.failure);
    return total;
}

// ---- the check ----

std::vector<std::string> faults_of(const Tally& tally, const parts::Ledger& ledger) {
    const auto commits = static_cast<std::int64_t>(tally.commits);
    const std::int64_t first = commits > 0 ? 1 : 0;
    const auto numbers = std::to_string(ledger.lowest) + " to " + std::to_string(ledger.highest);
    std::vector<std::string> faults;
    const auto require = [&faults](bool holds, const std::string& fault) {
        if (!holds) faults.push_back(fault);
    };
    require(ledger.rows == commits, number(ledger.rows) + " rows for " + number(commits) + " commits");
    require(ledger.different == ledger.rows, "a number was given twice");
    require(ledger.lowest == first && ledger.highest == ledger.rows, "a gap: the numbers run from " + numbers);
    require(ledger.sequence == ledger.highest, "the sequence is at " + std::to_string(ledger.sequence));
    require(ledger.sum == tally.sum, "a writer was told another number than the table holds");
    require(tally.torn == 0, counted(tally.torn, "read") + " saw half of a transaction");
    return faults;
}

// ---- one wait that takes too long ----

struct ReleaseAtEnd {
    std::latch& latch;
    ~ReleaseAtEnd() { latch.count_down(); }
};

/// One thread keeps a transaction open until this one has been refused. Nobody sleeps: each waits for the other's step.
void provoke_timeout(ConnectionManager& db, DemoResult& result) {
    std::latch importing{1};
    std::latch refused{1};
    std::exception_ptr failure;
    {
        std::jthread importer{[&] {
            bool told = false;
            try {
                parts::nightly_import(db, [&] {
                    told = true;
                    importing.count_down();
                    refused.wait();
                });
            } catch (...) {
                failure = std::current_exception();
                if (!told) importing.count_down();
            }
        }};
        const ReleaseAtEnd release{refused};
        importing.wait();
        try {
            parts::rename_category(db, "EL", "electronics", std::chrono::milliseconds{50});
        } catch (const sqlane::ErrorWithReport& error) {
            result.timeout_kind = kind_of(error);
            result.timeout_message = error.what();
        }
    }
    if (failure) std::rethrow_exception(failure);
}

}  // namespace

DemoResult run_demo_on(ConnectionManager& db, const DemoSettings& settings, const std::stop_token& stop) {
    DemoResult result;
    parts::create_schema(db);
    const auto begun = Clock::now();
    result.tally = run_threads(db, settings, stop);
    result.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    result.stats = db.stats();
    result.ledger = parts::ledger(db);
    result.faults = faults_of(result.tally, result.ledger);
    provoke_timeout(db, result);
    if (result.timeout_kind.empty()) result.faults.emplace_back("a call waited longer than its deadline of 50 ms");
    return result;
}

}  // namespace cli
