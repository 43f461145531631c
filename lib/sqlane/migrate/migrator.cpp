#include <sqlane/migrator.hpp>

#include "handle/platform.hpp"
#include "migrate/backup.hpp"
#include "migrate/plan.hpp"
#include "migrate/progress.hpp"
#include "migrate/run.hpp"
#include "migrate/schema.hpp"
#include "migrate/sql_lexer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <utility>

namespace sqlane {
namespace fs = std::filesystem;

using namespace detail;  // NOLINT(google-build-using-namespace): the front of the migrate room

namespace {

std::vector<AppliedRow> history_of(const fs::path& file, const MigrationOptions& options) {
    const auto db = open_to_look(file, options);
    return db ? read_history(*db) : std::vector<AppliedRow>{};
}

std::unique_ptr<MigrationConnection> open_existing(const fs::path& file, const MigrationOptions& options) {
    auto db = open_to_look(file, options);
    if (!db)
        throw MigrationError{MigrationProblem::refused, "no-database",
                             "there is no database '" + file.string() + "'; correct the path, or run up to make it"};
    return db;
}

std::map<std::string, std::int64_t> count_rows(MigrationConnection& db) {
    std::map<std::string, std::int64_t> rows;
    for (const auto& object : read_schema(db)) {
        if (object.type != "table") continue;
        std::string quoted;
        for (const char c : object.name) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
        rows[object.name] = std::stoll(db.value("SELECT count(*) FROM \"" + quoted + "\"").value_or("0"));
    }
    return rows;
}

/// A folder beside the database, so that the copy is on the same disk as the database would be.
class RehearsalFolder {
public:
    explicit RehearsalFolder(const fs::path& file) : path_(free_name(file, ".rehearsal")) {
        fs::create_directory(path_);
        fs::permissions(path_, fs::perms::owner_all);
    }
    RehearsalFolder(const RehearsalFolder&) = delete;
    RehearsalFolder& operator=(const RehearsalFolder&) = delete;
    ~RehearsalFolder() {
        std::error_code ignored;  // a copy that cannot be removed harms nobody
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

/// What is there is kept under another name: by SQLite when it can read it, file by file when it cannot.
fs::path set_aside(const fs::path& file, const MigrationOptions& options) {
    const auto aside = free_name(file, ".before-restore-" + utc_stamp());
    try {
        MigrationConnection current{
            platform::utf8(file),
            options.vfs,
            MigrationConnection::Access::look,
            {.until = Deadline{options.lock_timeout}.at(), .stop = options.stop, .on_tick = {}}};
        copy_checked(current, aside, options.vfs, [](int) {});
        return aside;
    } catch (const CorruptError&) {
        // Falls through: a damaged database is the reason for most restores.
    } catch (const MigrationError& error) {
        if (error.code() != "backup-damaged") throw;
    }
    for (const char* suffix : {"-shm", "-wal", ""})
        if (fs::exists(file.string() + suffix)) fs::rename(file.string() + suffix, aside.string() + suffix);
    platform::make_private_file(file);
    return aside;
}

void require_sound(const fs::path& copy, const MigrationOptions& options) {
    const auto db = open_to_look(copy, options);
    if (!db) throw MigrationError{MigrationProblem::refused, "no-backup", "there is no backup '" + copy.string() + "'"};
    if (const auto found = db->value("PRAGMA quick_check"); found != "ok")
        throw MigrationError{
            MigrationProblem::storage, "backup-damaged",
            "the backup '" + copy.string() + "' is damaged (" + found.value_or("?") + "); use another one"};
}

}  // namespace

const char* to_string(MigrationStatus::State state) noexcept {
    switch (state) {
        case MigrationStatus::State::applied: return "applied";
        case MigrationStatus::State::pending: return "pending";
        case MigrationStatus::State::missing: return "missing";
        case MigrationStatus::State::modified: return "modified";
        case MigrationStatus::State::future: return "future";
        case MigrationStatus::State::out_of_order: return "out-of-order";
    }
    return "?";
}

const char* to_string(MigrationProblem problem) noexcept {
    switch (problem) {
        case MigrationProblem::failed: return "failed";
        case MigrationProblem::refused: return "refused";
        case MigrationProblem::newer: return "newer";
        case MigrationProblem::busy: return "busy";
        case MigrationProblem::drift: return "drift";
        case MigrationProblem::storage: return "storage";
        case MigrationProblem::cancelled: return "cancelled";
    }
    return "?";
}

Migrator::Migrator(fs::path file, MigrationSet set, MigrationOptions options)
    : file_(std::move(file)), set_(std::move(set)), options_(std::move(options)) {}

std::vector<MigrationStatus> Migrator::status() const { return status_of(history_of(file_, options_), set_); }

std::string Migrator::version() const { return current_version(history_of(file_, options_)); }

std::vector<Migration> Migrator::plan() const {
    std::vector<Migration> migrations;
    for (auto& step : plan_up(history_of(file_, options_), set_, options_).steps)
        migrations.push_back(std::move(step.migration));
    return migrations;
}

void Migrator::validate() const {
    auto everything = options_;
    everything.to.clear();
    static_cast<void>(plan_up(history_of(file_, options_), set_, everything));
}

std::vector<SchemaDifference> Migrator::drift() const {
    const auto db = open_existing(file_, options_);
    const auto history = read_history(*db);
    require_known_history(history, set_);
    const auto found = read_schema(*db);
    MigrationConnection memory{":memory:", "", MigrationConnection::Access::memory, {}};
    replay(memory, history, set_);
    return compare_schemas(read_schema(memory), found);
}

std::string Migrator::dump() const { return schema_text(read_schema(*open_existing(file_, options_))); }

Rehearsal Migrator::rehearse() const {
    Rehearsal rehearsal;
    const auto started = Clock::now();
    const auto path = platform::existing_file(file_);
    const RehearsalFolder folder{path.empty() ? fs::absolute(file_) : path};
    const auto copy = folder.path() / "rehearsal.db";
    std::map<std::string, std::int64_t> before;
    if (const auto db = open_to_look(file_, options_)) {
        before = count_rows(*db);
        copy_checked(*db, copy, options_.vfs, [](int) {});
    }
    auto options = options_;
    options.backup = false;
    Migrator migrator{copy, set_, options};
    rehearsal.result = migrator.up();
    const auto db = open_to_look(copy, options);
    if (!db) return rehearsal;
    auto after = count_rows(*db);
    for (const auto& [table, rows] : before) after.try_emplace(table, -1);
    for (const auto& [table, rows] : after)
        rehearsal.rows.push_back({table, before.contains(table) ? before.at(table) : -1, rows});
    rehearsal.quick_check = db->value("PRAGMA quick_check").value_or("?");
    rehearsal.took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started);
    return rehearsal;
}

MigrationResult Migrator::up() {
    return run_plan(file_, options_,
                    [this](const std::vector<AppliedRow>& history) { return plan_up(history, set_, options_); });
}

MigrationResult Migrator::down(int count) {
    if (count < 1) throw UsageError{"down needs a count of at least 1, and got " + std::to_string(count)};
    // Decided once: when another process undid one in between, no more than was asked for may go.
    const auto history = history_of(file_, options_);
    const auto plan = plan_down(history, set_, static_cast<std::size_t>(count));
    const auto kept = history.size() - static_cast<std::size_t>(count);
    return down_to(kept == 0 ? "0" : history[kept - 1].version);
}

MigrationResult Migrator::down_to(const std::string& version) {
    return run_plan(file_, options_,
                    [&](const std::vector<AppliedRow>& history) { return plan_down_to(history, set_, version); });
}

MigrationResult Migrator::redo() {
    auto options = options_;
    options.commit_each_file = false;
    return run_plan(file_, options,
                    [this](const std::vector<AppliedRow>& history) { return plan_redo(history, set_); });
}

void Migrator::accept(const std::string& version) {
    const Migration* migration = set_.find(version);
    const auto history = history_of(file_, options_);
    const auto row = std::ranges::find(history, version_number(version), &AppliedRow::number);
    if (migration == nullptr || row == history.end())
        throw MigrationError{MigrationProblem::refused, "unknown-version",
                             version + " is not a migration that is both here and applied; see status"};
    const platform::ClaimedFile claimed{file_};
    MigrationConnection db{platform::utf8(claimed.path()),
                           options_.vfs,
                           MigrationConnection::Access::change,
                           {.until = Deadline{options_.lock_timeout}.at(), .stop = options_.stop, .on_tick = {}}};
    accept_checksum(db, row->version, migration->checksum);
}

fs::path Migrator::backup() {
    const auto db = open_existing(file_, options_);
    const auto version = current_version(read_history(*db));
    const auto path = platform::existing_file(file_);
    const auto copy = free_name(path, ".bak-" + (version.empty() ? "0" : version) + "-" + utc_stamp());
    Progress progress{options_};
    copy_checked(*db, copy, options_.vfs,
                 [&](int percent) { progress.report(MigrationProgress::Step::backup, percent); });
    return copy;
}

fs::path Migrator::restore(const fs::path& copy) {
    require_sound(copy, options_);
    const bool was_there = !platform::existing_file(file_).empty();
    const platform::ClaimedFile claimed{file_};
    const auto aside = was_there ? set_aside(claimed.path(), options_) : fs::path{};
    MigrationConnection db{platform::utf8(claimed.path()),
                           options_.vfs,
                           MigrationConnection::Access::change,
                           {.until = Deadline{options_.lock_timeout}.at(), .stop = options_.stop, .on_tick = {}}};
    const auto from = open_existing(copy, options_);
    Progress progress{options_};
    db.copy_from(*from, [&](int percent) { progress.report(MigrationProgress::Step::backup, percent); });
    return aside;
}

MigrationResult migrate(const fs::path& file, const MigrationSet& set, const MigrationOptions& options) {
    return Migrator{file, set, options}.up();
}

fs::path new_migration(const fs::path& folder, const std::string& name, bool sequential) {
    const auto set = fs::exists(folder) ? MigrationSet::from_folder(folder) : MigrationSet{};
    std::string snake;
    for (const char c : lower_case(name)) {
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (good) snake += c;
        if (!good && !snake.empty() && snake.back() != '_') snake += '_';
    }
    while (!snake.empty() && snake.back() == '_') snake.pop_back();
    if (snake.empty()) throw UsageError{"'" + name + "' gives no file name; use letters and digits"};
    std::array<char, 24> number{};
    const auto next = set.all().empty() ? 1 : set.all().back().number() + 1;
    std::snprintf(number.data(), number.size(), "%04llu", static_cast<unsigned long long>(next));
    auto stamp = utc_stamp();  // 20260131T120000Z
    std::erase_if(stamp, [](char c) { return c < '0' || c > '9'; });
    fs::create_directories(folder);
    const auto path = folder / ((sequential ? std::string{number.data()} : stamp) + "_" + snake + ".sql");
    if (fs::exists(path)) throw UsageError{"'" + path.string() + "' is there already; choose another name"};
    std::ofstream file{path};
    file << "-- migrate:up\n\n-- migrate:down\n";
    if (!file.flush()) throw StorageError{"cannot write '" + path.string() + "'; check the rights of its folder"};
    return path;
}

}  // namespace sqlane
