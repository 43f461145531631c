#include "faults.hpp"
#include "ledger.hpp"

#include "handle/platform.hpp"
#include "support/disks.hpp"

#include <sqlane/migrator.hpp>
#include <sqlane/sqlane.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <typeinfo>

/// T3: the disk fails at its k-th call, once or until it is healed; for every k, until there is no such call any more.
namespace soak {
namespace {

using support::FailingDisk;
using Fault = FailingDisk::Fault;
namespace fs = std::filesystem;

constexpr std::uint64_t runs_in_ci = 5000;
constexpr int entries_before = 5;

/// Empty for an error that tells the caller that the storage failed.
std::string wrong_with(const std::exception& error) {
    if (dynamic_cast<const sqlane::StorageError*>(&error) != nullptr) return {};
    if (dynamic_cast<const sqlane::Aborted*>(&error) != nullptr) return {};
    if (const auto* migration = dynamic_cast<const sqlane::MigrationError*>(&error))
        if (migration->problem() == sqlane::MigrationProblem::storage) return {};
    return std::string{"the error is a "} + typeid(error).name() + ": " + error.what();
}

/// One database on a disk that fails once, or from some call on.
class FaultRun {
public:
    FaultRun(const fs::path& file, const FailingDisk::Plan& plan, std::uint64_t seed)
        : file_(file), plan_(plan), random_(seed), vfs_("failing", disk_) {}

    [[nodiscard]] const fs::path& file() const noexcept { return file_; }
    [[nodiscard]] const std::string& vfs() const noexcept { return vfs_.name(); }
    [[nodiscard]] std::string wrong() const { return wrong_; }
    [[nodiscard]] bool disk_has_failed() const noexcept { return disk_has_failed_; }
    /// Entries that are there although their transaction said that it had failed.
    [[nodiscard]] std::int64_t revived() const noexcept { return revived_; }

    void let_disk_fail() { disk_.fail(plan_); }
    void heal_disk() {
        disk_has_failed_ |= disk_.has_failed();
        disk_.heal();
    }

    /// May fail, but only with an error that says so.
    void attempt(const std::function<void()>& work) {
        try {
            work();
        } catch (const std::exception& error) {
            note(wrong_with(error));
        } catch (...) {
            note("something that is no exception was thrown");
        }
    }
    /// On a disk that works again.
    void require(const std::function<void()>& work) {
        try {
            work();
        } catch (const std::exception& error) {
            note(std::string{"after healing: "} + error.what());
        }
    }

    [[nodiscard]] sqlane::Options options() const {
        sqlane::Options options;
        options.vfs = vfs_.name();
        options.timeout = std::chrono::milliseconds{500};
        options.wal_soft_limit = 65536;
        options.upkeep_thread = false;  // so that the calls of the disk come in the same order each time
        return options;
    }

    void write(sqlane::ConnectionManager& db) {
        const auto number = db.transaction([&](sqlane::Transaction& transaction) {
            const auto newest = transaction.one<std::int64_t>("SELECT newest FROM Sum");
            compare(newest);
            Ledger::write(transaction, newest + 1, random_);
            return newest + 1;
        });
        acknowledge(number);
    }
    void acknowledge(std::int64_t number) { acknowledged_ = number; }
    void read(sqlane::ConnectionManager& db) {
        compare(db.execute([](sqlane::Reader& reader) { return reader.one<std::int64_t>("SELECT newest FROM Sum"); }));
    }

    void note(const std::string& wrong) {
        if (wrong_.empty()) wrong_ = wrong;
    }

    /// What stands in the file when all is closed.
    void look() {
        if (vfs_.open_files() != 0) note(std::to_string(vfs_.open_files()) + " files were left open");
        const auto found = look_at(file_);
        note(found.wrong);
        compare(found.newest);
    }

private:
    void compare(std::int64_t newest) {
        if (newest < acknowledged_)
            note("acknowledged were " + std::to_string(acknowledged_) + " and there are " + std::to_string(newest));
        revived_ += std::max<std::int64_t>(0, newest - acknowledged_);
        acknowledged_ = std::max(acknowledged_, newest);
    }

