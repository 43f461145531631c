#include "entries.hpp"
#include "faults.hpp"

#include "handle/platform.hpp"
#include "support/shim_vfs.hpp"

#include <sqlane/sqlane.hpp>

#include <sqlite3.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <utility>

/// T7: a commit that begins the log anew, made between a checkpoint's look at the log and its work.
///
///   checkpoint                                the other connection
///   reads the header: N frames
///   tells the VFS that it has changed    -->
///                                             all N are home already, so the log begins anew; one frame is in it
///                                        <--
///   copies, and notes that N frames are home
///                                             commits: frames below N, which are taken for home and never copied
///
/// https://www.sqlite.org/wal.html#walresetbug
namespace soak {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t races_in_ci = 100;

/// Does what it is given in the moment between.
class BetweenLookAndWork final : public support::DiskHook {
public:
    void arm(std::function<void()> work) { work_ = std::move(work); }
    support::Fate before(const support::DiskCall& call) override {
        if (call.kind == support::DiskCall::Kind::unfetch && work_) std::exchange(work_, nullptr)();
        return {};
    }

private:
    std::function<void()> work_;
};

/// Fixed in 3.44.6, 3.50.7 and 3.51.3.
bool sqlite_has_the_race() {
    const int version = sqlite3_libversion_number();
    if (version < 3045000) return version < 3044006;
    if (version < 3051000) return version < 3050007;
    return version < 3051003;
}

/// One file in which every entry is a statement of its own.
class Race {
public:
    Race(fs::path file, std::uint64_t seed) : file_(std::move(file)), random_(seed) {
        make_entries(file_);
        Bare{file_}.run(
            "CREATE TRIGGER counts AFTER INSERT ON Entries BEGIN "
            "UPDATE Sum SET entries = entries + 1, newest = new.number; END");
    }

    [[nodiscard]] std::string next_entry(std::uint64_t size) const {
        return "INSERT INTO Entries(number, body) VALUES (" + std::to_string(acknowledged + 1) + ", randomblob(" +
               std::to_string(size) + "))";
    }
    bool commit(Bare& db, std::uint64_t size) {
        if (db.attempt(next_entry(size)) != SQLITE_OK) return false;
        ++acknowledged;
        return true;
    }
    std::uint64_t up_to(std::uint64_t most) { return 1 + random_() % most; }

    /// When all is closed.
    [[nodiscard]] std::string look() const {
        const auto found = look_at(file_);
        if (!found.wrong.empty()) return found.wrong;
        if (found.newest == acknowledged) return {};
        return "acknowledged were " + std::to_string(acknowledged) + " and there are " + std::to_string(found.newest);
    }
    [[nodiscard]] const fs::path& file() const noexcept { return file_; }

    std::int64_t acknowledged = 0;
    std::uint64_t moments = 0;
    std::uint64_t commits_in_between = 0;

private:
    const fs::path file_;
    std::mt19937_64 random_;
};

sqlane::Options options_with(const support::ShimVfs& vfs) {
    sqlane::Options options;
    options.vfs = vfs.name();
    options.wal_soft_limit = 65536;
    options.upkeep_thread = false;  // so that each checkpoint comes right behind the closure
    return options;
}

/// The manager's own checkpoints, each behind a log that another connection has brought home already.
void race_the_manager(Race& race) {
    BetweenLookAndWork between;
    const support::ShimVfs vfs{"between", between};
    sqlane::ConnectionManager db{race.file(), options_with(vfs)};
    Bare other{race.file()};
    other.run("PRAGMA wal_autocheckpoint=0");
    for (auto rounds = 2 + race.up_to(4); rounds > 0; --rounds) {
        db.execute_mut([&](sqlane::Writer& writer) {
            writer.run(race.next_entry(70'000));
            ++race.acknowledged;
            other.run("PRAGMA wal_checkpoint(PASSIVE)");
            between.arm([&] {
                ++race.moments;
                if (race.commit(other, 100)) ++race.commits_in_between;
            });
        });
        between.arm(nullptr);
        for (auto more = race.up_to(3); more > 0; --more) race.commit(other, 100);
    }
}

void race_a_plain_checkpoint(Race& race) {
    BetweenLookAndWork between;
    const support::ShimVfs vfs{"between", between};
    Bare writer{race.file()};
    Bare checkpointer{race.file(), vfs.name().c_str()};
    for (auto* db : {&writer, &checkpointer}) db->run("PRAGMA wal_autocheckpoint=0");
    checkpointer.run("SELECT count(*) FROM Entries");  // so that the log is another one when it looks again
    race.commit(writer, 70'000);
    writer.run("PRAGMA wal_checkpoint(PASSIVE)");
    between.arm([&] {
        ++race.moments;
        if (race.commit(writer, 100)) ++race.commits_in_between;
    });
    checkpointer.run("PRAGMA wal_checkpoint(PASSIVE)");
    between.arm(nullptr);
    for (auto more = race.up_to(3); more > 0; --more) race.commit(writer, 100);
}

Outcome run_races(const Settings& settings, void (*run)(Race&)) {
    Outcome outcome;
    std::uint64_t commits_in_between = 0;
    const sqlane::detail::platform::PrivateFolder folder;
    const auto first = settings.k.value_or(1);
    const auto last = settings.k.value_or(settings.scaled(races_in_ci));
    for (auto number = first; number <= last; ++number) {
        Race race{folder.path() / "race.db", settings.seed * 1'000'003 + number};
        std::string wrong;
        try {
            run(race);
            wrong = race.look();
        } catch (const std::exception& error) {
            wrong = error.what();
        }
        // Where nobody came in between nothing was tried.
        outcome.runs += race.moments;
        commits_in_between += race.commits_in_between;
        if (!wrong.empty()) outcome.fail(wrong + " (--k " + std::to_string(number) + ")");
    }
    outcome.figures = std::to_string(commits_in_between) + " commits came in between";
    return outcome;
}

}  // namespace

Trial log_reset() {
    Trial trial{.id = "T7",
                .title = "a commit that begins the log anew under a checkpoint",
                .target = "no damage, no lost commit",
                .run = [](const Settings& s) { return run_races(s, race_the_manager); },
                .controls = {}};
    if (sqlite_has_the_race())
        trial.controls.push_back(
            {"a plain PASSIVE checkpoint", [](const Settings& s) { return run_races(s, race_a_plain_checkpoint); }});
    return trial;
}

}  // namespace soak
