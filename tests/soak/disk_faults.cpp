#include "faults.hpp"
#include "scenarios.hpp"

#include "handle/platform.hpp"
#include "support/disks.hpp"

#include <sqlane/migrator.hpp>

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <typeinfo>
#include <utility>

/// T3: the disk fails at its k-th call, once or until it is healed; for every k, until there is no such call any more.
namespace soak {
namespace {

using support::FailingDisk;
using Fault = FailingDisk::Fault;
namespace fs = std::filesystem;

constexpr std::uint64_t runs_in_ci = 5000;

class DiskTrouble final : public Trouble {
public:
    explicit DiskTrouble(const FailingDisk::Plan& plan) : plan_(plan), vfs_("failing", disk_) {}

    void begin() override {
        if (!std::exchange(begun_, true)) disk_.fail(plan_);
    }
    /// Nobody uses this disk in between.
    void pause() noexcept override {}
    void end() noexcept override {
        came_ = disk_.has_failed();
        disk_.heal();
    }
    [[nodiscard]] std::string wrong_with(const std::exception& error) const override {
        if (dynamic_cast<const sqlane::StorageError*>(&error) != nullptr) return {};
        if (dynamic_cast<const sqlane::Aborted*>(&error) != nullptr) return {};
        if (const auto* migration = dynamic_cast<const sqlane::MigrationError*>(&error))
            if (migration->problem() == sqlane::MigrationProblem::storage) return {};
        return std::string{"the error is a "} + typeid(error).name() + ": " + error.what();
    }
    [[nodiscard]] std::string vfs() const override { return vfs_.name(); }

    [[nodiscard]] bool came() const noexcept { return came_; }
    [[nodiscard]] int open_files() const noexcept { return vfs_.open_files(); }

private:
    const FailingDisk::Plan plan_;
    FailingDisk disk_;
    support::ShimVfs vfs_;
    bool begun_ = false;
    bool came_ = false;
};

class DiskFaults {
public:
    explicit DiskFaults(const Settings& settings)
        : settings_(settings), before_(TroubledRun::content_before(folder_.path(), settings.seed)) {}

    Outcome run(std::span<const Scenario> scenarios, std::uint64_t runs) {
        for (pass_ = 0; outcome_.runs < runs; ++pass_) {
            for (const auto& scenario : scenarios)
                for (const auto fault : {Fault::io_error, Fault::full, Fault::short_write})
                    for (const bool sticky : {false, true}) fail_everywhere(scenario, fault, sticky);
            if (settings_.k && pass_ == 1) break;
        }
        outcome_.figures =
            std::to_string(errors_) + " errors; " + std::to_string(revived_) + " commits that failed were there later";
        return std::move(outcome_);
    }

private:
    void fail_everywhere(const Scenario& scenario, Fault fault, bool sticky) {
        if (settings_.k) {
            fail_at(scenario, {.fault = fault, .at = *settings_.k, .sticky = sticky});
            return;
        }
        // Smaller sizes leave calls out, other ones for each seed.
        const auto step = settings_.scale < 1 ? static_cast<std::uint64_t>(1 / settings_.scale) : 1;
        for (auto k = 1 + (pass_ + settings_.seed) % step;; k += step)
            if (!fail_at(scenario, {.fault = fault, .at = k, .sticky = sticky})) return;
    }

    /// False when there was no such call.
    bool fail_at(const Scenario& scenario, const FailingDisk::Plan& plan) {
        fs::remove_all(file_.parent_path());
        fs::create_directory(file_.parent_path());
        write_file(file_, before_);
        DiskTrouble trouble{plan};
        TroubledRun run{file_, trouble, settings_.seed + pass_};
        if (pass_ % 2 == 1) run.let_in_bystander();
        scenario.run(run);
        if (trouble.open_files() != 0) run.note(std::to_string(trouble.open_files()) + " files were left open");
        run.look();
        ++outcome_.runs;
        errors_ += run.errors();
        revived_ += run.revived();
        if (!run.wrong().empty())
            outcome_.fail(run.wrong() + " (" + scenario.name + ", " + to_string(plan.fault) +
                          (plan.sticky ? " from call " : " at call ") + std::to_string(plan.at) + ", pass " +
                          std::to_string(pass_) + ", --k " + std::to_string(plan.at) + ")");
        return trouble.came();
    }

    const Settings& settings_;
    const sqlane::detail::platform::PrivateFolder folder_;
    const fs::path file_ = folder_.path() / "box" / "faults.db";
    const std::string before_;
    std::uint64_t pass_ = 0;
    std::uint64_t errors_ = 0;
    std::int64_t revived_ = 0;
    Outcome outcome_;
};

template <void (*layer)(TroubledRun&)>
Outcome fail_layer(const Settings& settings) {
    static constexpr std::array scenario{Scenario{"red control", layer}};
    return DiskFaults{settings}.run(scenario, settings.scaled(runs_in_ci / 20));
}

}  // namespace

Trial disk_faults() {
    return {.id = "T3",
            .title = "the disk fails at every k-th call",
            .target = "typed error, nothing acknowledged lost, usable again, no descriptor leaked",
            .run = [](const Settings& s) { return DiskFaults{s}.run(scenarios(), s.scaled(runs_in_ci)); },
            .controls = {{"a layer that does not look at what COMMIT says", fail_layer<careless_layer>},
                         {"a layer that leaves connections open", fail_layer<leaking_layer>},
                         {"a layer whose errors do not say what failed", fail_layer<vague_layer>}}};
}

}  // namespace soak
