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

/// Where the current database went; nowhere when there was none.
struct Aside {
    fs::path path;
    /// The files themselves, and not a copy of them.
    bool moved = false;
};

/// What is there is kept under another name: by SQLite when it can read it, file by file when it cannot.
Aside set_aside(const fs::path& file, const MigrationOptions& options) {
    const auto aside = free_name(file, ".before-restore-" + utc_stamp());
    try {
        MigrationConnection current{platform::utf8(file),
                                    options.vfs,
                                    MigrationConnection::Access::look,
                                    {.timeout = options.lock_timeout, .stop = options.stop, .on_tick = {}}};
        copy_checked(current, aside, options, [](int) {});
        return {aside, false};
    } catch (const CorruptError&) {
        // Falls through: a damaged database is the reason for most restores.
    } catch (const MigrationError& error) {
        if (error.code() != "backup-damaged") throw;
    }
    for (const char* suffix : {"-shm", "-wal", "-journal", ""})
        if (fs::exists(file.string() + suffix)) fs::rename(file.string() + suffix, aside.string() + suffix);
    platform::make_private_file(file);
    return {aside, true};
}

/// After a restore that failed: what was moved away moves back, and what is a copy of what is still there goes.
void put_back(const Aside& aside, const fs::path& file) {
    if (aside.path.empty()) return;
    for (const char* suffix : {"-shm", "-wal", "-journal", ""}) {
        std::error_code ignored;  // an exception is on its way already
        fs::remove((aside.moved ? file : aside.path).string() + suffix, ignored);
        if (aside.moved) fs::rename(aside.path.string() + suffix, file.string() + suffix, ignored);
    }
}

/// Then the copy of what was there before may be the only one.
bool is_in_doubt(const StorageError& error, const Aside& aside) {
    return !aside.path.empty() && !aside.moved && leaves_commit_in_doubt(error.sqlite_code());
}

/// What is wrong with the copy; "ok" for nothing.
std::string damage_of(const fs::path& copy, const MigrationOptions& options) {
    try {
        const auto db = open_to_look(copy, options);
        if (!db)
            throw MigrationError{MigrationProblem::refused, "no-backup", "there is no backup '" + copy.string() + "'"};
        if (db->value("PRAGMA page_count") == "0") return "it is empty";
        return db->value("PRAGMA quick_check(1)").value_or("?");
    } catch (const CorruptError& error) {
        return error.what();
    }
}

void require_sound(const fs::path& copy, const MigrationOptions& options) {
    if (const auto damage = damage_of(copy, options); damage != "ok")
        throw MigrationError{MigrationProblem::storage, "backup-damaged",
                             "the backup '" + copy.string() + "' is damaged (" + damage + "); use another one"};
}

/// By the names alone: a file that is not written yet does not stand in the way of the next one.
std::uint64_t newest_number(const fs::path& folder) {
    std::uint64_t newest = 0;
    if (!fs::exists(folder)) return newest;
    for (const auto& entry : fs::directory_iterator{folder})
        if (entry.path().extension() == ".sql")
            newest = std::max(newest, version_number(entry.path().filename().string()));
    return newest;
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
        copy_checked(*db, copy, options_, [](int) {});
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
    // Decided once: when another process undid or applied one in between, no more than was asked for may go.
    const auto at_most = static_cast<std::size_t>(count);
    const auto before = history_of(file_, options_);
    static_cast<void>(plan_down(before, set_, at_most));
    const auto kept = before.size() - at_most;
    const auto version = kept == 0 ? "0" : before[kept - 1].version;
    return run_plan(file_, options_, [&](const std::vector<AppliedRow>& history) {
        return plan_down_to(history, set_, version, at_most);
    });
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
                           {.timeout = options_.lock_timeout, .stop = options_.stop, .on_tick = {}}};
    detail::accept(db, row->version, *migration);
}

fs::path Migrator::backup() {
    const auto db = open_existing(file_, options_);
    const auto version = current_version(read_history(*db));
    const auto path = platform::existing_file(file_);
    // Not named as the copies of a run, of which only the newest are kept.
    auto copy = free_name(path, ".backup-" + (version.empty() ? "0" : version) + "-" + utc_stamp());
    Progress progress{options_};
    copy_checked(*db, copy, options_, [&](int percent) { progress.report(MigrationProgress::Step::backup, percent); });
    return copy;
}

fs::path Migrator::restore(const fs::path& copy) {
    require_sound(copy, options_);
    const bool was_there = !platform::existing_file(file_).empty();
    if (was_there && fs::equivalent(copy, file_))
        throw MigrationError{MigrationProblem::refused, "same-file",
                             "'" + copy.string() + "' is the database itself; name the copy to put in its place"};
    const platform::ClaimedFile claimed{file_};
    const auto aside = was_there ? set_aside(claimed.path(), options_) : Aside{};
    try {
        MigrationConnection db{platform::utf8(claimed.path()),
                               options_.vfs,
                               MigrationConnection::Access::change,
                               {.timeout = options_.lock_timeout, .stop = options_.stop, .on_tick = {}}};
        const auto from = open_existing(copy, options_);
        Progress progress{options_};
        db.copy_from(*from, [&](int percent) { progress.report(MigrationProgress::Step::backup, percent); });
    } catch (const StorageError& error) {
        if (is_in_doubt(error, aside))
            throw StorageError{std::string{error.what()} + "; what was there is kept in '" + aside.path.string() + "'",
                               error.where(), error.sqlite_code()};
        put_back(aside, claimed.path());
        throw;
    } catch (...) {
        put_back(aside, claimed.path());
        throw;
    }
    return aside.path;
}

MigrationResult migrate(const fs::path& file, const MigrationSet& set, const MigrationOptions& options) {
    return Migrator{file, set, options}.up();
}

fs::path new_migration(const fs::path& folder, const std::string& name, bool sequential) {
    std::string snake;
    for (const char c : lower_case(name)) {
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (good) snake += c;
        if (!good && !snake.empty() && snake.back() != '_') snake += '_';
    }
    while (!snake.empty() && snake.back() == '_') snake.pop_back();
    if (snake.empty()) throw UsageError{"'" + name + "' gives no file name; use letters and digits"};
    auto stamp = utc_stamp();  // 20260131T120000Z
    std::erase_if(stamp, [](char c) { return c < '0' || c > '9'; });
    // Newer than all that are there, also in the second in which another one was made.
    const auto next = std::max(newest_number(folder) + 1, sequential ? 1 : version_number(stamp));
    std::array<char, 24> number{};
    std::snprintf(number.data(), number.size(), "%04llu", static_cast<unsigned long long>(next));
    fs::create_directories(folder);
    auto path = folder / (std::string{number.data()} + "_" + snake + ".sql");
    std::ofstream file{path};
    file << "-- migrate:up\n\n-- migrate:down\n";
    if (!file.flush()) throw StorageError{"cannot write '" + path.string() + "'; check the rights of its folder"};
    return path;
}

}  // namespace sqlane
