#include "kill_loop.hpp"

#include "support/ledger.hpp"
#include "support/steps.hpp"

#include <algorithm>
#include <csignal>
#include <map>
#include <random>
#include <set>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace soak {
namespace {

/// After so many, a new file: a long one takes long to look at.
constexpr std::uint64_t cycles_per_file = 50;

using Entries = std::set<std::pair<std::int64_t, std::int64_t>>;

/// When to kill: after so many acknowledgements, and then a moment later.
struct Moment {
    int acknowledgements = 0;
    std::chrono::microseconds later{};
};

Moment moment_of(std::uint64_t seed, std::uint64_t cycle, Load load) {
    std::mt19937_64 random{mixed(seed) + cycle};
    const int most = load == Load::migrations ? 6 : load == Load::reopening ? 20 : 80;
    // One in eight in the middle of opening the file.
    const int acknowledgements = random() % 8 == 0 ? 0 : std::uniform_int_distribution{1, most}(random);
    const int longest = acknowledgements == 0 ? 20'000 : 3'000;
    return {acknowledgements, std::chrono::microseconds{std::uniform_int_distribution{0, longest}(random)}};
}

std::string first_of(const Entries& entries) {
    std::ostringstream text;
    text << entries.size() << " (worker " << entries.begin()->first << ", number " << entries.begin()->second << ")";
    return text.str();
}

Entries without(const Entries& all, const Entries& some) {
    Entries rest;
    std::ranges::set_difference(all, some, std::inserter(rest, rest.end()));
    return rest;
}

class Loop {
public:
    Loop(const Settings& settings, const KillLoop& loop) : settings_(settings), loop_(loop) {}

    Outcome run(std::uint64_t cycles) {
        // A cycle stands on those before it on the same file.
        const auto first = settings_.k ? *settings_.k / cycles_per_file * cycles_per_file : 0;
        const auto last = settings_.k ? *settings_.k + 1 : cycles;
        for (auto cycle = first; cycle < last; ++cycle) {
            if (cycle % cycles_per_file == 0 || damaged_) begin_file(cycle);
            ++outcome_.runs;
            problems_.clear();
            try {
                run_cycle(cycle);
            } catch (const std::exception& error) {
                problems_.emplace_back(error.what());
            }
            tell_problems(cycle);
        }
        outcome_.figures = figures();
        return outcome_;
    }

private:
    void begin_file(std::uint64_t cycle) {
        if (!file_.empty() && !damaged_) std::filesystem::remove_all(file_.parent_path());
        file_ = settings_.folder / std::to_string(cycle) / "ledger.db";
        std::filesystem::create_directory(file_.parent_path());
        support::StartedProgram maker{program(cycle), {"child", "make-ledger", file_.string()}};
        if (maker.child().wait() != 0) throw std::runtime_error{"no ledger could be made"};
        entries_ = 0;
        version_ = 2;
        damaged_ = false;
    }

    void run_cycle(std::uint64_t cycle) {
        const auto load = loop_.loads[cycle % loop_.loads.size()];
        const auto acknowledged = write_until_killed(cycle, load);
        judge(cycle, load, acknowledged, look(cycle));
    }

    std::map<std::int64_t, std::int64_t> write_until_killed(std::uint64_t cycle, Load load) {
        support::StartedProgram writer{program(cycle),
                                       {"child", loop_.writer, file_.string(), std::to_string(settings_.seed),
                                        std::to_string(cycle), std::to_string(static_cast<int>(load))}};
        support::LedgerReader ledger{writer.output()};
        const auto moment = moment_of(settings_.seed, cycle, load);
        for (int i = 0; i < moment.acknowledgements; ++i)
            if (!ledger.read_one()) break;
        std::this_thread::sleep_for(moment.later);
        if (const int code = writer.child().kill_and_wait(); code != 128 + SIGKILL)
            throw std::runtime_error{"the writer ended with " + std::to_string(code)};
        ledger.read_to_end();
        for (const auto& [worker, highest] : ledger.highest()) acknowledged_ += static_cast<std::uint64_t>(highest);
        return ledger.highest();
    }

    Found look(std::uint64_t cycle) {
        support::StartedProgram looker{program(cycle + 1),
                                       {"child", "look-at-ledger", file_.string(), std::to_string(cycle)}};
        const auto text = looker.read_all();
        if (const int code = looker.child().wait(); code != 0)
            throw std::runtime_error{"the file could not be read: " + std::to_string(code)};
        return parse_found(text);
    }

