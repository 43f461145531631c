#pragma once

#include <sqlane/errors.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

/// Changing the schema of a database on somebody's desktop: all or nothing, once, backed up, and told.
///
/// The command line reads a folder of `.sql` files; an application embeds the same files (CMake:
/// `sqlane_embed_migrations`) and calls `migrate` before it makes its ConnectionManager. docs/migrations.md has the format.
namespace sqlane {

/// What stands in the way, and so what can be done. The command line's exit codes follow from it.
enum class MigrationProblem : std::uint8_t {
    /// A statement failed; the database is as it was before.
    failed,
    /// The files or the database break a rule; nothing was run, or all was rolled back.
    refused,
    /// The database was made by a newer build, or belongs to another application.
    newer,
    /// Another process kept the file locked.
    busy,
    /// The schema is not what the migrations make.
    drift,
    /// The disk is full, or a backup could not be made.
    storage,
    cancelled
};

/// Where in a migration file: line and column count from 1, the column in characters.
struct MigrationPlace {
    std::string file;
    int line = 0;
    int column = 0;
    /// Of this file's section, from 1.
    int statement = 0;
    int statements = 0;
    /// The text of the line, and a caret below it.
    std::string excerpt;
};

class MigrationError : public Error {
public:
    MigrationError(MigrationProblem problem, const std::string& code, const std::string& what,
                   std::optional<MigrationPlace> place = {}, int sqlite_code = 0)
        : Error(what, {}, sqlite_code), problem_(problem), code_(code), place_(std::move(place)) {}

    [[nodiscard]] MigrationProblem problem() const noexcept { return problem_; }
    /// Stable, for machines: "duplicate-version", "checksum-mismatch", …
    [[nodiscard]] const std::string& code() const noexcept { return code_; }
    [[nodiscard]] const std::optional<MigrationPlace>& place() const noexcept { return place_; }

private:
    MigrationProblem problem_;
    std::string code_;
    std::optional<MigrationPlace> place_;
};

/// One half of a migration file.
struct MigrationSection {
    std::string sql;
    /// Where `sql` begins in the text of the file.
    std::size_t offset = 0;
};

/// One `<version>_<name>.sql`, read and checked.
struct Migration {
    /// Digits, as in the file name. "0002" and "2" are the same version.
    std::string version;
    std::string name;
    std::string file;
    /// "sha256:…" of the text without byte order mark and with LF line ends.
    std::string checksum;
    MigrationSection up;
    std::optional<MigrationSection> down;
    /// The whole text, for finding lines.
    std::string text;

    // `-- migrate: key[=value]` lines before the first statement.
    /// Builds that do not know this migration cannot use the database any more.
    bool breaking = false;
    /// May be applied although a newer one was.
    bool out_of_order = false;
    /// Tables whose foreign keys are checked afterwards; empty for all.
    std::vector<std::string> foreign_key_tables{};
    bool check_foreign_keys = true;
    /// Indexes, triggers and views that may go without being dropped by name.
    std::vector<std::string> allowed_lost{};
    std::string requires_sqlite{};

    [[nodiscard]] std::uint64_t number() const;
};

/// A file as it is embedded.
struct MigrationFile {
    std::string_view name;
    std::string_view text;
};

/// The migrations that a build knows, in the order of their versions.
class MigrationSet {
public:
    /// Every `.sql` file of the folder. Throws MigrationError for a misnamed file, a duplicate version or an unknown key.
    static MigrationSet from_folder(const std::filesystem::path& folder);
    static MigrationSet from_files(std::span<const MigrationFile> files);