    const fs::path file_;
    const FailingDisk::Plan plan_;
    std::mt19937_64 random_;
    FailingDisk disk_;
    support::ShimVfs vfs_;
    std::int64_t acknowledged_ = entries_before;
    std::int64_t revived_ = 0;
    bool disk_has_failed_ = false;
    std::string wrong_;
};

void transactions(FaultRun& run) {
    std::unique_ptr<sqlane::ConnectionManager> db;
    const auto open = [&] { db = std::make_unique<sqlane::ConnectionManager>(run.file(), run.options()); };
    run.let_disk_fail();
    run.attempt(open);
    for (int i = 0; i < 3 && db; ++i) {
        run.attempt([&] { run.write(*db); });
        run.attempt([&] { run.read(*db); });
    }
    run.heal_disk();
    if (!db) run.require(open);
    if (!db) return;
    run.require([&] { run.write(*db); });
    run.require([&] { run.read(*db); });
}

/// Each checkpoint of these comes in the middle of the work, for the log is longer than it should be.
void checkpoints(FaultRun& run) {
    sqlane::ConnectionManager db{run.file(), run.options()};
    run.let_disk_fail();
    for (int i = 0; i < 2; ++i) {
        run.attempt([&] {
            db.transaction([](sqlane::Transaction& transaction) {
                transaction.run("INSERT INTO Undone(body) VALUES (zeroblob(70000))");
                transaction.run("DELETE FROM Undone");
            });
        });
        run.attempt([&] { run.write(db); });
    }
    run.heal_disk();
    run.require([&] { run.write(db); });
    run.require([&] { run.read(db); });
}

void closing(FaultRun& run) {
    sqlane::ConnectionManager db{run.file(), run.options()};
    run.write(db);
    run.read(db);
    run.let_disk_fail();
    run.attempt([&] { static_cast<void>(db.close()); });
    run.heal_disk();
    run.require([&] { static_cast<void>(db.close()); });
}

/// The file is set up by the first migration, so that the second one is pending.
constexpr auto second_migration =
    "CREATE TABLE Tags(tag_id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n"
    "INSERT INTO Tags SELECT number, hex(zeroblob(200)) FROM Entries;\n"
    "CREATE INDEX ix_tags_name ON Tags(name);\n"
    "ALTER TABLE Undone ADD COLUMN reason TEXT;\n";

sqlane::Migrator migrator_for(const FaultRun& run) {
    static const std::array<sqlane::MigrationFile, 1> files{{{"0001_tags.sql", second_migration}}};
    sqlane::MigrationOptions options;
    options.vfs = run.vfs();
    options.lock_timeout = std::chrono::milliseconds{500};
    return {run.file(), sqlane::MigrationSet::from_files(files), options};
}

void migration(FaultRun& run) {
    auto migrator = migrator_for(run);
    bool done = false;
    run.let_disk_fail();
    run.attempt([&] {
        migrator.up();
        done = true;
    });
    run.heal_disk();
    run.require([&] {
        const auto before = migrator.version();
        if (done && before.empty()) run.note("an acknowledged migration is lost");
        migrator.up();
        if (Bare{run.file()}.values("SELECT count(*) FROM Tags") != std::to_string(entries_before))
            run.note("the migration is there in part");
    });
}

void backup(FaultRun& run) {
    auto migrator = migrator_for(run);
    fs::path copy;
    run.let_disk_fail();
    run.attempt([&] { copy = migrator.backup(); });
    run.heal_disk();
    if (!copy.empty() && look_at(copy).newest != entries_before) run.note("an acknowledged copy is not whole");
    run.require([&] { copy = migrator.backup(); });
    if (look_at(copy).newest != entries_before) run.note("the copy is not whole");
    for (const auto& entry : fs::directory_iterator{run.file().parent_path()}) {
        const auto name = entry.path().filename().string();
        if (name.find(".partial") != std::string::npos) run.note(name + " was left behind");
    }
}

/// Says that all is well, whatever COMMIT says.
void careless_layer(FaultRun& run) {
    run.let_disk_fail();
    try {
        Bare db{run.file(), run.vfs().c_str()};
        for (int number = entries_before + 1; number < entries_before + 4; ++number) {
            const auto text = std::to_string(number);
            db.attempt("BEGIN IMMEDIATE; INSERT INTO Entries VALUES (" + text + ", x'00');");
            db.attempt("UPDATE Sum SET entries = entries + 1, newest = " + text + "; COMMIT");
            if (sqlite3_get_autocommit(db.raw()) == 0) db.attempt("ROLLBACK");
            run.acknowledge(number);
        }
    } catch (const std::exception& error) {
        run.note(wrong_with(sqlane::StorageError{error.what()}));
    }
    run.heal_disk();
}

struct Scenario {
    const char* name;
    void (*run)(FaultRun&);
};

class FaultTrial {
public:
    explicit FaultTrial(const Settings& settings) : settings_(settings) {
        make_ledger(file_);
        {
            sqlane::ConnectionManager db{file_};
            std::mt19937_64 random{settings.seed};
            for (int number = 1; number <= entries_before; ++number)
                db.transaction([&](sqlane::Transaction& t) { Ledger::write(t, number, random); });
        }
        before_ = content_of(file_);
    }