    void judge(std::uint64_t cycle, Load load, const std::map<std::int64_t, std::int64_t>& acknowledged,
               const Found& found) {
        reopened_in_.push_back(found.reopened_in_ns);
        judge_content(found);
        if (load == Load::migrations)
            judge_version(acknowledged.empty() ? 0 : acknowledged.begin()->second, found);
        else
            judge_entries(cycle, acknowledged, {found.entries.begin(), found.entries.end()});
        if (load != Load::migrations && found.version != version_) problems_.emplace_back("the schema is another one");
        if (found.older_entries != entries_) problems_.emplace_back("commits of earlier cycles are gone");
        entries_ = found.older_entries + static_cast<std::int64_t>(found.entries.size());
        version_ = found.version;
    }

    void judge_content(const Found& found) {
        if (found.quick_check != "ok") problems_.push_back("quick_check: " + found.quick_check);
        if (found.bank != std::int64_t{accounts} * opening_balance)
            problems_.emplace_back("the bank's sum is another one");
        if (found.undone != 0) problems_.emplace_back("rows that were rolled back are there");
        if (found.bulk_stamps != 1) problems_.emplace_back("half of a large transaction is there");
        if (found.extra_rows != (found.version == 2 ? bulk_rows : -1))
            problems_.emplace_back("half of a migration is there");
    }

    /// Each migration that was acknowledged changed the version; one more may have.
    void judge_version(std::int64_t acknowledged, const Found& found) {
        if (!found.entries.empty()) problems_.emplace_back("commits that nobody made");
        ++migrated_;
        const auto after = [this](std::int64_t steps) { return steps % 2 == 0 ? version_ : 3 - version_; };
        if (found.version != after(acknowledged) && found.version != after(acknowledged + 1))
            problems_.emplace_back("the schema is at none of the versions that it can be at");
    }

    void judge_entries(std::uint64_t cycle, const std::map<std::int64_t, std::int64_t>& acknowledged,
                       const Entries& found) {
        Entries must;
        Entries may;
        for (std::int64_t worker = 0; worker < workers; ++worker) {
            const auto known = acknowledged.find(worker);
            const auto highest = known == acknowledged.end() ? 0 : known->second;
            for (std::int64_t number = 1; number <= highest + 1; ++number) {
                if (kind_of(settings_.seed, cycle, worker, number) == Kind::thrown) continue;
                may.emplace(worker, number);
                if (number <= highest) must.emplace(worker, number);
            }
        }
        if (const auto lost = without(must, found); !lost.empty())
            problems_.push_back("lost commits: " + first_of(lost));
        if (const auto phantoms = without(found, may); !phantoms.empty())
            problems_.push_back("phantom commits: " + first_of(phantoms));
    }

    void tell_problems(std::uint64_t cycle) {
        if (problems_.empty()) return;
        std::string text;
        for (const auto& problem : problems_) text += problem + "; ";
        outcome_.fail(text + "in " + file_.string() + " --k " + std::to_string(cycle));
        damaged_ = true;  // kept as it is
    }

    [[nodiscard]] std::filesystem::path program(std::uint64_t cycle) const {
        return loop_.programs[cycle % loop_.programs.size()];
    }

    [[nodiscard]] std::string figures() {
        if (reopened_in_.empty()) return {};
        std::ranges::sort(reopened_in_);
        const auto p99 = static_cast<double>(reopened_in_[(reopened_in_.size() - 1) * 99 / 100]) / 1e6;
        std::ostringstream text;
        text.precision(3);
        text << acknowledged_ << " acknowledged, " << migrated_ << " in migrations, reopen p99 " << p99 << " ms";
        if (p99 > static_cast<double>(support::within(std::chrono::milliseconds{250}).count()))
            outcome_.fail("reopening took longer than 250 ms");
        return text.str();
    }

    const Settings& settings_;
    const KillLoop& loop_;
    Outcome outcome_;
    std::filesystem::path file_;
    std::vector<std::string> problems_;
    bool damaged_ = false;
    std::int64_t entries_ = 0;
    std::int64_t version_ = 2;
    std::uint64_t acknowledged_ = 0;
    std::uint64_t migrated_ = 0;
    std::vector<std::int64_t> reopened_in_;
};

}  // namespace

Outcome run_kill_loop(const Settings& settings, const KillLoop& loop, std::uint64_t cycles) {
    return Loop{settings, loop}.run(cycles);
}

}  // namespace soak
