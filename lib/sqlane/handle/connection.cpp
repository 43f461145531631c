#include "handle/connection.hpp"

#include "handle/error_translation.hpp"

#include <sqlane/errors.hpp>

#include <sqlite3.h>

#include <cstring>
#include <exception>
#include <utility>

namespace sqlane::detail {
namespace {

const char* text_of(Control which) noexcept {
    switch (which) {
        case Control::begin: return "BEGIN";
        case Control::begin_immediate: return "BEGIN IMMEDIATE";
        case Control::commit: return "COMMIT";
        case Control::rollback: return "ROLLBACK";
        // Savepoints of one name nest: each of the two that end one means the innermost.
        case Control::savepoint: return "SAVEPOINT sqlane";
        case Control::release: return "RELEASE sqlane";
        default: return "ROLLBACK TO sqlane";
    }
}

}  // namespace

Connection::~Connection() {
    statements_.clear();
    for (auto* statement : controls_) sqlite3_finalize(statement);
    // What sqlite3_next_stmt still lists belongs to virtual tables: FTS5 and R-Tree finalise their own when the
    // connection closes, and doing it here as well would free them twice.
}

Statement& Connection::take(std::string_view sql, Role as, const std::source_location& at) {
    if (Statement* cached = statements_.take(sql)) {
        if (as == Role::writer || cached->vetted_for_reader()) return *cached;
        // It was compiled for a writer, who may do more.
        statements_.give_back(*cached);
        static_cast<void>(compile_only(sql, as, at));
        cached->vet_for_reader();
        return *statements_.take(sql);
    }
    auto compiled = compile_only(sql, as, at);
    auto& statement =
        statements_.add(std::make_unique<Statement>(std::move(compiled.statement), sql, std::move(compiled.effects)));
    if (as == Role::reader) statement.vet_for_reader();
    return statement;
}

Connection::Compiled Connection::compile_only(std::string_view sql, Role as, const std::source_location& at) {
    require_no_nul(sql, at);
    auto compiled = compile_first(sql, as, Ends::anyhow, at);
    if (!compiled.statement) throw UsageError{recipe_.name + ": the SQL text holds no statement; give it one", at};
    // Only the parser can tell a comment from a statement.
    if (compile_first(compiled.tail, as, Ends::anyhow, at).statement)
        throw UsageError{recipe_.name + ": two statements where one is expected: " + shortened(sql) +
                             "; run them one by one, or use script()",
                         at};
    return compiled;
}

void Connection::give_back(Statement& statement) noexcept {
    sqlite3_reset(statement.raw());
    sqlite3_clear_bindings(statement.raw());  // what was bound is the caller's, and may be gone
    statements_.give_back(statement);
}

Statement* Connection::take_first(std::string_view& script, const std::source_location& at) {
    auto compiled = compile_first(script, Role::writer, Ends::with_nul, at);
    script = compiled.tail;
    if (!compiled.statement) return nullptr;
    return &statements_.add_extra(
        std::make_unique<Statement>(std::move(compiled.statement), compiled.text, std::move(compiled.effects)));
}

/// Skips the blanks, comments and semicolons in front.
Connection::Compiled Connection::compile_first(std::string_view script, Role as, Ends ends,
                                               const std::source_location& at) {
    Compiled compiled{.statement = nullptr, .effects = {}, .text = {}, .tail = script};
    while (!compiled.statement && !compiled.tail.empty()) compiled = compile(compiled.tail, as, ends, at);
    return compiled;
}

void Connection::require_no_nul(std::string_view sql, const std::source_location& at) const {
    if (const auto nul = sql.find('\0'); nul != std::string_view::npos)
        throw UsageError{recipe_.name + ": the SQL text has a NUL character at position " + std::to_string(nul) +
                             ", where SQLite would stop reading; remove it, or bind the value",
                         at};
}

Connection::Compiled Connection::compile(std::string_view sql, Role as, Ends ends, const std::source_location& at) {
    sqlite3_stmt* statement = nullptr;
    const char* rest = nullptr;
    const auto size = static_cast<int>(sql.size()) + (ends == Ends::with_nul ? 1 : 0);
    authorizer_.begin_compile(as);
    const int code = sqlite3_prepare_v3(raw(), sql.data(), size, SQLITE_PREPARE_PERSISTENT, &statement, &rest);
    StatementPointer compiled{statement};
    auto effects = authorizer_.end_compile();
    const auto refusal = authorizer_.take_refusal();
    compiled_effects_.add(effects);
    if (code != SQLITE_OK) {
        // After a change of the schema SQLite says SQLITE_SCHEMA where it means the statement.
        const bool is_schema = (code & 0xff) == SQLITE_SCHEMA;
        auto failure = last_failure(raw(),
                                    !refusal.empty() ? SQLITE_AUTH
                                    : is_schema      ? SQLITE_ERROR
                                                     : code,
                                    Doing::preparing, sql);
        failure.database = recipe_.name;
        failure.at = at;
        if (!refusal.empty()) failure.message = refusal;
        throw_failure(failure);
    }
    const auto length = static_cast<std::size_t>(rest - sql.data());
    return {std::move(compiled), std::move(effects), sql.substr(0, length), sql.substr(length)};
}

int Connection::step(Statement& statement) {
    authorizer_.forget_refusal();
    const int code = sqlite3_step(statement.raw());
    turn_.stop_waiting();
    return code;
}

int Connection::control(Control which) noexcept {
    auto& statement = controls_.at(static_cast<std::size_t>(which));
    authorizer_.trust(true);
    int code = SQLITE_OK;
    if (statement == nullptr)
        code = sqlite3_prepare_v3(raw(), text_of(which), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
        if (const int again = sqlite3_reset(statement); code == SQLITE_DONE) code = again;
    }
    turn_.stop_waiting();
    authorizer_.trust(false);
    return code;
}

void Connection::commit_nothing() noexcept {
    if (const int begun = control(Control::begin_immediate); begun != SQLITE_OK && begun != SQLITE_DONE) return;
    try {
        first_text(("PRAGMA user_version=" + first_text("PRAGMA user_version")).c_str());
        control(Control::commit);
    } catch (const std::exception&) {
        // The disk goes on failing, or there is no memory: nothing more can be done about it here.
    }
    if (in_transaction()) control(Control::rollback);
}

const LogHeader& Connection::log_header() noexcept {
    if (std::exchange(looked_for_log_header_, true)) return log_header_;
    try {
        if (first_text("PRAGMA journal_mode") == "wal") log_header_.attach(raw());
    } catch (const std::exception&) {
        looked_for_log_header_ = false;  // reads are slower until it can be looked for
    }
    return log_header_;
}

bool Connection::in_transaction() const noexcept { return sqlite3_get_autocommit(raw()) == 0; }

bool Connection::holds_locks() const noexcept { return sqlite3_txn_state(raw(), nullptr) != SQLITE_TXN_NONE; }

std::string Connection::reset_busy_statements() {
    std::string first;
    for (auto* s = sqlite3_next_stmt(raw(), nullptr); s != nullptr; s = sqlite3_next_stmt(raw(), s)) {
        if (sqlite3_stmt_busy(s) == 0) continue;
        if (first.empty()) first = sqlite3_sql(s);
        sqlite3_reset(s);
    }
    return first;
}

std::string Connection::first_text(const char* sql) {
    sqlite3_stmt* compiled = nullptr;
    authorizer_.trust(true);
    int code = sqlite3_prepare_v2(raw(), sql, -1, &compiled, nullptr);
    const StatementPointer statement{compiled};
    if (code == SQLITE_OK) code = sqlite3_step(compiled);
    authorizer_.trust(false);
    if (code == SQLITE_DONE) return {};
    if (code == SQLITE_ROW && sqlite3_column_type(compiled, 0) == SQLITE_NULL) return {};
    const auto* text = code == SQLITE_ROW ? sqlite3_column_text(compiled, 0) : nullptr;
    if (text != nullptr) return reinterpret_cast<const char*>(text);
    auto failure = last_failure(raw(), code == SQLITE_ROW ? SQLITE_NOMEM : code, Doing::running, sql);
    failure.database = recipe_.name;
    throw_failure(failure);
}

std::string Connection::temporary_objects() {
    return first_text("SELECT group_concat(type || ' ' || name, ', ') FROM sqlite_temp_schema");
}

bool Connection::defers_foreign_keys() { return first_text("PRAGMA defer_foreign_keys") == "1"; }

bool Connection::has_unresolved_foreign_keys() const noexcept {
    int unresolved = 0;
    int highest = 0;
    return sqlite3_db_status(raw(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &highest, 0) == SQLITE_OK &&
           unresolved != 0;
}

std::string Connection::attached_files() {
    return first_text("SELECT group_concat(name, ', ') FROM pragma_database_list WHERE name NOT IN ('main', 'temp')");
}

void Connection::interrupt() noexcept { sqlite3_interrupt(raw()); }

std::int64_t sqlite_memory_used() noexcept { return sqlite3_memory_used(); }

}  // namespace sqlane::detail
