#include "handle/migration_connection.hpp"

#include "handle/connection.hpp"
#include "handle/error_translation.hpp"
#include "handle/open_recipe.hpp"
#include "handle/platform.hpp"
#include "handle/statement.hpp"

#include <sqlane/errors.hpp>

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <memory>
#include <thread>
#include <utility>

namespace sqlane::detail {
namespace {

constexpr std::chrono::milliseconds between_ticks{250};
constexpr int instructions_between_looks = 4000;

/// A read-only connection that is the last to close leaves an empty -wal and -shm behind; one that may write removes
/// them, and touches nothing as long as the log holds nothing to bring home.
int flags_to_look(const std::string& path) {
    return platform::file_size(path + "-wal") == 0 ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY;
}

int flags_for(const std::string& path, MigrationConnection::Access access) {
    switch (access) {
        case MigrationConnection::Access::look: return flags_to_look(path);
        case MigrationConnection::Access::change: return SQLITE_OPEN_READWRITE;
        case MigrationConnection::Access::memory: break;
    }
    return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
}

/// https://www.sqlite.org/uri.html#uriimmutable
std::string immutable_uri(const std::string& path) {
    std::string uri = "file://";
    const auto slashes = std::filesystem::path{path}.generic_string();
    if (!slashes.starts_with('/')) uri += '/';
    for (const char c : slashes) uri += c == '%' ? "%25" : c == '?' ? "%3f" : c == '#' ? "%23" : std::string{c};
    return uri + "?immutable=1";
}

/// A file in WAL mode that may not be written cannot be read without a -wal and -shm beside it, which SQLite would make
/// and leave there. Where there are none nobody has it open to write, and it can be read as it lies there.
bool lies_still(SQLite::Database& database, const std::string& path) {
    return sqlite3_db_readonly(database.getHandle(), "main") == 1 && !std::filesystem::exists(path + "-wal") &&
           !std::filesystem::exists(path + "-journal");
}

SQLite::Database open_for(const std::string& path, const std::string& vfs, MigrationConnection::Access access) {
    make_sqlite_ready();
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW |
                      flags_for(path, access);
    try {
        SQLite::Database database{path, flags, 0, vfs};
        if (access == MigrationConnection::Access::look && lies_still(database, path))
            return SQLite::Database{immutable_uri(path), flags | SQLITE_OPEN_URI, 0, vfs};
        return database;
    } catch (const SQLite::Exception& error) {
        throw_failure({.code = error.getExtendedErrorCode() > 0 ? error.getExtendedErrorCode() : error.getErrorCode(),
                       .message = error.what(),
                       .doing = Doing::opening,
                       .database = path});
    }
}

/// Pragmas that SQLite ignores or refuses inside a transaction, so that a migration which uses one does not do what
/// it says; and those that would take away what keeps the run safe.
constexpr std::array<std::string_view, 17> refused_pragmas{"foreign_keys",
                                                           "journal_mode",
                                                           "synchronous",
                                                           "auto_vacuum",
                                                           "page_size",
                                                           "encoding",
                                                           "locking_mode",
                                                           "cache_spill",
                                                           "temp_store",
                                                           "secure_delete",
                                                           "writable_schema",
                                                           "schema_version",
                                                           "wal_autocheckpoint",
                                                           "query_only",
                                                           "busy_timeout",
                                                           "trusted_schema",
                                                           "ignore_check_constraints"};
/// Those that act without being given a value.
constexpr std::array<std::string_view, 2> refused_acts{"wal_checkpoint", "incremental_vacuum"};

std::string lower(std::string_view text) {
    std::string result{text};
    for (auto& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return result;
}

/// What a run has done must not be changed by what it runs.
bool changes_history(int action, std::string_view first, std::string_view second) {
    constexpr std::string_view history = "_schema_migrations";
    switch (action) {
        case SQLITE_INSERT:
        case SQLITE_UPDATE:
        case SQLITE_DELETE:
        case SQLITE_DROP_TABLE: return lower(first) == history;
        case SQLITE_ALTER_TABLE:
        case SQLITE_CREATE_INDEX:
        case SQLITE_CREATE_TRIGGER: return lower(second) == history;
        default: return false;
    }
}

/// In a migration's transaction; empty when it may.
std::string refusal_of(int action, std::string_view first, std::string_view second, bool has_second) {
    if (changes_history(action, first, second))
        return "changing _schema_migrations is refused: what is applied is recorded there by sqlane";
    switch (action) {
        case SQLITE_TRANSACTION: return lower(first) + " is refused: the migration runs in a transaction of sqlane's";
        case SQLITE_SAVEPOINT: return "SAVEPOINT is refused: the migration runs in a transaction of sqlane's";
        case SQLITE_ATTACH: return "ATTACH is refused: another file would not be part of the transaction";
        case SQLITE_DETACH: return "DETACH is refused: another file would not be part of the transaction";
        case SQLITE_PRAGMA:
            if ((has_second && std::ranges::find(refused_pragmas, lower(first)) != refused_pragmas.end()) ||
                std::ranges::find(refused_acts, lower(first)) != refused_acts.end())
                return "PRAGMA " + lower(first) + " is refused: it does nothing, or harm, inside a transaction";
            return {};
        default: return {};
    }
}

void note_action(StatementFacts& facts, int action, std::string_view name) {
    switch (action) {
        case SQLITE_DROP_TABLE:
        case SQLITE_DROP_VTABLE:
        case SQLITE_DROP_VIEW: facts.drops_table = true; break;
        case SQLITE_CREATE_INDEX:
        case SQLITE_CREATE_TRIGGER: facts.made.insert(lower(name)); break;
        case SQLITE_DROP_INDEX:
        case SQLITE_DROP_TRIGGER: facts.dropped.insert(lower(name)); break;
        case SQLITE_READ: facts.reads.insert(std::string{name}); break;
        default: break;
    }
}

}  // namespace

MigrationConnection::MigrationConnection(const std::string& path, const std::string& vfs, Access access,
                                         Waiting waiting)
    : name_(path), waiting_(std::move(waiting)), database_(open_for(path, vfs, access)) {
    apply_recipe(access);
}

void MigrationConnection::apply_recipe(Access access) {
    auto* db = database_.getHandle();
    sqlite3_busy_handler(db, &MigrationConnection::on_busy, this);
    sqlite3_progress_handler(db, instructions_between_looks, &MigrationConnection::on_progress, this);
    sqlite3_update_hook(db, &MigrationConnection::on_row, this);
    sqlite3_set_authorizer(db, &MigrationConnection::on_action, this);
    harden(db, name_, 0);
    query("PRAGMA wal_autocheckpoint=0");
    query("PRAGMA temp_store=MEMORY");
    if (access == Access::look) query("PRAGMA query_only=ON");
    if (access != Access::change) return;
    if (sqlite3_db_readonly(db, "main") == 1) fail(SQLITE_READONLY, "open");
    // Of a rollback journal, FULL leaves it to the system when its removal, which is the commit, comes to the disk.
    query("PRAGMA synchronous=EXTRA");
    if (spilling_loses_commits()) query("PRAGMA cache_spill=OFF");
}

std::vector<ValueRow> MigrationConnection::query(std::string_view sql, const std::vector<Value>& parameters) {
    auto* db = database_.getHandle();
    sqlite3_stmt* compiled = nullptr;
    int code = sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), 0, &compiled, nullptr);
    const StatementPointer statement{compiled};
    rethrow();
    if (code != SQLITE_OK) fail(code, sql);
    int number = 0;
    for (const auto& parameter : parameters) {
        ++number;
        if (!parameter) continue;
        code = sqlite3_bind_text64(compiled, number, parameter->data(), parameter->size(), SQLITE_STATIC, SQLITE_UTF8);
        if (code != SQLITE_OK) fail(code, sql);
    }
    std::vector<ValueRow> rows;
    while ((code = sqlite3_step(compiled)) == SQLITE_ROW) {
        ValueRow row;
        for (int i = 0; i < sqlite3_column_count(compiled); ++i) {
            const bool is_null = sqlite3_column_type(compiled, i) == SQLITE_NULL;
            const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(compiled, i));
            if (text == nullptr && !is_null) fail(SQLITE_NOMEM, sql);
            row.push_back(is_null ? Value{} : Value{text});
        }
        rows.push_back(std::move(row));
    }
    rethrow();
    if (code != SQLITE_DONE) fail(code, sql);
    return rows;
}

