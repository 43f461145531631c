#include "migrate/run.hpp"

#include "handle/error_translation.hpp"
#include "handle/platform.hpp"
#include "migrate/backup.hpp"
#include "migrate/place.hpp"
#include "migrate/progress.hpp"
#include "migrate/schema.hpp"
#include "migrate/sql_lexer.hpp"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

namespace sqlane::detail {
namespace fs = std::filesystem;
namespace {

using std::chrono::milliseconds;

constexpr std::size_t backups_kept = 3;
constexpr std::size_t violations_shown = 20;

/// SQLite takes comments and empty statements before a statement as part of it.
SqlToken first_token(std::string_view text) {
    for (const auto& token : sql_tokens(text))
        if (token.kind != SqlToken::Kind::comment && token.text != ";") return token;
    return {};
}

std::string_view without_quotes(const SqlToken& token) {
    return token.kind == SqlToken::Kind::quoted_name && token.text.size() > 2
               ? token.text.substr(1, token.text.size() - 2)
               : token.text;
}

/// SQLite's message mostly ends with the name it stumbled over: "no such table: main.nope".
bool ends_with_name(std::string_view message, std::string_view name) {
    const auto is_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    while (!message.empty() && !is_word(message.back())) message.remove_suffix(1);
    if (message.size() <= name.size() || message == "incomplete input") return false;
    const auto start = message.size() - name.size();
    return lower_case(message.substr(start)) == lower_case(name) && !is_word(message[start - 1]);
}

/// Where in the statement's text the error is, as well as can be told.
std::size_t offset_of_error(const ScriptStep& step) {
    const auto tokens = sql_tokens(step.text);
    const auto starts_token = [&](std::size_t offset) {
        const auto found = std::ranges::find(tokens, offset, &SqlToken::offset);
        // A trigger that fires reports positions in its own text; there the word is another one.
        return found != tokens.end() && step.message.find(without_quotes(*found)) != std::string::npos;
    };
    if (step.offset && starts_token(*step.offset)) return *step.offset;
    for (const auto& token : tokens) {
        const bool is_name = token.kind == SqlToken::Kind::word || token.kind == SqlToken::Kind::quoted_name;
        if (is_name && ends_with_name(step.message, without_quotes(token))) return token.offset;
    }
    return first_token(step.text).offset;
}

std::string counted_rows(std::size_t count) { return std::to_string(count) + (count == 1 ? " row" : " rows"); }

bool is_vacuum(std::string_view text) { return lower_case(first_token(text).text) == "vacuum"; }

MigrationProblem problem_of(const ScriptStep& step, bool stopped) {
    if (is_interrupted(step.code) && stopped) return MigrationProblem::cancelled;
    if (is_storage_failure(step.code)) return MigrationProblem::storage;
    return MigrationProblem::failed;
}

/// One section of one file, running.
class Section {
public:
    Section(MigrationConnection& db, const Migration& migration, bool down, Progress* progress)
        : db_(db),
          migration_(migration),
          section_(down ? *migration.down : migration.up),
          total_(count_statements(section_.sql)),
          progress_(progress) {}

    /// Returns the names of the indexes and triggers that were dropped by name, and not made again.
    std::set<std::string> run() {
        std::set<std::string> dropped;
        for (std::string_view rest = section_.sql;;) {
            require_going_on();
            ++number_;
            if (progress_ != nullptr && number_ <= total_) progress_->begin_statement(number_, total_);
            const auto step = db_.run_first(rest);
            if (step.at_end) break;
            if (!step.facts.refusal.empty()) refuse(step, step.facts.refusal);
            if (step.code != 0 && is_vacuum(step.text))
                refuse(step, "VACUUM is refused: it cannot run in a transaction");
            if (step.code != 0) fail(step);
            if (progress_ != nullptr) progress_->end_statement();
            if (!step.facts.drops_table) dropped.insert(step.facts.dropped.begin(), step.facts.dropped.end());
            for (const auto& name : step.facts.made) dropped.erase(name);
            rest = step.rest;
        }
        // So that a file does the same alone and after others.
        for (const char* pragma : {"legacy_alter_table", "recursive_triggers", "case_sensitive_like"})
            db_.query("PRAGMA " + std::string{pragma} + "=OFF");
        drop_temporary_objects();
        return dropped;
    }

