#include "children.hpp"
#include "failing_memory.hpp"
#include "faults.hpp"
#include "scenarios.hpp"

#include "handle/platform.hpp"

#include <sqlane/migrator.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>

/// T4: the k-th allocation fails, SQLite's or our own, once or from there on. In children, because SQLite must be given
/// its allocator before it is used, and because what fails here may well crash.
namespace soak {
namespace {

namespace fs = std::filesystem;
using failing_memory::Of;

constexpr std::uint64_t runs_in_ci = 10'000;

/// What one child does.
struct Work {
    Of of{};
    std::string scenario;
    bool sticky = false;
    std::uint64_t seed = 0;
    /// At most so many runs, spread over all allocations.
    std::uint64_t runs = 0;
    /// One run only.
    std::uint64_t only = 0;
};

class MemoryTrouble final : public Trouble {
public:
    void begin() override { failing_memory::resume(); }
    void pause() noexcept override { failing_memory::pause(); }
    void end() noexcept override {
        failing_memory::pause();
        allocations_ = failing_memory::allocations();
        failing_memory::fail({}, 0, false);
    }
    [[nodiscard]] std::string wrong_with(const std::exception& error) const override {
        if (dynamic_cast<const std::bad_alloc*>(&error) != nullptr) return {};
        if (dynamic_cast<const sqlane::StorageError*>(&error) != nullptr) return {};
        if (dynamic_cast<const sqlane::Aborted*>(&error) != nullptr) return {};
        if (const auto* migration = dynamic_cast<const sqlane::MigrationError*>(&error))
            if (migration->problem() == sqlane::MigrationProblem::storage || migration->sqlite_code() == SQLITE_NOMEM)
                return {};
        return std::string{"the error is a "} + typeid(error).name() + ": " + error.what();
    }
    [[nodiscard]] std::uint64_t allocations() const noexcept { return allocations_; }

private:
    std::uint64_t allocations_ = 0;
};

/// For red controls: what a function that must not throw does when it has no memory.
void throw_where_none_may(TroubledRun& run) {
    const auto tidy_up = []() noexcept { static_cast<void>(std::make_unique<std::vector<int>>(100)); };
    run.attempt(tidy_up);
    run.end_trouble();
}

/// For red controls: forgets what it has when it cannot have more.
void leak(TroubledRun& run) {
    run.attempt([] {
        auto* first = new std::vector<int>(100);
        const std::vector<int> second(200);
        delete first;
    });
    run.end_trouble();
}

Scenario find_scenario(const std::string& name) {
    for (const auto& scenario : scenarios())
        if (scenario.name == name) return scenario;
    for (const auto& scenario :
         {Scenario{"careless", careless_layer}, Scenario{"throwing", throw_where_none_may}, Scenario{"leaking", leak}})
        if (scenario.name == name) return scenario;
    throw std::runtime_error{"there is no scenario " + name};
}

class MemoryFaults {
public:
    explicit MemoryFaults(const Work& work)
        : work_(work),
          scenario_(find_scenario(work.scenario)),
          before_(TroubledRun::content_before(folder_.path(), work.seed)) {}

    /// How many allocations there are when none fails. The first run makes what is made once.
    std::uint64_t count() {
        static_cast<void>(run(0));
        static_cast<void>(run(0));
        return allocations_;
    }

    /// Empty when all was well.
    std::string run(std::uint64_t at) {
        fs::remove_all(file_.parent_path());
        fs::create_directory(file_.parent_path());
        write_file(file_, before_);
        const auto live = failing_memory::live();
        const auto sqlite_live = sqlite3_memory_used();
        auto wrong = run_scenario(at);
        if (!wrong.empty()) return wrong;
        if (failing_memory::live() != live)
            wrong = std::to_string(failing_memory::live() - live) + " allocations of ours are left";
        if (sqlite3_memory_used() != sqlite_live)
            wrong = std::to_string(sqlite3_memory_used() - sqlite_live) + " bytes of SQLite's are left";
        return wrong;
    }

private:
    std::string run_scenario(std::uint64_t at) {
        MemoryTrouble trouble;
        TroubledRun run{file_, trouble, work_.seed};
        failing_memory::fail(work_.of, at, work_.sticky);
        scenario_.run(run);
        run.look();
        allocations_ = trouble.allocations();
        if (run.revived() > 0) run.note("a commit that failed was there later");
        return run.wrong();
    }

