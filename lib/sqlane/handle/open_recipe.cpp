#include "handle/open_recipe.hpp"

#include "handle/connection.hpp"
#include "handle/error_translation.hpp"

#include <sqlane/errors.hpp>

#include <SQLiteCpp/Exception.h>
#include <sqlite3.h>

#include <string>
#include <string_view>

namespace sqlane::detail {
namespace {

// SQLITE_OPEN_EXRESCODE and STRICT tables came with 3.37.
static_assert(SQLITE_VERSION_NUMBER >= 3037000, "sqlane needs SQLite 3.37 or newer");

/// NOMUTEX: a handle is lent to one thread at a time, so SQLite need not lock. NOFOLLOW: the path was made canonical,
/// so a symbolic link in it was put there since.
constexpr int common_flags =
    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;

int flags_for(Role role) {
    // Never CREATE: the file was made with the right mode when it was claimed.
    return common_flags | (role == Role::reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE);
}

SQLite::Database open_database(const OpenRecipe& recipe, const std::source_location& at) {
    make_sqlite_ready();
    try {
        return SQLite::Database{recipe.path, flags_for(recipe.role), 0, recipe.vfs};
    } catch (const SQLite::Exception& error) {
        throw_failure({.code = error.getExtendedErrorCode() > 0 ? error.getExtendedErrorCode() : error.getErrorCode(),
                       .message = error.what(),
                       .doing = Doing::opening,
                       .database = recipe.path,
                       .at = at});
    }
}

}  // namespace

void make_sqlite_ready() {
    static const int ready = sqlite3_initialize();
    static_cast<void>(ready);  // what went wrong, the open says again
}

bool spilling_loses_commits() { return sqlite3_libversion_number() < 3050002; }

Connection::Connection(const OpenRecipe& recipe, Interrupt& interrupt, StatementWatch& watch,
                       const std::source_location& at)
    : recipe_(recipe),
      opened_for_(at),
      database_(open_database(recipe, at)),
      turn_(recipe.path + "-wal"),
      authorizer_(recipe.role),
      statements_(static_cast<std::size_t>(recipe.statement_cache), watch) {
    authorizer_.trust(true);
    apply_recipe(interrupt);
    authorizer_.trust(false);
    authorizer_.attach_to(raw());
}

void Connection::apply_recipe(Interrupt& interrupt) {
    sqlite3_extended_result_codes(raw(), 1);
    interrupt.attach_to(raw(), recipe_.role == Role::writer
                                   ? &turn_
                                   : nullptr);  // first: everything below may have to wait for another process
    harden(raw(), recipe_.path, recipe_.role == Role::reader ? 0 : 4);
    // Before anything is read: reading a write-ahead log makes its files, and who may not write leaves them behind.
    if (recipe_.role == Role::writer) require_writable();
    pragma("PRAGMA temp_store=MEMORY");
    pragma("PRAGMA cache_size=-" + std::to_string(recipe_.cache_kib));
    pragma("PRAGMA wal_autocheckpoint=0");
    if (recipe_.role == Role::reader) {
        pragma("PRAGMA query_only=ON");
        return;
    }
    set_up_journal();
    pragma("PRAGMA foreign_keys=ON");
    expect_pragma("foreign_keys", "1");
    if (spilling_loses_commits()) {
        pragma("PRAGMA cache_spill=OFF");
        expect_pragma("cache_spill", "0");
    }
    pragma("PRAGMA journal_size_limit=" + std::to_string(recipe_.log_limit));
    page_size_ = std::stoi(pragma("PRAGMA page_size"));
    sqlite3_wal_hook(raw(), &Connection::on_commit, this);
}

void harden(sqlite3* db, const std::string& name, int attached_files) {
    for (const auto& [option, value] : {std::pair{SQLITE_DBCONFIG_DEFENSIVE, 1},
                                        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                        {SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0},
                                        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
                                        {SQLITE_DBCONFIG_DQS_DML, 0},
                                        {SQLITE_DBCONFIG_DQS_DDL, 0}}) {
        int now = -1;
        if (sqlite3_db_config(db, option, value, &now) != SQLITE_OK || now != value)
            throw_failure({.code = SQLITE_ERROR,
                           .message = "a security setting (" + std::to_string(option) + ") did not take",
                           .doing = Doing::opening,
                           .database = name});
    }
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 10'000'000);
    sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 500);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 100);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, attached_files);
}

/// Asked for read-write, SQLite opens a file that it may not write read-only and says nothing.
void Connection::require_writable() {
    if (sqlite3_db_readonly(raw(), "main") == 1) fail_open(SQLITE_READONLY, "the file is not writable for this user");
}

void Connection::set_up_journal() {
    pragma(std::string{"PRAGMA synchronous="} + to_string(recipe_.synchronous));
    if (const auto mode = pragma("PRAGMA journal_mode=WAL"); mode != "wal")
        fail_open(SQLITE_CANTOPEN, "the file cannot have a write-ahead log (journal mode stays '" + mode + "')");
}

void Connection::expect_pragma(const char* name, std::string_view expected) {
    if (const auto value = pragma(std::string{"PRAGMA "} + name); value != expected)
        fail_open(SQLITE_ERROR,
                  std::string{"PRAGMA "} + name + " is '" + value + "' and not '" + std::string{expected} + "'");
}

/// The first value that the pragma returns, empty when it returns none.
std::string Connection::pragma(const std::string& sql) {
    sqlite3_stmt* compiled = nullptr;
    std::string value;
    int code = sqlite3_prepare_v2(raw(), sql.c_str(), -1, &compiled, nullptr);
    const StatementPointer statement{compiled};
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(compiled);
        if (code != SQLITE_ROW || !value.empty() || sqlite3_column_type(compiled, 0) == SQLITE_NULL) continue;
        const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(compiled, 0));
        if (text == nullptr) fail_open(SQLITE_NOMEM, sqlite3_errstr(SQLITE_NOMEM));
        value = text;
    }
    if (code != SQLITE_DONE) fail_open(code, sqlite3_errmsg(raw()));
    return value;
}

void Connection::fail_open(int code, const std::string& message) const {
    throw_failure(
        {.code = code, .message = message, .doing = Doing::opening, .database = recipe_.path, .at = opened_for_});
}

int Connection::on_commit(void* self, sqlite3* /*db*/, const char* database, int frames) {
    if (std::string_view{database} != "main") return SQLITE_OK;  // of an attached file, which is not ours to look after
    auto& connection = *static_cast<Connection*>(self);
    connection.wal_frames_ = frames;
    connection.committed_ = true;
    return SQLITE_OK;
}

}  // namespace sqlane::detail
