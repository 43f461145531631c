#include "process_trials.hpp"

#include "support/child_process.hpp"
#include "support/rival.hpp"
#include "support/shared_memory.hpp"

#include <sqlane/sqlane.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <sstream>
#include <thread>

// T6: several sessions append to lists and read them. From what each saw, and when, follows whether every read was of
// the newest state.

namespace soak {
namespace {

using Nanoseconds = std::int64_t;

constexpr std::size_t processes = 2;
constexpr std::size_t sessions_of_process = 3;
constexpr std::size_t sessions = processes * sessions_of_process;
constexpr std::uint64_t most_operations = 2'000'000;
/// After this a new history begins: a long one takes long to judge.
constexpr std::chrono::milliseconds longest_history{20'000};
/// A list that is full is left alone, so that reading stays cheap.
constexpr std::int64_t values_of_list = 48;
constexpr std::size_t digits = 8;

/// One operation of a session, which makes them one after the other. Nothing here is initialized, so that an operation
/// that was never made takes no memory; what is shared begins as zeros.
struct Operation {
    /// The clock of the machine is one for all processes.
    Nanoseconds begun;
    Nanoseconds ended;
    std::int64_t list;
    /// What was appended; 0 for a read.
    std::uint32_t value;
    /// What was read: how many values, and which ones.
    std::uint32_t length;
    std::uint64_t content;
    /// The other half of the list, which is written in the same transactions, was another one.
    bool torn;
};

struct Session {
    std::uint64_t count = 0;
    std::array<Operation, most_operations> operations;
};

struct History {
    std::atomic<bool> done{false};
    std::atomic<std::uint64_t> errors{0};
    std::atomic<std::int64_t> list{1};
    std::array<Session, sessions> all;
};

Nanoseconds now() { return std::chrono::steady_clock::now().time_since_epoch().count(); }

std::uint64_t content_of(std::string_view values) {
    std::uint64_t hash = 0xcbf29ce484222325U;
    for (const char c : values) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return hash;
}

/// Both halves of a list.
using Read = std::function<std::pair<std::string, std::string>(std::int64_t list)>;

Read fresh(sqlane::ConnectionManager& db) {
    return [&db](std::int64_t list) {
        return db.execute([&](sqlane::Reader& r) {
            constexpr auto sql = "SELECT coalesce(max(items), '') FROM List WHERE list = ? AND half = ?";
            return std::pair{r.one<std::string>(sql, list, 0), r.one<std::string>(sql, list, 1)};
        });
    };
}

/// A snapshot that is kept for several reads, whoever commits.
Read stale(const std::filesystem::path& file) {
    return [db = std::make_shared<support::Rival>(file), count = 0](std::int64_t list) mutable {
        if (count++ % 8 == 0) db->run((count == 1 ? "" : "COMMIT; ") + std::string{"BEGIN"});
        const auto half = [&](int which) {
            return db->text("SELECT coalesce(max(items), '') FROM List WHERE list = " + std::to_string(list) +
                            " AND half = " + std::to_string(which));
        };
        return std::pair{half(0), half(1)};
    };
}

std::string written(std::uint32_t value) {
    std::string text(digits, '0');
    for (auto digit = text.rbegin(); value > 0; value /= 10, ++digit) *digit = static_cast<char>('0' + value % 10);
    return text;
}

void append(sqlane::ConnectionManager& db, Operation& operation) {
    const auto text = written(operation.value);
    operation.begun = now();
    db.transaction([&](sqlane::Transaction& tx) {
        for (const int half : {0, 1})
            tx.run(
                "INSERT INTO List(list, half, items) VALUES (?, ?, ?) "
                "ON CONFLICT(list, half) DO UPDATE SET items = items || excluded.items",
                operation.list, half, text);
    });
    operation.ended = now();
}

void read(const Read& how, Operation& operation) {
    operation.begun = now();
    const auto [one, other] = how(operation.list);
    operation.ended = now();
    operation.length = static_cast<std::uint32_t>(one.size() / digits);
    operation.content = content_of(one);
    operation.torn = one != other;
}

void run_session(sqlane::ConnectionManager& db, const Read& how, History& history, std::size_t number,
                 std::uint64_t seed) {
    auto& session = history.all.at(number);
    std::mt19937_64 random{seed * sessions + number};
    // No two sessions write the same value.
    auto value = static_cast<std::uint32_t>(number);
    while (!history.done && session.count < most_operations) {
        auto& operation = session.operations.at(session.count);
        operation.list = history.list;
        if (random() % 48 == 0) {
            operation.value = value += sessions;
            append(db, operation);
        } else {
            read(how, operation);
            auto full = operation.list;
            if (operation.length >= values_of_list) history.list.compare_exchange_strong(full, full + 1);
        }
        ++session.count;
    }
}

int run_process(const std::filesystem::path& file, History& history, std::size_t process, bool is_stale,
                std::uint64_t seed) {
    sqlane::ConnectionManager db{file};
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < sessions_of_process; ++i)
        threads.emplace_back([&, number = process * sessions_of_process + i] {
            try {
                run_session(db, is_stale ? stale(file) : fresh(db), history, number, seed);
            } catch (const std::exception& error) {
                ++history.errors;
                history.done = true;
                static_cast<void>(!::write(2, error.what(), std::string_view{error.what()}.size()));
            }
        });
    return 0;
}

/// What is known of a list when all is over.
struct List {
    std::vector<std::uint64_t> content_at;         // by length
    std::map<std::uint32_t, std::uint32_t> place;  // of each value, from 1
};
using Lists = std::map<std::int64_t, List>;

Lists read_lists(const std::filesystem::path& file) {
    Lists lists;
    support::Rival db{file};
    for (std::int64_t list = 1, last = db.number("SELECT coalesce(max(list), 0) FROM List"); list <= last; ++list) {
        const auto items =
            db.text("SELECT coalesce(max(items), '') FROM List WHERE half = 0 AND list = " + std::to_string(list));
        auto& known = lists[list];
        known.content_at.push_back(content_of({}));
        for (std::size_t end = digits; end <= items.size(); end += digits) {
            known.content_at.push_back(content_of(std::string_view{items}.substr(0, end)));
            known.place[static_cast<std::uint32_t>(std::stoul(items.substr(end - digits, digits)))] =
                static_cast<std::uint32_t>(known.content_at.size() - 1);
        }
    }
    return lists;
}

/// That a list had at least this length from then on.
struct Seen {
    Nanoseconds from = 0;
    std::uint32_t length = 0;
};

class Judge {
public:
    Judge(const History& history, Lists lists, Outcome& outcome)
        : history_(history), lists_(std::move(lists)), outcome_(outcome) {}