    const Work& work_;
    const Scenario scenario_;
    const sqlane::detail::platform::PrivateFolder folder_;
    const fs::path file_ = folder_.path() / "box" / "memory.db";
    const std::string before_;
    std::uint64_t allocations_ = 0;
};

int fail_everywhere(const Work& work, std::uint64_t from, const fs::path& diary_file) {
    failing_memory::go_below_sqlite();
    MemoryFaults faults{work};
    const auto count = faults.count();
    const Diary diary{diary_file};
    const auto try_at = [&](std::uint64_t k) {
        diary.begin(k);
        if (const auto wrong = faults.run(k); !wrong.empty()) diary.bad(k, wrong);
    };
    if (work.only != 0) {
        try_at(work.only);
        return 0;
    }
    const auto step = std::max<std::uint64_t>(1, (count + work.runs - 1) / work.runs);
    const auto first = 1 + work.seed % step;
    for (auto k = first; k <= count; k += step)
        if (k >= from) try_at(k);
    return 0;
}

void run_scenario(const Settings& settings, const Work& work, Outcome& outcome) {
    const std::string of = work.of == Of::sqlite ? "sqlite" : "own";
    const std::string how = work.sticky ? "sticky" : "once";
    run_in_children(settings,
                    {"memory", of, work.scenario, how, std::to_string(work.seed), std::to_string(work.runs),
                     std::to_string(work.only)},
                    1, work.scenario + ", allocations: " + of + ", " + how, outcome);
}

Outcome fail_memory(const Settings& settings) {
    Outcome outcome;
    // Most scenarios have fewer allocations than their share, and a few have many more.
    const auto each = std::max<std::uint64_t>(1, settings.scaled(runs_in_ci) / 20);
    for (const auto& scenario : scenarios())
        for (const auto of : {Of::sqlite, Of::own})
            for (const bool sticky : {false, true})
                run_scenario(settings,
                             {.of = of,
                              .scenario = scenario.name,
                              .sticky = sticky,
                              .seed = settings.seed,
                              .runs = each,
                              .only = settings.k.value_or(0)},
                             outcome);
    return outcome;
}

template <Of of>
Outcome fail_control(const Settings& settings, const char* scenario) {
    Outcome outcome;
    run_scenario(settings, {.of = of, .scenario = scenario, .sticky = true, .seed = settings.seed, .runs = 200},
                 outcome);
    return outcome;
}

}  // namespace

Trial memory_faults() {
    return {.id = "T4",
            .title = "the k-th allocation fails, SQLite's or our own",
            .target = "no crash, no leak, nothing acknowledged lost, usable again",
            .run = fail_memory,
            .controls = {{"a layer that does not look at COMMIT",
                          [](const Settings& s) { return fail_control<Of::sqlite>(s, "careless"); }},
                         {"a function that must not throw and does",
                          [](const Settings& s) { return fail_control<Of::own>(s, "throwing"); }},
                         {"a leak", [](const Settings& s) { return fail_control<Of::own>(s, "leaking"); }}}};
}

int memory_child(const std::vector<std::string>& arguments) {
    const Work work{.of = arguments.at(0) == "sqlite" ? Of::sqlite : Of::own,
                    .scenario = arguments.at(1),
                    .sticky = arguments.at(2) == "sticky",
                    .seed = std::stoull(arguments.at(3)),
                    .runs = std::stoull(arguments.at(4)),
                    .only = std::stoull(arguments.at(5))};
    return fail_everywhere(work, std::stoull(arguments.at(6)), arguments.at(7));
}

}  // namespace soak