    [[nodiscard]] int statements() const noexcept { return total_; }

private:
    /// Virtual ones first, for they take their shadow tables with them.
    void drop_temporary_objects() {
        const auto objects = db_.query(
            "SELECT type, replace(name, '\"', '\"\"') FROM sqlite_temp_schema WHERE type <> 'index' "
            "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY sql LIKE 'CREATE VIRTUAL%' DESC");
        for (const auto& object : objects) db_.query("DROP " + *object[0] + " IF EXISTS temp.\"" + *object[1] + "\"");
    }

    /// Short statements end before SQLite asks.
    void require_going_on() const {
        if (db_.stop_requested())
            throw MigrationError{MigrationProblem::cancelled, "cancelled",
                                 migration_.file + ": cancelled; the database is as it was before"};
    }

    [[nodiscard]] MigrationPlace place(const ScriptStep& step, std::size_t offset) const {
        const auto in_section = static_cast<std::size_t>(step.text.data() - section_.sql.data());
        auto place = place_in(migration_, section_.offset + in_section + offset);
        place.statement = number_;
        place.statements = total_;
        return place;
    }

    [[noreturn]] void raise(MigrationProblem problem, const char* code, MigrationPlace place, const std::string& what,
                            int sqlite_code) const {
        const auto text = place_text(place) + ": " + what + ", statement " + std::to_string(number_) + " of " +
                          std::to_string(total_) + "\n" + place.excerpt;
        throw MigrationError{problem, code, text, std::move(place), sqlite_code};
    }

    [[noreturn]] void refuse(const ScriptStep& step, const std::string& why) const {
        raise(MigrationProblem::refused, "refused-statement", place(step, first_token(step.text).offset), why,
              step.code);
    }

    [[noreturn]] void fail(const ScriptStep& step) const {
        const auto problem = problem_of(step, db_.stop_requested());
        const char* code = problem == MigrationProblem::cancelled ? "cancelled"
                           : problem == MigrationProblem::storage ? is_disk_full(step.code) ? "disk-full" : "storage"
                                                                  : "statement-failed";
        raise(problem, code, place(step, offset_of_error(step)), step.message + " (" + code_text(step.code) + ")",
              step.code);
    }

    MigrationConnection& db_;
    const Migration& migration_;
    const MigrationSection& section_;
    const int total_;
    Progress* progress_;
    int number_ = 0;
};

/// BEGIN IMMEDIATE to COMMIT, rolled back by leaving.
class MigrationTransaction {
public:
    explicit MigrationTransaction(MigrationConnection& db) : db_(db) { db_.query("BEGIN IMMEDIATE"); }
    MigrationTransaction(const MigrationTransaction&) = delete;
    MigrationTransaction& operator=(const MigrationTransaction&) = delete;
    ~MigrationTransaction() {
        if (committed_) return;
        try {
            // SQLite may have ended it already: when the disk was full, or the run was stopped.
            if (db_.in_transaction()) db_.query("ROLLBACK");
        } catch (...) {
            return;  // closing the connection rolls back as well, and an exception is on its way already
        }
    }
    void commit() {
        db_.query("COMMIT");
        committed_ = true;
    }

private:
    MigrationConnection& db_;
    bool committed_ = false;
};

/// The run of a plan on one open database.
class Run {
public:
    Run(const fs::path& file, const MigrationOptions& options, const Choose& choose)
        : file_(file), options_(options), choose_(choose), progress_(options), db_(open()) {}

