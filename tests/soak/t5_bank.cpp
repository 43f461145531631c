#include "process_trials.hpp"

#include "support/child_process.hpp"
#include "support/shared_memory.hpp"

#include <sqlane/sqlane.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <random>
#include <sstream>
#include <thread>

// T5: several processes of several threads move money on one file, and nobody ever sees another sum.

namespace soak {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t processes = 4;
constexpr std::size_t threads = 4;
constexpr int accounts_of_bank = 64;
constexpr std::int64_t sum_of_bank = 64'000;
constexpr std::uint64_t enough_transfers = 20'000;

/// What the processes tell each other.
struct Bank {
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> reads{0};
    std::atomic<std::uint64_t> wrong_sums{0};
    std::atomic<std::uint64_t> busy{0};
    std::atomic<std::uint64_t> errors{0};
    /// By process and thread; the last process is the one that is killed.
    std::array<std::array<std::atomic<std::uint64_t>, threads>, processes + 1> transfers{};
};

using Transfer = void (*)(sqlane::ConnectionManager&, int from, int to, int amount);

void move_money(sqlane::Writer& w, int from, int to, int amount) {
    w.run("UPDATE Account SET balance = balance - ? WHERE account_id = ?", amount, from);
    w.run("UPDATE Account SET balance = balance + ? WHERE account_id = ?", amount, to);
}

void transfer_whole(sqlane::ConnectionManager& db, int from, int to, int amount) {
    db.transaction([&](sqlane::Transaction& tx) { move_money(tx, from, to, amount); });
}

void transfer_in_halves(sqlane::ConnectionManager& db, int from, int to, int amount) {
    db.execute_mut([&](sqlane::Writer& w) { move_money(w, from, to, amount); });
}

void make_bank(const std::filesystem::path& file) {
    sqlane::ConnectionManager db{file};
    db.transaction([](sqlane::Transaction& tx) {
        tx.run("CREATE TABLE Account(account_id INTEGER PRIMARY KEY, balance INTEGER NOT NULL) STRICT");
        for (int i = 0; i < accounts_of_bank; ++i)
            tx.run("INSERT INTO Account(account_id, balance) VALUES (?, ?)", i, sum_of_bank / accounts_of_bank);
    });
}

void look_at_sum(sqlane::ConnectionManager& db, Bank& bank) {
    const auto sum =
        db.execute([](sqlane::Reader& r) { return r.one<std::int64_t>("SELECT sum(balance) FROM Account"); });
    ++bank.reads;
    if (sum != sum_of_bank) ++bank.wrong_sums;
}

void work_at_counter(sqlane::ConnectionManager& db, Bank& bank, std::atomic<std::uint64_t>& transfers,
                     Transfer transfer, std::uint64_t seed) {
    std::mt19937_64 random{seed};
    std::uniform_int_distribution account{0, accounts_of_bank - 1};
    while (!bank.done) {
        try {
            transfer(db, account(random), account(random), static_cast<int>(random() % 100));
            ++transfers;
            look_at_sum(db, bank);
        } catch (const sqlane::Busy&) {
            ++bank.busy;
        }
    }
}

/// One process, until all are done.
int open_branch(const std::filesystem::path& file, Bank& bank, std::size_t process, Transfer transfer,
                std::uint64_t seed) {
    sqlane::ConnectionManager db{file};
    std::vector<std::jthread> clerks;
    for (std::size_t i = 0; i < threads; ++i)
        clerks.emplace_back([&, i] {
            try {
                work_at_counter(db, bank, bank.transfers.at(process).at(i), transfer, seed * 100 + process * 10 + i);
            } catch (const std::exception& error) {
                ++bank.errors;
                bank.done = true;
                static_cast<void>(!::write(2, error.what(), std::string_view{error.what()}.size()));
            }
        });
    return 0;
}

/// Sorted sums by process, and by thread, of those that are not killed.
std::vector<std::uint64_t> by_process(const Bank& bank) {
    std::vector<std::uint64_t> sums;
    for (std::size_t p = 0; p < processes; ++p) {
        sums.push_back(0);
        for (const auto& count : bank.transfers.at(p)) sums.back() += count;
    }
    std::ranges::sort(sums);
    return sums;
}

double share(std::uint64_t part, std::uint64_t whole) {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// The slowest thread against the fastest one of the same process; of all processes, the worst.
double fairness_of_threads(const Bank& bank) {
    double worst = 1;
    for (std::size_t p = 0; p < processes; ++p) {
        std::vector<std::uint64_t> counts;
        for (const auto& count : bank.transfers.at(p)) counts.push_back(count);
        std::ranges::sort(counts);
        worst = std::min(worst, share(counts.front(), counts.back()));
    }
    return worst;
}

class BankTrial {
public:
    BankTrial(const Settings& settings, Transfer transfer) : settings_(settings), transfer_(transfer) {}

    Outcome run(std::chrono::milliseconds time) {
        file_ = settings_.folder / "bank.db";
        support::fork_child([this] {
            make_bank(file_);
            return 0;
        }).wait();
        run_phase("all alive", time / 2, false);
        run_phase("one killed every 200 ms", time / 2, true);
        return outcome_;
    }

private:
    void run_phase(const char* name, std::chrono::milliseconds time, bool killing) {
        const support::SharedMemory<Bank> bank;
        std::vector<support::Child> branches;
        for (std::size_t p = 0; p < processes; ++p) branches.push_back(start(*bank, p));
        const auto end = std::chrono::steady_clock::now() + time;
        const auto killed = killing ? kill_until(end, *bank) : 0;
        std::this_thread::sleep_until(end);
        bank->done = true;
        for (auto& branch : branches)
            if (branch.wait() != 0) ++bank->errors;
        tell(name, *bank, killed);
    }

    support::Child start(Bank& bank, std::size_t process) {
        return support::fork_child(
            [&, process] { return open_branch(file_, bank, process, transfer_, settings_.seed); });
    }

    int kill_until(std::chrono::steady_clock::time_point end, Bank& bank) {
        int killed = 0;
        for (auto next = std::chrono::steady_clock::now() + 200ms; next < end; next += 200ms, ++killed) {
            auto victim = start(bank, processes);
            std::this_thread::sleep_until(next);
            victim.kill_and_wait();
        }
        return killed;
    }

    void tell(const char* name, const Bank& bank, int killed) {
        outcome_.runs += bank.reads;
        outcome_.bad += bank.wrong_sums;
        if (bank.wrong_sums > 0)
            outcome_.failures.push_back(std::to_string(bank.wrong_sums) + " of " + std::to_string(bank.reads) +
                                        " reads saw another sum, " + name);
        if (bank.errors > 0) outcome_.fail(std::string{"a process ended with an error, "} + name);
        const auto sums = by_process(bank);
        const auto between_processes = share(sums.front(), sums.back());
        std::uint64_t all = 0;
        for (const auto sum : sums) all += sum;
        // Of few transfers nothing can be said; and who is killed holds the others up as it happens.
        if (killed == 0 && all >= enough_transfers && (between_processes < 0.5 || fairness_of_threads(bank) < 0.5))
            outcome_.fail(std::string{"the slowest did less than half of what the fastest did, "} + name);
        std::ostringstream text;
        text.precision(2);
        text << (outcome_.figures.empty() ? "" : "; ") << name << ": ";
        text << all << " transfers, busy " << bank.busy << ", slowest/fastest process " << between_processes
             << ", thread " << fairness_of_threads(bank);
        if (killed > 0) text << ", killed " << killed;
        outcome_.figures += text.str();
    }

    const Settings& settings_;
    Transfer transfer_;
    std::filesystem::path file_;
    Outcome outcome_;
};

}  // namespace

Trial bank_trial() {
    return {.id = "T5",
            .title = "4 processes of 4 threads move money",
            .target = "one sum in every read; slowest >= half of fastest",
            .run =
                [](const Settings& settings) {
                    return BankTrial{settings, transfer_whole}.run(std::chrono::milliseconds{settings.scaled(20'000)});
                },
            .controls = {{"two commits for a transfer", [](const Settings& settings) {
                              return BankTrial{settings, transfer_in_halves}.run(
                                  std::chrono::milliseconds{std::max<std::uint64_t>(settings.scaled(2'000), 500)});
                          }}}};
}

}  // namespace soak
