#include "demo_run.hpp"

#include "cli.hpp"

#include <plm/category_manager.hpp>
#include <plm/workflow_manager.hpp>

#include <sqlane/errors.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <latch>
#include <mutex>
#include <thread>

namespace cli {
namespace {

using sqlane::Clock;
using sqlane::ConnectionManager;

// ---- the threads ----

/// The first failure of all threads, which ends the others.
class Failure {
public:
    void keep(std::exception_ptr failure) {
        const std::lock_guard lock{mutex_};
        if (!failure_) failure_ = std::move(failure);
        happened_ = true;
    }
    [[nodiscard]] bool happened() const { return happened_; }
    void rethrow() const {
        if (failure_) std::rethrow_exception(failure_);
    }

private:
    std::atomic<bool> happened_{false};
    std::mutex mutex_;
    std::exception_ptr failure_;
};

/// A crew of writers on one job after the other, while readers look on.
class Site {
public:
    Site(ConnectionManager& db, const DemoSettings& settings, std::stop_token stop)
        : db_(db), writers_(settings.writers), stop_(std::move(stop)) {
        readers_.reserve(static_cast<std::size_t>(settings.readers));
        for (int i = 0; i < settings.readers; ++i)
            readers_.emplace_back([this](const std::stop_token& end) { read(end); });
    }

    /// Calls `work(0)` to `work(count - 1)`, spread over the writers.
    template <class F>
    void all(int count, F work) {
        std::atomic<int> next{0};
        {
            std::vector<std::jthread> threads;
            threads.reserve(static_cast<std::size_t>(writers_));
            for (int i = 0; i < writers_; ++i)
                threads.emplace_back([&] {
                    for (int index = next++; index < count && !over(); index = next++) attempt([&] { work(index); });
                });
        }
        failure_.rethrow();
        if (stop_.stop_requested()) throw sqlane::Cancelled{"the demo was interrupted"};
    }

    void send_readers_home() {
        readers_.clear();
        failure_.rethrow();
    }

    std::atomic<std::uint64_t> undone{0};
    std::atomic<std::uint64_t> reads{0};
    std::atomic<std::uint64_t> refused{0};
    std::atomic<std::uint64_t> torn{0};

private:
    [[nodiscard]] bool over() const { return failure_.happened() || stop_.stop_requested(); }

    /// Again when it was refused.
    template <class F>
    void attempt(F work) {
        while (!over()) try {
                return work();
            } catch (const product::ChangedMyMind&) {
                ++undone;
                return;
            } catch (const sqlane::ErrorWithReport&) {
                ++refused;
            } catch (...) {
                return failure_.keep(std::current_exception());
            }
    }

    /// As people do, who look at what they found.
    static void pause() { std::this_thread::sleep_for(std::chrono::milliseconds{2}); }

    void read(const std::stop_token& end) {
        for (std::uint64_t turn = 0; !end.stop_requested() && !over(); ++turn, pause())
            attempt([&] {
                if (turn % 4 != 0)
                    product::look_around(db_, turn);
                else if (product::is_torn(db_))
                    ++torn;
                ++reads;
            });
    }