    MigrationResult go() {
        try {
            run_all();
        } catch (...) {
            // Nothing was changed, so nobody needs the copy; kept, a few failed runs would push out the older ones.
            std::error_code ignored;
            if (!committed_) fs::remove(result_.backup, ignored);
            throw;
        }
        if (!result_.backup.empty()) keep_newest_backups(file_, backups_kept);
        return std::move(result_);
    }

private:
    void run_all() {
        switch_foreign_keys_off();
        for (bool more = true; more;) {
            MigrationTransaction transaction{*db_};
            more = run_steps();
            if (result_.applied.empty()) return;  // another process was quicker
            progress_.report(MigrationProgress::Step::commit, 0);
            commit(transaction);
        }
    }

    void commit(MigrationTransaction& transaction) {
        try {
            transaction.commit();
            committed_ = true;
        } catch (const Error& error) {
            committed_ |= leaves_commit_in_doubt(error.sqlite_code());
            throw;
        }
    }

    std::unique_ptr<MigrationConnection> open() {
        const MigrationConnection::Waiting waiting{
            .timeout = options_.lock_timeout,
            .stop = options_.stop,
            .on_tick = progress_.watched() ? std::function<void(int, bool)>{[this](int percent, bool is_waiting) {
                progress_.tick(percent, is_waiting);
            }}
                                           : nullptr};
        return std::make_unique<MigrationConnection>(platform::utf8(file_), options_.vfs,
                                                     MigrationConnection::Access::change, waiting);
    }

    /// Inside a transaction the pragma does nothing, and a rebuild of a parent table would fire ON DELETE CASCADE.
    void switch_foreign_keys_off() {
        db_->query("PRAGMA foreign_keys=OFF");
        if (db_->value("PRAGMA foreign_keys") != "0")
            throw MigrationError{MigrationProblem::failed, "foreign-keys",
                                 "foreign keys could not be switched off; nothing was changed"};
    }

    /// Inside a transaction: reads the history anew, for another process may have been quicker, and runs what is left.
    /// Returns true when there is more to do in another transaction.
    bool run_steps() {
        require_own_database(*db_, options_);
        auto history = read_history(*db_);
        auto plan = choose_(history);
        if (first_) begin_result(history, plan);
        if (plan.steps.empty()) return false;
        if (first_) prepare(history);
        first_ = false;
        const auto count = options_.commit_each_file ? std::size_t{1} : plan.steps.size();
        progress_.begin(static_cast<int>(result_.applied.size() + plan.steps.size()));
        for (std::size_t i = 0; i < count; ++i) run_step(plan.steps[i]);
        result_.to = current_version(read_history(*db_));
        return count < plan.steps.size();
    }

    void begin_result(const std::vector<AppliedRow>& history, const Plan& plan) {
        result_.from = current_version(history);
        result_.to = result_.from;
        result_.warnings = plan.warnings;
    }

    void prepare(const std::vector<AppliedRow>& history) {
        const bool empty = !db_->value("SELECT 1 FROM sqlite_schema LIMIT 1").has_value();
        if (options_.backup && !empty) back_up(history);
        make_history(*db_);
        if (empty && options_.application_id != 0)
            db_->query("PRAGMA application_id=" + std::to_string(options_.application_id));
        const auto old = foreign_key_violations(*db_, {});
        if (!old.empty())
            result_.warnings.push_back(counted_rows(old.size()) +
                                       " violated foreign keys before this run; see PRAGMA foreign_key_check");
    }

    /// By a second connection, because one that copies from itself inside a write transaction waits for ever. Nobody can
    /// commit between the copy and the migration: this connection holds the write lock.
    void back_up(const std::vector<AppliedRow>& history) {
        remove_partial_backups(file_);
        const auto version = current_version(history);
        const auto copy = free_name(file_, ".bak-" + (version.empty() ? "0" : version) + "-" + utc_stamp());
        MigrationConnection second{platform::utf8(file_),
                                   options_.vfs,
                                   MigrationConnection::Access::look,
                                   {.timeout = options_.lock_timeout, .stop = options_.stop, .on_tick = {}}};
        copy_checked(second, copy, options_,
                     [this](int percent) { progress_.report(MigrationProgress::Step::backup, percent); });
        result_.backup = copy;
    }

