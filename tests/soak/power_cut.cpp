#include "entries.hpp"
#include "faults.hpp"

#include "handle/platform.hpp"
#include "support/disks.hpp"

#include <sqlane/migrator.hpp>
#include <sqlane/sqlane.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

/// T2: the power is cut behind every k-th call that changes the disk. Nothing but what was flushed is sure to be there.
namespace soak {
namespace {

using support::RecordedDisk;
using Unsynced = RecordedDisk::Unsynced;
namespace fs = std::filesystem;

constexpr std::uint64_t transactions_in_a_round = 48;
constexpr std::uint64_t images_in_ci = 25'000;

constexpr auto migration_text =
    "INSERT INTO Entries(number, body) SELECT newest + 1, zeroblob(5000) FROM Sum;\n"
    "UPDATE Sum SET entries = entries + 1, newest = newest + 1;\n"
    "DROP INDEX ix_entries_body;\n"
    "CREATE INDEX ix_entries_body ON Entries(body);\n";

struct Round {
    std::uint64_t number = 0;
    std::uint64_t seed = 0;
    sqlane::Synchronous synchronous{};
    bool disk_lies = false;
    /// With several of them a round is not the same each time.
    std::uint64_t writers = 1;
};

/// One database and its life, with the power cut behind every k-th change.
class PowerCut {
public:
    PowerCut(const Round& round, const fs::path& folder, const Settings& settings, Outcome& outcome)
        : round_(round),
          file_(folder / "life.db"),
          image_(folder / "image.db"),
          settings_(settings),
          outcome_(outcome),
          every_(1 + round.seed % 5),
          disk_(round.disk_lies),
          vfs_("power-cut", disk_) {
        make_entries(file_);
        disk_.on_change([this] { note_change(); });
    }

    void live() {
        if (round_.number % 3 == 0) Bare{file_}.run("PRAGMA journal_mode=DELETE");
        migrate();
        work();
    }

    /// Commits that were acknowledged and gone, where that may be.
    [[nodiscard]] std::int64_t most_undone() const noexcept { return most_undone_; }

private:
    /// Two migrations that write an entry each, in one commit or in two.
    void migrate() {
        static const std::array<sqlane::MigrationFile, 2> files{
            {{"0001_first.sql", migration_text}, {"0002_second.sql", migration_text}}};
        sqlane::MigrationOptions options;
        options.vfs = vfs_.name();
        options.backup = false;
        options.commit_each_file = round_.number % 2 == 0;
        begun_ = std::ssize(files);
        sqlane::Migrator{file_, sqlane::MigrationSet::from_files(files), options}.up();
        acknowledged_ = durable_ = std::ssize(files);
    }

    void work() {
        sqlane::Options options;
        options.vfs = vfs_.name();
        options.synchronous = round_.synchronous;
        options.wal_soft_limit = 65536;  // the least there is, so that there are checkpoints
        options.upkeep_thread = false;   // so that a round is the same each time
        sqlane::ConnectionManager db{file_, options};
        std::vector<std::jthread> others;
        for (std::uint64_t i = 1; i < round_.writers; ++i) others.emplace_back([&, i] { write(db, round_.seed + i); });
        write(db, round_.seed);
    }

    void write(sqlane::ConnectionManager& db, std::uint64_t seed) {
        std::mt19937_64 random{seed};
        for (auto left = transactions_in_a_round / round_.writers; left > 0; --left) {
            const auto number = db.transaction([&](sqlane::Transaction& transaction) {
                const auto next = 1 + transaction.one<std::int64_t>("SELECT newest FROM Sum");
                raise(begun_, next);
                Entries::write(transaction, next, random);
                return next;
            });
            raise(acknowledged_, number);
            if (number % 7 == 0) db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT entries FROM Sum"); });
        }
    }

    static void raise(std::atomic<std::int64_t>& number, std::int64_t to) {
        auto now = number.load();
        while (now < to && !number.compare_exchange_weak(now, to)) {
        }
    }

