#pragma once

#include <sqlane/call.hpp>

#include <SQLiteCpp/Database.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

struct sqlite3;

namespace sqlane::detail {

/// What one statement of a migration did, as the authorizer saw it.
struct StatementFacts {
    /// Why it may not run inside a migration's transaction; empty when it may.
    std::string refusal;
    /// A table or a view; what goes with it was not dropped by name.
    bool drops_table = false;
    /// Indexes and triggers, lower case.
    std::set<std::string> dropped;
    std::set<std::string> made;
    std::set<std::string> reads;
};

/// One statement run out of a longer text.
struct ScriptStep {
    /// Nothing but blanks and comments was left.
    bool at_end = false;
    /// Of the statement's text and of what follows it, in the text given.
    std::string_view text;
    std::string_view rest;
    StatementFacts facts;
    /// 0 for success, else SQLite's code, its words, and where in `text` it points if it does.
    int code = 0;
    std::string message;
    std::optional<std::size_t> offset;
};

using Value = std::optional<std::string>;
using ValueRow = std::vector<Value>;

/// A connection for changing schemas: outside the lanes, before they open, under the same rules for spilling,
/// checkpoints and hardening. Keeps the journal mode that the file has.
/// Thread safety: one thread at a time.
class MigrationConnection {
public:
    enum class Access : std::uint8_t {
        /// Read-only; the file stays as it is to the byte.
        look,
        change,
        /// A database in memory, for replaying.
        memory
    };
    struct Waiting {
        /// For a lock, each time anew: a long run may meet a reader at its end.
        std::chrono::milliseconds timeout = std::chrono::milliseconds::max();
        std::stop_token stop{};
        /// Called at most four times a second, while a lock is waited for and while a statement runs; with the
        /// percentage of the rows that the statement is expected to touch.
        std::function<void(int percent, bool waiting)> on_tick{};
    };

    MigrationConnection(const std::string& path, const std::string& vfs, Access access, Waiting waiting);
    MigrationConnection(const MigrationConnection&) = delete;
    MigrationConnection& operator=(const MigrationConnection&) = delete;
    ~MigrationConnection() = default;

    /// Our own SQL: one statement with text parameters. Throws what the caller can act on.
    std::vector<ValueRow> query(std::string_view sql, const std::vector<Value>& parameters = {});
    Value value(std::string_view sql, const std::vector<Value>& parameters = {});

    /// Compiles and runs the first statement of `sql`, which a migration file holds and at whose end there is a NUL: given
    /// a length, SQLite copies the whole text for each of its statements. Never throws for what the statement does wrong.
    ScriptStep run_first(std::string_view sql);

    [[nodiscard]] bool in_transaction() const noexcept;
    [[nodiscard]] bool stop_requested() const noexcept { return waiting_.stop.stop_requested(); }
    /// Copies all pages of `from` into this database. `on_percent` is called now and then.
    void copy_from(MigrationConnection& from, const std::function<void(int)>& on_percent);

private:
    void apply_recipe(Access access);
    void expect_rows(const StatementFacts& facts);
    int step_to_end(void* statement);
    [[noreturn]] void fail(int code, std::string_view sql);
    void tick(bool waiting) noexcept;
    void rethrow();
    static int on_busy(void* self, int attempts);
    static int on_progress(void* self);
    static void on_row(void* self, int, const char*, const char*, long long);
    static int on_action(void* self, int action, const char* first, const char* second, const char*,
                         const char*) noexcept;

    std::string name_;
    Waiting waiting_;
    Clock::time_point wait_until_{};
    /// What `on_tick` threw: it ends the statement, and goes on its way when SQLite's code is left.
    std::exception_ptr thrown_{};
    SQLite::Database database_;
    StatementFacts* facts_ = nullptr;
    std::int64_t rows_expected_ = 0;
    std::int64_t rows_done_ = 0;
    Clock::time_point last_tick_{};
};

/// https://www.sqlite.org/c3ref/complete.html: `sql` ends with a whole statement, a trigger's body counted.
bool is_complete_statement(std::string_view sql);

/// "3.40.1" and 3040001.
std::string sqlite_version();
int sqlite_version_number();
/// The number of "3.35" or "3.35.2"; nothing for what is no version.
std::optional<int> parse_sqlite_version(std::string_view text);

/// "SQLITE_ERROR 1" for messages; the extended code.
std::string code_text(int code);
bool is_disk_full(int code);
/// A COMMIT that failed with it may be kept: it was all written and could not be flushed, or its journal not removed, and
/// the next one to open the file may find it whole.
bool leaves_commit_in_doubt(int code);
bool is_interrupted(int code);

}  // namespace sqlane::detail