Value MigrationConnection::value(std::string_view sql, const std::vector<Value>& parameters) {
    const auto rows = query(sql, parameters);
    return rows.empty() ? Value{} : rows.front().front();
}

ScriptStep MigrationConnection::run_first(std::string_view sql) {
    auto* db = database_.getHandle();
    ScriptStep step;
    step.text = step.rest = sql;
    sqlite3_stmt* compiled = nullptr;
    while (compiled == nullptr && step.code == SQLITE_OK && !step.rest.empty()) {
        const char* tail = nullptr;
        step.text = step.rest;
        facts_ = &step.facts;
        step.code = sqlite3_prepare_v3(db, step.text.data(), -1, 0, &compiled, &tail);
        facts_ = nullptr;
        if (step.code != SQLITE_OK) break;
        step.rest = step.text.substr(static_cast<std::size_t>(tail - step.text.data()));
        step.text = step.text.substr(0, static_cast<std::size_t>(tail - step.text.data()));
    }
    const StatementPointer statement{compiled};
    rethrow();
    step.at_end = compiled == nullptr && step.code == SQLITE_OK;
    if (step.at_end) return step;
    if (step.code == SQLITE_OK && sqlite3_bind_parameter_count(compiled) > 0) {
        // Unbound it is NULL, which nobody means who writes one.
        step.facts.refusal = "a parameter has no value in a migration; write the value";
        step.code = SQLITE_ERROR;
        return step;
    }
    if (step.code == SQLITE_OK) {
        if (sqlite3_stmt_readonly(compiled) == 0) expect_rows(step.facts);
        step.code = step_to_end(compiled);
    }
    if (step.code == SQLITE_OK) return step;
    step.message = sqlite3_errmsg(db);
    if (const int offset = sqlite3_error_offset(db); offset >= 0) step.offset = static_cast<std::size_t>(offset);
    return step;
}