    [[nodiscard]] const std::vector<Migration>& all() const noexcept { return migrations_; }
    [[nodiscard]] const Migration* find(std::string_view version) const;
    /// Empty when there are none.
    [[nodiscard]] std::string newest() const;

private:
    std::vector<Migration> migrations_;
};

/// How far a run is. At most four a second of a kind.
struct MigrationProgress {
    enum class Step : std::uint8_t { waiting, backup, statement, foreign_keys, commit };
    Step step{};
    std::string file;
    int migration = 0;
    int migrations = 0;
    int statement = 0;
    int statements = 0;
    /// Of the backup or of the statement; 100 at its end.
    int percent = 0;
    std::chrono::milliseconds elapsed{};
};

struct MigrationOptions {
    /// Copy a non-empty database before the first write, into `<db>.bak-<version>-<UTC>`; the newest three are kept.
    bool backup = true;
    /// Each file a commit of its own, instead of all in one.
    bool commit_each_file = false;
    /// Go back with the SQL that a newer build stored, when this build does not know what was applied.
    bool downgrade = false;
    /// How long to wait for another process that has the file.
    std::chrono::milliseconds lock_timeout = std::chrono::seconds{30};
    /// Stop before this version's successors; empty for all.
    std::string to{};
    /// Refuse a database whose application_id is neither 0 nor this; 0 asks nothing. A new database gets it.
    std::int32_t application_id = 0;
    /// Kept in the history.
    std::string app_version{};
    std::function<void(const MigrationProgress&)> on_progress{};
    std::stop_token stop{};
    std::string vfs{};
};

struct AppliedMigration {
    std::string version;
    std::string name;
    std::chrono::milliseconds duration{};
};

struct MigrationResult {
    /// Versions before and after; empty for "none".
    std::string from;
    std::string to;
    /// In the order in which they ran; those of `down` were undone.
    std::vector<AppliedMigration> applied;
    /// The copy made before the first write; empty when none was made.
    std::filesystem::path backup;
    std::vector<std::string> warnings;
};

/// What one version is, in the file set and in the database.
struct MigrationStatus {
    enum class State : std::uint8_t {
        applied,
        pending,
        /// Applied, and its file is gone.
        missing,
        /// Applied, and its file was edited since.
        modified,
        /// Applied by a newer build.
        future,
        /// Not applied, though a newer one is.
        out_of_order
    };
    std::string version;
    std::string name;
    State state{};
    /// UTC, as in "2026-01-31 12:00:00"; empty when not applied.
    std::string applied_at;
    std::chrono::milliseconds duration{};
};

[[nodiscard]] const char* to_string(MigrationStatus::State state) noexcept;
[[nodiscard]] const char* to_string(MigrationProblem problem) noexcept;

/// A difference between the schema that is and the one that the migrations make.
struct SchemaDifference {
    enum class Kind : std::uint8_t { missing, unexpected, different };
    Kind kind{};
    /// "table Parts", "index ix_parts_name".
    std::string object;
    std::string expected;
    std::string found;
};

/// What a rehearsal on a copy showed.
struct Rehearsal {
    struct Rows {
        std::string table;
        /// -1 where the table is not there.
        std::int64_t before = -1;
        std::int64_t after = -1;
    };
    MigrationResult result;
    std::vector<Rows> rows;
    std::chrono::milliseconds took{};
    std::string quick_check;
};

/// One database file and the migrations for it. Opens the file for each call and closes it again; no ConnectionManager
/// of this process may have it open.
/// Thread safety: one thread at a time.
class Migrator {
public:
    Migrator(std::filesystem::path file, MigrationSet set, MigrationOptions options = {});

    // These write nothing, and make no file.
    [[nodiscard]] std::vector<MigrationStatus> status() const;
    /// What `up` would run; throws what `up` would.
    [[nodiscard]] std::vector<Migration> plan() const;
    /// The version the database is at; empty for none.
    [[nodiscard]] std::string version() const;
    /// Throws MigrationError unless every applied migration is there unedited and in order.
    void validate() const;
    [[nodiscard]] std::vector<SchemaDifference> drift() const;
    /// The schema as SQL, sorted; what loads it again gives the same.
    [[nodiscard]] std::string dump() const;
    /// Runs what is pending on a copy.
    [[nodiscard]] Rehearsal rehearse() const;

    MigrationResult up();
    /// Undoes the newest `count`.
    MigrationResult down(int count = 1);
    /// Undoes all that is newer than `version`; "0" for everything.
    MigrationResult down_to(const std::string& version);
    /// Undoes the newest and applies it again, in one transaction.
    MigrationResult redo();
    /// Records the text of an edited file as the one that was applied.
    void accept(const std::string& version);

    /// A checked copy of the database in use, `<db>.backup-<version>-<UTC>`, which no run removes. Returns its path.
    std::filesystem::path backup();
    /// Puts a copy back, after setting the current database aside. Returns where that is; empty when there was none.
    std::filesystem::path restore(const std::filesystem::path& copy);

private:
    std::filesystem::path file_;
    MigrationSet set_;
    MigrationOptions options_;
};

/// The whole of it for an application's start-up: everything pending, or a typed error and an untouched file.
/// A database of a newer build that says it is compatible is left as it is, with a warning.
MigrationResult migrate(const std::filesystem::path& file, const MigrationSet& set,
                        const MigrationOptions& options = {});

/// Writes an empty migration file and returns its path.
std::filesystem::path new_migration(const std::filesystem::path& folder, const std::string& name,
                                    bool sequential = false);

}  // namespace sqlane