    void note_change() {
        const std::lock_guard one_at_a_time{mutex_};
        if (++changes_ % every_ != 0) return;
        for (const auto unsynced : RecordedDisk::every_kind) try_image(unsynced);
    }

    void try_image(Unsynced unsynced) {
        // Not the random numbers of the writer, so that what it writes does not depend on the images.
        std::mt19937_64 random{round_.seed + changes_ * 4 + static_cast<std::uint64_t>(unsynced)};
        lay_down(disk_.image(unsynced, random));
        const auto found = look_at(image_);
        ++outcome_.runs;
        const auto wrong = judge(found);
        if (!wrong.empty()) return fail(unsynced, wrong);
        most_undone_ = std::max(most_undone_, acknowledged_.load() - found.newest);
    }

    void lay_down(const RecordedDisk::Image& image) const {
        remove_database(image_);
        for (const char* suffix : {"", "-wal", "-journal"})
            if (const auto found = image.find(file_.native() + suffix); found != image.end())
                write_file(image_.native() + suffix, found->second);
    }

    [[nodiscard]] std::string judge(const Content& found) const {
        if (!found.wrong.empty()) return found.wrong;
        if (found.newest > begun_) return "entry " + std::to_string(found.newest) + " was not begun";
        const auto least = round_.synchronous == sqlane::Synchronous::full ? acknowledged_.load() : durable_;
        if (found.newest < least)
            return "acknowledged were " + std::to_string(least) + " and there are " + std::to_string(found.newest);
        return {};
    }

    void fail(Unsynced unsynced, const std::string& wrong) {
        outcome_.fail(wrong + " (" + to_string(round_.synchronous) + ", unsynced writes: " + to_string(unsynced) +
                      ", after change " + std::to_string(changes_) + ", --k " + std::to_string(round_.number) + ")");
        if (outcome_.bad > 1) return;
        for (const char* suffix : {"", "-wal", "-journal"}) {
            std::error_code ignored;  // there need not be all of them
            fs::copy_file(image_.native() + suffix, settings_.folder / (std::string{"image.db"} + suffix), ignored);
        }
    }

    const Round round_;
    const fs::path file_;
    const fs::path image_;
    const Settings& settings_;
    Outcome& outcome_;
    const std::uint64_t every_;
    RecordedDisk disk_;
    support::ShimVfs vfs_;
    std::uint64_t changes_ = 0;
    std::mutex mutex_;
    std::atomic<std::int64_t> begun_{0};
    std::atomic<std::int64_t> acknowledged_{0};
    /// Of what was acknowledged, that which must be there whatever `synchronous` is.
    std::int64_t durable_ = 0;
    std::int64_t most_undone_ = 0;
};

Outcome cut_power(const Settings& settings, std::uint64_t images, bool disk_lies) {
    Outcome outcome;
    std::int64_t most_undone = 0;
    const sqlane::detail::platform::PrivateFolder folder;
    for (auto number = settings.k.value_or(1); outcome.runs < images; ++number) {
        const Round round{.number = number,
                          .seed = settings.seed * 1'000'003 + number,
                          .synchronous = number % 2 == 0 ? sqlane::Synchronous::normal : sqlane::Synchronous::full,
                          .disk_lies = disk_lies,
                          .writers = number % 4 < 2 ? std::uint64_t{1} : std::uint64_t{3}};
        PowerCut life{round, folder.path(), settings, outcome};
        life.live();
        most_undone = std::max(most_undone, life.most_undone());
        if (settings.k) break;
    }
    outcome.figures = "normal: up to " + std::to_string(most_undone) + " commits undone, in order";
    return outcome;
}

}  // namespace

Trial power_cut() {
    return {.id = "T2",
            .title = "power cut behind every k-th change of the disk",
            .target = "full: every acknowledged commit; normal: a prefix without a gap",
            .run = [](const Settings& s) { return cut_power(s, s.scaled(images_in_ci), false); },
            .controls = {{"a disk that says it has flushed and has not",
                          [](const Settings& s) { return cut_power(s, s.scaled(images_in_ci / 10), true); }}}};
}

}  // namespace soak