    void run_step(const PlanStep& step) {
        const auto& migration = step.migration;
        progress_.begin_migration(migration.file, static_cast<int>(result_.applied.size()) + 1);
        const auto started = Clock::now();
        const auto objects = read_schema(*db_);
        const auto violations = violations_now(migration);
        Section section{*db_, migration, step.down, &progress_};
        const auto dropped = section.run();
        require_nothing_lost(migration, objects, dropped);
        require_known_tables(migration, objects);
        if (migration.check_foreign_keys) require_no_new_violation(migration, violations);
        const auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - started);
        if (step.down)
            forget(*db_, migration.version);
        else
            record(*db_, migration, row_for(migration, took), section.statements(), options_.app_version);
        result_.applied.push_back({migration.version, migration.name, took});
    }

    AppliedRow row_for(const Migration& migration, milliseconds took) {
        std::string floor = migration.breaking ? migration.version : std::string{};
        for (const auto& row : read_history(*db_))
            if (version_number(row.min_compatible) > version_number(floor)) floor = row.min_compatible;
        return {.version = migration.version,
                .name = migration.name,
                .checksum = migration.checksum,
                .applied_at = {},
                .duration_ms = took.count(),
                .min_compatible = floor,
                .down_sql = {},
                .schema_hash = {}};
    }

    /// DROP TABLE takes indexes and triggers with it without a word, and a rebuild that forgets them loses them.
    void require_nothing_lost(const Migration& migration, const std::vector<SchemaObject>& before,
                              const std::set<std::string>& dropped) {
        std::set<std::string> tables;
        std::set<std::string> there;
        for (const auto& object : read_schema(*db_)) {
            there.insert(object.type + " " + lower_case(object.name));
            if (object.type == "table" || object.type == "view") tables.insert(lower_case(object.name));
        }
        std::string lost;
        for (const auto& object : before) {
            const auto name = lower_case(object.name);
            const bool can_be_lost = object.type == "index" || object.type == "trigger";
            if (!can_be_lost || there.contains(object.type + " " + name) || dropped.contains(name)) continue;
            if (!tables.contains(lower_case(object.table)) || is_allowed_lost(migration, name)) continue;
            lost += (lost.empty() ? "" : ", ") + object.title() + " on " + object.table;
        }
        if (!lost.empty())
            throw MigrationError{
                MigrationProblem::failed, "lost-objects",
                migration.file + ": lost with a table that was rebuilt: " + lost +
                    "; create them again in the migration, drop them by name, or allow it: -- migrate: "
                    "allow-lost=name"};
    }

    static bool is_allowed_lost(const Migration& migration, const std::string& name) {
        return std::ranges::any_of(migration.allowed_lost, [&](const auto& n) { return lower_case(n) == name; });
    }

    /// A table that is misspelt would go unchecked.
    void require_known_tables(const Migration& migration, std::vector<SchemaObject> objects) {
        std::ranges::copy(read_schema(*db_), std::back_inserter(objects));
        for (const auto& name : migration.foreign_key_tables)
            if (std::ranges::none_of(objects, [&](const auto& o) { return lower_case(o.name) == lower_case(name); }))
                throw MigrationError{MigrationProblem::refused, "bad-option",
                                     migration.file + ": fk-check=" + name +
                                         " names no table that is there before or after the migration"};
    }

    Violations violations_now(const Migration& migration) {
        Violations violations;
        if (!migration.check_foreign_keys) return violations;
        violations.all = foreign_key_violations(*db_, migration.foreign_key_tables);
        for (const auto& object : read_schema(*db_))
            if (object.type == "table") violations.tables.insert(lower_case(object.name));
        return violations;
    }

    void require_no_new_violation(const Migration& migration, const Violations& before) {
        progress_.report(MigrationProgress::Step::foreign_keys, 0);
        const auto fresh = new_violations(before, violations_now(migration));
        if (fresh.empty()) return;
        std::string list;
        for (std::size_t i = 0; i < std::min(fresh.size(), violations_shown); ++i) list += "\n  " + fresh[i];
        if (fresh.size() > violations_shown)
            list += "\n  and " + std::to_string(fresh.size() - violations_shown) + " more";
        throw MigrationError{MigrationProblem::failed, "foreign-key-violation",
                             migration.file + ": " + counted_rows(fresh.size()) +
                                 " would violate foreign keys; nothing was changed:" + list};
    }

