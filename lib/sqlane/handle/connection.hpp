#pragma once

#include "handle/authorizer.hpp"
#include "handle/interrupt.hpp"
#include "handle/log_header.hpp"
#include "handle/statement.hpp"
#include "handle/turn.hpp"

#include <sqlane/options.hpp>

#include <SQLiteCpp/Database.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

namespace sqlane::detail {

/// What it takes to open one connection.
struct OpenRecipe {
    std::string path;
    /// For messages: the file's name without its folder.
    std::string name;
    std::string vfs;
    Role role = Role::reader;
    Synchronous synchronous = Synchronous::full;
    int cache_kib = 0;
    int statement_cache = 0;
    /// A log that begins anew is cut to this.
    std::int64_t log_limit = 0;
    /// How long an idle handle keeps its snapshot; 0 for not at all.
    std::chrono::milliseconds snapshot_idle{};
    /// How many transactions may share a COMMIT, and for how long they may gather.
    int group_max = 1;
    std::chrono::milliseconds group_window{};
};

/// The statements that only sqlane may run.
enum class Control : std::uint8_t { begin, begin_immediate, commit, rollback, savepoint, release, rollback_to };
inline constexpr std::size_t control_count = 7;

/// One open SQLite connection. Returns SQLite's codes; Handle turns them into exceptions.
/// Thread safety: belongs to the thread that its handle is lent to; `interrupt` may come from any thread.
class Connection {
public:
    /// Opens by the recipe and proves that it took: WAL, foreign keys, no spilling, no autocheckpoint.
    Connection(const OpenRecipe& recipe, Interrupt& interrupt, StatementWatch& watch, const std::source_location& at);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    /// From the cache, or compiled: exactly one statement, which the role may run. Throws UsageError otherwise.
    Statement& take(std::string_view sql, Role as, const std::source_location& at);
    void give_back(Statement& statement) noexcept;
    /// SQLite would stop reading there, and nobody would notice.
    void require_no_nul(std::string_view sql, const std::source_location& at) const;
    /// Compiles the first statement of a script and shortens `script` to what follows; null when only blanks remain.
    /// The script ends with a NUL behind it. The statement is not kept after `give_back`.
    Statement* take_first(std::string_view& script, const std::source_location& at);

    /// SQLITE_ROW, SQLITE_DONE or an error.
    int step(Statement& statement);
    int control(Control which) noexcept;

    /// Writes to the log without changing anything.
    void commit_nothing() noexcept;

    /// A transaction is open, as SQLite sees it.
    [[nodiscard]] bool in_transaction() const noexcept;
    /// A snapshot or a write lock is held: also by a statement that was stepped and not reset.
    [[nodiscard]] bool holds_locks() const noexcept;
    /// Resets every statement that is still being stepped and returns the text of the first.
    std::string reset_busy_statements();
    /// Empty when neither temporary objects nor attached files are there.
    std::string temporary_objects();
    std::string attached_files();
    bool defers_foreign_keys();
    /// Rows that a deferred foreign key does not allow to be committed.
    [[nodiscard]] bool has_unresolved_foreign_keys() const noexcept;
    /// Of all that was compiled since the last call. Some pragmas act already then, whether the statement is run or
    /// refused: https://www.sqlite.org/pragma.html
    void move_compiled_effects(Effects& to) {
        if (compiled_effects_.any()) to.add(std::exchange(compiled_effects_, {}));
    }

    void interrupt() noexcept;

    [[nodiscard]] Turn& turn() noexcept { return turn_; }

    [[nodiscard]] sqlite3* raw() const noexcept { return database_.getHandle(); }
    [[nodiscard]] CacheCounts take_cache_counts() noexcept { return statements_.take_counts(); }
    [[nodiscard]] Authorizer& authorizer() noexcept { return authorizer_; }
    /// Frames in the write-ahead log after the last commit made here.
    [[nodiscard]] int wal_frames() const noexcept { return wal_frames_; }
    /// Whether anything was committed here since the last call.
    [[nodiscard]] bool take_committed() noexcept { return std::exchange(committed_, false); }
    [[nodiscard]] int page_size() const noexcept { return page_size_; }

    /// Of the write-ahead log; for one that has read something.
    [[nodiscard]] const LogHeader& log_header() noexcept;
    [[nodiscard]] const LogHeader& log_header_if_seen() const noexcept { return log_header_; }

private:
    void apply_recipe(Interrupt& interrupt);
    void require_writable();
    void set_up_journal();
    void expect_pragma(const char* name, std::string_view expected);
    std::string pragma(const std::string& sql);
    /// Empty when it is NULL or there is none. Throws what went wrong, so that a look that failed finds nothing clean.
    std::string first_text(const char* sql);
    struct Compiled {
        StatementPointer statement;
        Effects effects;
        /// The text of the statement, and what follows it.
        std::string_view text;
        std::string_view tail;
    };
    /// Of text that ends with a NUL behind it SQLite needs no copy.
    enum class Ends : std::uint8_t { anyhow, with_nul };
    Compiled compile(std::string_view sql, Role as, Ends ends, const std::source_location& at);
    Compiled compile_first(std::string_view script, Role as, Ends ends, const std::source_location& at);
    Compiled compile_only(std::string_view sql, Role as, const std::source_location& at);
    [[noreturn]] void fail_open(int code, const std::string& message) const;
    static int on_commit(void* self, sqlite3*, const char*, int frames);

    const OpenRecipe& recipe_;
    const std::source_location opened_for_;
    SQLite::Database database_;
    Turn turn_;
    Authorizer authorizer_;
    StatementCache statements_;
    Effects compiled_effects_;
    std::array<sqlite3_stmt*, control_count> controls_{};
    int wal_frames_ = 0;
    bool committed_ = false;
    int page_size_ = 4096;
    LogHeader log_header_;
    bool looked_for_log_header_ = false;
};

/// What the last safe checkpoint did.
struct CheckpointResult {
    enum class Outcome : std::uint8_t { done, skipped, failed, race_suspected };
    Outcome outcome = Outcome::skipped;
    int frames_in_log = 0;
    int frames_checkpointed = 0;
    std::string message;
};

/// Brings what the log holds into the database while nobody can commit, neither here nor in another process.
/// `writer` must be held by the caller and be outside a transaction.
///
/// Until SQLite 3.51.3 (3.50.7, 3.44.6) a checkpoint that races a commit which resets the log can skip frames, so it
/// runs PASSIVE on a second connection while the writer holds BEGIN IMMEDIATE. https://www.sqlite.org/wal.html#ckpt
CheckpointResult checkpoint(Connection& writer, Connection& second);

/// Of the whole process.
std::int64_t sqlite_memory_used() noexcept;

}  // namespace sqlane::detail