    Outcome run(std::initializer_list<Scenario> scenarios, std::uint64_t runs) {
        for (pass_ = 0; outcome_.runs < runs; ++pass_) {
            for (const auto& scenario : scenarios)
                for (const auto fault : {Fault::io_error, Fault::full, Fault::short_write})
                    for (const bool sticky : {false, true}) fail_everywhere(scenario, fault, sticky);
            if (settings_.k) break;
        }
        outcome_.figures = std::to_string(revived_) + " failed commits were there afterwards";
        return std::move(outcome_);
    }

private:
    void fail_everywhere(const Scenario& scenario, Fault fault, bool sticky) {
        // Smaller sizes leave calls out, other ones in each pass.
        const auto step = settings_.scale < 1 ? static_cast<std::uint64_t>(1 / settings_.scale) : 1;
        if (settings_.k) {
            fail_at(scenario, {.fault = fault, .at = *settings_.k, .sticky = sticky});
            return;
        }
        for (auto k = 1 + (pass_ + settings_.seed) % step;; k += step)
            if (!fail_at(scenario, {.fault = fault, .at = k, .sticky = sticky})) return;
    }

    /// False when there was no such call.
    bool fail_at(const Scenario& scenario, const FailingDisk::Plan& plan) {
        fs::remove_all(folder_.path() / "box");
        fs::create_directory(folder_.path() / "box");
        write_file(file_in_box_, before_);
        FaultRun run{file_in_box_, plan, settings_.seed + pass_};
        scenario.run(run);
        run.look();
        ++outcome_.runs;
        revived_ += run.revived();
        if (!run.wrong().empty())
            outcome_.fail(run.wrong() + " (" + scenario.name + ", " + to_string(plan.fault) +
                          (plan.sticky ? " from call " : " at call ") + std::to_string(plan.at) + ", pass " +
                          std::to_string(pass_) + ", --k " + std::to_string(plan.at) + ")");
        return run.disk_has_failed();
    }

    const Settings& settings_;
    const sqlane::detail::platform::PrivateFolder folder_;
    const fs::path file_ = folder_.path() / "before.db";
    const fs::path file_in_box_ = folder_.path() / "box" / "faults.db";
    std::string before_;
    std::uint64_t pass_ = 0;
    std::int64_t revived_ = 0;
    Outcome outcome_;
};

}  // namespace

Trial disk_faults() {
    return {.id = "T3",
            .title = "the disk fails at every k-th call",
            .target = "typed error, nothing acknowledged lost, usable again, no descriptor leaked",
            .run =
                [](const Settings& s) {
                    return FaultTrial{s}.run({{"transactions", transactions},
                                              {"checkpoints", checkpoints},
                                              {"closing", closing},
                                              {"migration", migration},
                                              {"backup", backup}},
                                             s.scaled(runs_in_ci));
                },
            .controls = {{"a layer that does not look at what COMMIT says", [](const Settings& s) {
                              return FaultTrial{s}.run({{"careless layer", careless_layer}}, s.scaled(runs_in_ci / 20));
                          }}}};
}

}  // namespace soak