    void judge() {
        for (const auto& session : history_.all) note_facts(session);
        for (auto& [list, facts] : facts_) make_rising(facts);
        for (std::size_t i = 0; i < sessions; ++i) judge_session(i);
    }
    [[nodiscard]] std::uint64_t appends() const { return appends_; }

private:
    /// How long the list must be for everybody once this operation has ended.
    std::uint32_t length_known(const Operation& operation) {
        if (operation.value == 0) return operation.length;
        const auto& place = lists_[operation.list].place;
        const auto found = place.find(operation.value);
        return found == place.end() ? 0 : found->second;
    }

    void note_facts(const Session& session) {
        for (std::uint64_t i = 0; i < session.count; ++i) {
            const auto& operation = session.operations.at(i);
            facts_[operation.list].push_back({operation.ended, length_known(operation)});
        }
    }

    static void make_rising(std::vector<Seen>& facts) {
        std::ranges::sort(facts, {}, &Seen::from);
        std::uint32_t longest = 0;
        for (auto& fact : facts) fact.length = longest = std::max(longest, fact.length);
    }

    [[nodiscard]] std::uint32_t known_before(const Operation& operation) const {
        const auto& facts = facts_.at(operation.list);
        const auto after = std::ranges::lower_bound(facts, operation.begun, {}, &Seen::from);
        return after == facts.begin() ? 0 : std::prev(after)->length;
    }