    ConnectionManager& db_;
    int writers_;
    std::stop_token stop_;
    Failure failure_;
    std::vector<std::jthread> readers_;
};

// ---- the product ----

/// By level, in the order of their making.
struct Parts {
    std::vector<plm::CreatedPart> components;
    std::vector<plm::CreatedPart> boards;
    std::vector<plm::CreatedPart> modules;
    plm::CreatedPart product;
};

/// Every `step`th of the parts from `first` on, as lines of an assembly.
template <class Quantity>
std::vector<plm::BomLine> lines_of(const std::vector<plm::CreatedPart>& parts, int first, int step, Quantity quantity) {
    std::vector<plm::BomLine> lines;
    for (int i = first; i < static_cast<int>(parts.size()); i += step)
        lines.push_back({.child = parts[static_cast<std::size_t>(i)].part.id,
                         .quantity = plm::Quantity{quantity(i)},
                         .find_number = 10 * (static_cast<int>(lines.size()) + 1)});
    return lines;
}

void make_components(ConnectionManager& db, Site& site, const product::Team& team, Parts& parts) {
    constexpr int one_undone_in = 50;
    const auto count = static_cast<int>(parts.components.size());
    site.all(count, [&](int i) {
        parts.components[static_cast<std::size_t>(i)] = product::make_component(db, team, i);
        if (i % one_undone_in == one_undone_in - 1) product::make_and_regret(db, team, i);
    });
}

Parts build(ConnectionManager& db, Site& site, const product::Team& team, const product::Shape& shape) {
    Parts parts;
    parts.components.resize(static_cast<std::size_t>(shape.components));
    parts.boards.resize(static_cast<std::size_t>(shape.boards));
    parts.modules.resize(static_cast<std::size_t>(shape.modules));
    make_components(db, site, team, parts);
    site.all(shape.boards, [&](int i) {
        const auto lines = lines_of(parts.components, i, shape.boards, product::quantity_of);
        parts.boards[static_cast<std::size_t>(i)] =
            product::make_assembly(db, team, "Board " + std::to_string(i), "EL", lines);
    });
    site.all(shape.modules, [&](int i) {
        const auto lines = lines_of(parts.boards, i, shape.modules, [](int) { return product::boards_in_module; });
        parts.modules[static_cast<std::size_t>(i)] =
            product::make_assembly(db, team, "Module " + std::to_string(i), "AS", lines);
    });
    const auto lines = lines_of(parts.modules, 0, 1, [](int) { return product::modules_in_product; });
    parts.product = product::make_assembly(db, team, "Product", "AS", lines);
    return parts;
}

/// Children first, or their parents would be refused.
void release_all(ConnectionManager& db, Site& site, const product::Team& team, const Parts& parts) {
    for (const auto* level : {&parts.components, &parts.boards, &parts.modules})
        site.all(static_cast<int>(level->size()),
                 [&](int i) { product::release(db, team, (*level)[static_cast<std::size_t>(i)].revision.id); });
    const plm::PartManagementManager management{db};
    management.submit(parts.product.revision.id, {team.reviewer}, team.designer);
    management.approve(parts.product.revision.id, team.reviewer, "well done");
    management.release(parts.product.revision.id, team.reviewer);
}

std::vector<plm::PartId> ids_of(const std::vector<plm::CreatedPart>& parts) {
    std::vector<plm::PartId> ids;
    ids.reserve(parts.size());
    for (const auto& one : parts) ids.push_back(one.part.id);
    return ids;
}

// ---- one wait that takes too long ----

struct ReleaseAtEnd {
    std::latch& latch;
    ~ReleaseAtEnd() { latch.count_down(); }
};

void rename_category(ConnectionManager& db, sqlane::Deadline deadline) {
    db.transaction({.label = "rename category", .deadline = deadline},
                   [&](sqlane::Transaction&) { plm::CategoryManager{db}.rename("SW", "FW", "Firmware"); });
}

/// One thread keeps a transaction open until this one has been refused. Nobody sleeps: each waits for the other's step.
void provoke_timeout(ConnectionManager& db, DemoResult& result) {
    std::latch importing{1};
    std::latch refused{1};
    Failure failure;
    {
        std::jthread importer{[&] {
            const ReleaseAtEnd in_any_case{importing};
            try {
                db.transaction({.label = "nightly import"}, [&](sqlane::Transaction&) {
                    importing.count_down();
                    refused.wait();
                });
            } catch (...) {
                failure.keep(std::current_exception());
            }
        }};
        const ReleaseAtEnd release{refused};
        importing.wait();
        try {
            rename_category(db, std::chrono::milliseconds{50});
        } catch (const sqlane::ErrorWithReport& error) {
            result.timeout_kind = kind_of(error);
            result.timeout_message = error.what();
        }
    }
    failure.rethrow();
}

/// Runs `work` and tells how long it took.
template <class F>
double seconds_of(F work) {
    const auto begun = Clock::now();
    work();
    return std::chrono::duration<double>(Clock::now() - begun).count();
}

}  // namespace

DemoResult run_demo_on(ConnectionManager& db, const DemoSettings& settings, const std::stop_token& stop) {
    DemoResult result;
    result.shape = product::Shape::of(settings.parts);
    const auto team = product::hire(db);
    Parts parts;
    Site site{db, settings, stop};
    result.seconds_building = seconds_of([&] { parts = build(db, site, team, result.shape); });
    result.seconds_releasing = seconds_of([&] { release_all(db, site, team, parts); });
    site.send_readers_home();
    result.undone = site.undone;
    result.reads = site.reads;
    result.refused = site.refused;
    result.torn = site.torn;
    result.stats = db.stats();
    result.product = parts.product.part.number;
    result.moves = plm::WorkflowManager{db}.moves(parts.product.revision.id);
    result.faults = product::faults_of(db, result.shape, parts.product.revision.id, ids_of(parts.components));
    if (result.torn > 0) result.faults.push_back(counted(result.torn, "read") + " saw half of a transaction");
    provoke_timeout(db, result);
    if (result.timeout_kind.empty()) result.faults.emplace_back("a call waited longer than its deadline of 50 ms");
    return result;
}

}  // namespace cli