    const fs::path& file_;
    const MigrationOptions& options_;
    const Choose& choose_;
    Progress progress_;
    std::unique_ptr<MigrationConnection> db_;
    MigrationResult result_;
    bool first_ = true;
    /// Or it may have been.
    bool committed_ = false;
};

/// What SQLite says in its own words, in those of a migration.
[[noreturn]] void translate(const Error& error, bool stopped) {
    if (dynamic_cast<const MigrationError*>(&error) != nullptr) throw;
    const auto raise = [&](MigrationProblem problem, const char* code, const std::string& advice) {
        throw MigrationError{problem, code, std::string{error.what()} + advice, {}, error.sqlite_code()};
    };
    if (stopped) raise(MigrationProblem::cancelled, "cancelled", "");
    if (dynamic_cast<const Busy*>(&error) != nullptr) raise(MigrationProblem::busy, "busy", "");
    if (dynamic_cast<const StorageError*>(&error) != nullptr) raise(MigrationProblem::storage, "storage", "");
    throw;
}

}  // namespace

std::unique_ptr<MigrationConnection> open_to_look(const fs::path& file, const MigrationOptions& options) {
    const auto path = platform::existing_file(file);
    if (path.empty()) return nullptr;
    // In rollback-journal mode a writer that commits keeps readers out too.
    std::function<void(int, bool)> on_tick;
    if (options.on_progress)
        on_tick = [progress = std::make_shared<Progress>(options)](int percent, bool waiting) {
            progress->tick(percent, waiting);
        };
    auto db = std::make_unique<MigrationConnection>(
        platform::utf8(path), options.vfs, MigrationConnection::Access::look,
        MigrationConnection::Waiting{
            .timeout = options.lock_timeout, .stop = options.stop, .on_tick = std::move(on_tick)});
    require_own_database(*db, options);
    return db;
}

void require_own_database(MigrationConnection& db, const MigrationOptions& options) {
    if (options.application_id == 0) return;
    const auto found = db.value("PRAGMA application_id").value_or("0");
    if (found == "0" || found == std::to_string(options.application_id)) return;
    throw MigrationError{MigrationProblem::newer, "foreign-database",
                         "the database belongs to another application (application_id " + found + ", this one has " +
                             std::to_string(options.application_id) + "); open another file"};
}

void replay(MigrationConnection& db, std::vector<AppliedRow> history, const MigrationSet& set) {
    std::ranges::sort(history, {}, &AppliedRow::place);
    for (const auto& row : history)
        if (const Migration* migration = set.find(row.version)) Section{db, *migration, false, nullptr}.run();
}

MigrationResult run_plan(const fs::path& file, const MigrationOptions& options, const Choose& choose) {
    try {
        std::vector<AppliedRow> history;
        std::vector<std::string> drift;
        if (const auto db = open_to_look(file, options)) {
            history = read_history(*db);
            // No refusal: an application may make objects of its own.
            if (!is_as_left(*db)) drift.emplace_back("the schema is not what the last migration left; see drift");
        }
        auto plan = choose(history);
        std::ranges::copy(drift, std::back_inserter(plan.warnings));
        if (plan.steps.empty())
            return {.from = current_version(history),
                    .to = current_version(history),
                    .applied = {},
                    .backup = {},
                    .warnings = plan.warnings};
        if (options.stop.stop_requested())
            throw MigrationError{MigrationProblem::cancelled, "cancelled", "cancelled before anything was done"};
        const platform::ClaimedFile claimed{file};
        auto result = Run{claimed.path(), options, choose}.go();
        std::ranges::copy(drift, std::back_inserter(result.warnings));
        return result;
    } catch (const Error& error) {
        translate(error, options.stop.stop_requested());
    }
}

}  // namespace sqlane::detail