int MigrationConnection::step_to_end(void* statement) {
    auto* compiled = static_cast<sqlite3_stmt*>(statement);
    rows_done_ = 0;
    int code = SQLITE_ROW;
    while (code == SQLITE_ROW) code = sqlite3_step(compiled);
    rows_expected_ = 0;
    rethrow();
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/// How much a statement will touch is guessed from how much it can read. Only somebody who watches pays for it.
void MigrationConnection::expect_rows(const StatementFacts& facts) {
    rows_expected_ = 0;
    if (!waiting_.on_tick) return;
    for (const auto& table : facts.reads) {
        if (lower(table).starts_with("sqlite_")) continue;
        std::string quoted;
        for (const char c : table) quoted += c == '"' ? std::string{"\"\""} : std::string{c};
        try {
            rows_expected_ += std::stoll(value("SELECT count(*) FROM \"" + quoted + "\"").value_or("0"));
        } catch (const Error&) {
            continue;  // a name that the statement itself made up (WITH): it has no rows of its own
        }
    }
}

bool MigrationConnection::in_transaction() const noexcept { return sqlite3_get_autocommit(database_.getHandle()) == 0; }

void MigrationConnection::copy_from(MigrationConnection& from, const std::function<void(int)>& on_percent) {
    constexpr int pages_at_a_time = 1000;
    auto* to = database_.getHandle();
    // In WAL mode SQLite cannot change the size of pages.
    if (value("PRAGMA page_size") != from.value("PRAGMA page_size") && value("PRAGMA journal_mode") == "wal")
        query("PRAGMA journal_mode=DELETE");
    const auto finish = [](sqlite3_backup* backup) { sqlite3_backup_finish(backup); };
    const std::unique_ptr<sqlite3_backup, decltype(finish)> backup{
        sqlite3_backup_init(to, "main", from.database_.getHandle(), "main"), finish};
    if (!backup) fail(sqlite3_extended_errcode(to), "backup");
    for (int code = SQLITE_OK, attempts = 0; code != SQLITE_DONE;) {
        if (stop_requested()) fail(SQLITE_INTERRUPT, "backup");
        code = sqlite3_backup_step(backup.get(), pages_at_a_time);
        const int total = std::max(sqlite3_backup_pagecount(backup.get()), 1);
        on_percent(100 * (total - sqlite3_backup_remaining(backup.get())) / total);
        if (code == SQLITE_OK) attempts = 0;
        if (code == SQLITE_OK || code == SQLITE_DONE) continue;
        // A page that another process has locked is asked for again; the busy handler is not, by SQLite's choice.
        const bool locked = (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
        const bool again = locked && on_busy(this, attempts++) != 0;
        rethrow();
        if (!again) fail(code, "backup");
    }
}

void MigrationConnection::fail(int code, std::string_view sql) {
    auto failure = last_failure(database_.getHandle(), code, Doing::running, sql);
    // A backup keeps its code to itself, and the handle would say "not an error".
    if (sqlite3_extended_errcode(database_.getHandle()) != code) failure.message = sqlite3_errstr(code);
    failure.database = name_;
    throw_failure(failure);
}

void MigrationConnection::tick(bool waiting) noexcept {
    const auto now = Clock::now();
    if (!waiting_.on_tick || now - last_tick_ < between_ticks) return;
    last_tick_ = now;
    const auto percent = rows_expected_ > 0 ? std::min<std::int64_t>(99, rows_done_ * 100 / rows_expected_) : 0;
    try {
        waiting_.on_tick(static_cast<int>(percent), waiting);
    } catch (...) {
        thrown_ = std::current_exception();
    }
}

void MigrationConnection::rethrow() {
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

int MigrationConnection::on_busy(void* self, int attempts) {
    auto& connection = *static_cast<MigrationConnection*>(self);
    if (attempts == 0) connection.wait_until_ = Deadline{connection.waiting_.timeout}.at();
    const auto remaining = connection.wait_until_ - Clock::now();
    if (remaining <= Clock::duration::zero() || connection.stop_requested()) return 0;
    connection.tick(true);
    if (connection.thrown_) return 0;
    std::this_thread::sleep_for(
        std::min<Clock::duration>(std::chrono::milliseconds{std::min(1 + attempts, 20)}, remaining));
    return 1;
}

int MigrationConnection::on_progress(void* self) {
    auto& connection = *static_cast<MigrationConnection*>(self);
    if (connection.stop_requested()) return 1;
    connection.tick(false);
    return connection.thrown_ ? 1 : 0;
}

void MigrationConnection::on_row(void* self, int /*kind*/, const char* /*database*/, const char* /*table*/,
                                 long long /*rowid*/) {
    ++static_cast<MigrationConnection*>(self)->rows_done_;
}

int MigrationConnection::on_action(void* self, int action, const char* first, const char* second,
                                   const char* /*database*/, const char* /*trigger*/) noexcept {
    auto& connection = *static_cast<MigrationConnection*>(self);
    if (connection.facts_ == nullptr) return SQLITE_OK;  // our own statement
    const std::string_view name = first == nullptr ? "" : first;
    try {
        auto refusal = refusal_of(action, name, second == nullptr ? "" : second, second != nullptr);
        if (refusal.empty()) {
            note_action(*connection.facts_, action, name);
            return SQLITE_OK;
        }
        connection.facts_->refusal = std::move(refusal);
    } catch (...) {
        connection.thrown_ = std::current_exception();  // none may pass through SQLite
    }
    return SQLITE_DENY;
}

bool is_complete_statement(std::string_view sql) { return sqlite3_complete(std::string{sql}.c_str()) != 0; }

std::string sqlite_version() { return sqlite3_libversion(); }

int sqlite_version_number() { return sqlite3_libversion_number(); }

std::optional<int> parse_sqlite_version(std::string_view text) {
    std::array<int, 3> parts{};
    const char* at = text.data();
    const char* end = at + text.size();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const auto [next, error] = std::from_chars(at, end, parts.at(i));
        if (error != std::errc{} || parts.at(i) < 0 || parts.at(i) > 999) return std::nullopt;
        if (next == end) return parts[0] * 1'000'000 + parts[1] * 1000 + parts[2];
        if (*next != '.') return std::nullopt;
        at = next + 1;
    }
    return std::nullopt;
}

std::string code_text(int code) {
    static constexpr std::array<std::pair<int, const char*>, 14> names{{{SQLITE_ERROR, "SQLITE_ERROR"},
                                                                        {SQLITE_ABORT, "SQLITE_ABORT"},
                                                                        {SQLITE_BUSY, "SQLITE_BUSY"},
                                                                        {SQLITE_NOMEM, "SQLITE_NOMEM"},
                                                                        {SQLITE_READONLY, "SQLITE_READONLY"},
                                                                        {SQLITE_INTERRUPT, "SQLITE_INTERRUPT"},
                                                                        {SQLITE_IOERR, "SQLITE_IOERR"},
                                                                        {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
                                                                        {SQLITE_FULL, "SQLITE_FULL"},
                                                                        {SQLITE_TOOBIG, "SQLITE_TOOBIG"},
                                                                        {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
                                                                        {SQLITE_MISMATCH, "SQLITE_MISMATCH"},
                                                                        {SQLITE_AUTH, "SQLITE_AUTH"},
                                                                        {SQLITE_LOCKED, "SQLITE_LOCKED"}}};
    const auto* found = std::ranges::find(names, code & 0xff, &std::pair<int, const char*>::first);
    return (found == names.end() ? std::string{"SQLite code"} : std::string{found->second}) + " " +
           std::to_string(code);
}

bool is_disk_full(int code) { return (code & 0xff) == SQLITE_FULL; }

bool leaves_commit_in_doubt(int code) { return (code & 0xff) == SQLITE_IOERR && code != SQLITE_IOERR_WRITE; }

bool is_interrupted(int code) { return (code & 0xff) == SQLITE_INTERRUPT; }

}  // namespace sqlane::detail