    void judge_session(std::size_t number) {
        const auto& session = history_.all.at(number);
        std::map<std::int64_t, std::uint32_t> own;  // the longest that this session knows of
        for (std::uint64_t i = 0; i < session.count; ++i) {
            const auto& operation = session.operations.at(i);
            const auto problem = operation.value != 0 ? problem_of_append(operation) : problem_of_read(operation, own);
            if (!problem.empty())
                outcome_.fail(problem + ": session " + std::to_string(number) + ", operation " + std::to_string(i) +
                              ", list " + std::to_string(operation.list));
            auto& longest = own[operation.list];
            longest = std::max(longest, length_known(operation));
        }
    }

    std::string problem_of_append(const Operation& operation) {
        ++appends_;
        return lists_[operation.list].place.contains(operation.value) ? "" : "an append was lost";
    }

    std::string problem_of_read(const Operation& operation, std::map<std::int64_t, std::uint32_t>& own) {
        ++outcome_.runs;
        const auto& known = lists_[operation.list].content_at;
        if (operation.torn) return "two halves of one snapshot differ";
        if (operation.length > 0 && (operation.length >= known.size() || known[operation.length] != operation.content))
            return "no prefix of the list";
        if (operation.length < own[operation.list]) return "older than what the session knew or wrote";
        if (operation.length < known_before(operation)) return "older than what was known before it began";
        return {};
    }

    const History& history_;
    Lists lists_;
    Outcome& outcome_;
    std::map<std::int64_t, std::vector<Seen>> facts_;
    std::uint64_t appends_ = 0;
};

void make_lists(const std::filesystem::path& file) {
    sqlane::ConnectionManager db{file};
    db.execute_mut([](sqlane::Writer& w) {
        w.run("CREATE TABLE List(list INTEGER, half INTEGER, items TEXT NOT NULL, PRIMARY KEY(list, half)) STRICT");
    });
}

/// Adds one history to the outcome; returns its appends.
std::uint64_t check_history(const Settings& settings, std::chrono::milliseconds time, bool is_stale, Outcome& outcome) {
    const auto file = settings.folder / "lists.db";
    support::fork_child([&] {
        make_lists(file);
        return 0;
    }).wait();
    const support::SharedMemory<History> history;
    std::vector<support::Child> children;
    for (std::size_t i = 0; i < processes; ++i)
        children.push_back(
            support::fork_child([&, i] { return run_process(file, *history, i, is_stale, settings.seed); }));
    std::this_thread::sleep_for(time);
    history->done = true;
    for (auto& child : children)
        if (child.wait() != 0) outcome.fail("a process ended with an error");
    if (history->errors > 0) outcome.fail("a session ended with an error");
    Judge judge{*history, read_lists(file), outcome};
    judge.judge();
    return judge.appends();
}

Outcome check_histories(Settings settings, std::chrono::milliseconds time, bool is_stale) {
    Outcome outcome;
    std::uint64_t appends = 0;
    for (const auto folder = settings.folder; time.count() > 0 && outcome.bad == 0; ++settings.seed) {
        settings.folder = folder / std::to_string(settings.seed);
        std::filesystem::create_directory(settings.folder);
        appends += check_history(settings, std::min(time, longest_history), is_stale, outcome);
        time -= std::min(time, longest_history);
        if (outcome.bad == 0) std::filesystem::remove_all(settings.folder);
    }
    outcome.figures = std::to_string(appends) + " appends, " + std::to_string(sessions) + " sessions";
    return outcome;
}

}  // namespace

Trial history_trial() {
    return {.id = "T6",
            .title = "what each session read of growing lists, and when",
            .target = "0 anomalies in 1 M reads",
            .run =
                [](const Settings& settings) {
                    return check_histories(settings, std::chrono::milliseconds{settings.scaled(20'000)}, false);
                },
            .controls = {{"a snapshot kept for eight reads", [](const Settings& settings) {
                              return check_histories(
                                  settings,
                                  std::chrono::milliseconds{std::max<std::uint64_t>(settings.scaled(2'000), 500)},
                                  true);
                          }}}};
}

}  // namespace soak
