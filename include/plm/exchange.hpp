#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <cstdint>
#include <functional>
#include <istream>
#include <ostream>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

/// Parts and bills of materials as CSV (RFC 4180), in memory that does not grow with the file.
namespace plm {

struct ImportOptions {
    /// Reads and checks everything, and keeps nothing. Parts are tried batch by batch, and what is remembered of them is
    /// some 40 bytes each; a BOM in one transaction, which `all_or_nothing` tells more of.
    bool dry_run = false;
    /// One bad row, and nothing is kept. Otherwise the good rows are. All in one transaction: other writers wait until it
    /// is over, and with a SQLite older than 3.50.2 its changes stay in memory till then, some 600 bytes a row.
    bool all_or_nothing = false;
    /// A BOM only: revisions that it names and that are not there are made, as drafts of `by`. For a file from another
    /// database; in one's own, a revision that is missing is a slip of the pen.
    bool make_revisions = false;
    /// Rows of one commit, fewer where they are long: the writer is free between two of them, and while they are read.
    int batch = 1000;
    /// Begin behind that many rows: where an import that failed said that it had come.
    std::int64_t skip = 0;
    /// Lines are added only to drafts that this user may edit.
    Actor by{};
    /// After each batch: rows done so far, with those that were skipped.
    std::function<void(std::int64_t rows)> on_progress{};
    std::stop_token stop{};
};

struct RowError {
    /// Of the file, from 1, where the row begins.
    std::int64_t line = 0;
    std::string why;
};

struct ImportResult {
    /// Rows that were read and tried, good and bad; those that were skipped are not among them.
    std::int64_t rows = 0;
    /// Rows that are in the database now; after a dry run, that would be.
    std::int64_t imported = 0;
    /// The first thousand of them.
    std::vector<RowError> errors;
    std::int64_t bad_rows = 0;
    /// Rows whose fate is settled, counted from the first of the file: what to `skip` to go on after a failure.
    std::int64_t settled = 0;
};

/// What ended an import in the middle. What was settled before it stays, and `result` tells of nothing else. The cause is
/// nested in it: std::rethrow_if_nested.
class ImportStopped : public sqlane::Error {
public:
    ImportStopped(const std::string& what, ImportResult result) : sqlane::Error(what), result_(std::move(result)) {}
    [[nodiscard]] const ImportResult& result() const noexcept { return result_; }

private:
    ImportResult result_;
};

/// UTF-8; the first row names the columns, in any order. `category` and `name` are needed; `number`, `subcategory`,
/// `description`, `created`, `modified` and `retired` are known. A row without a number draws one. Dates are
/// 2026-01-31T12:00:00Z, or 2026-01-31 for its first second.
///
/// Throws InvalidValue or CsvError before anything is read when columns are missing, unknown or there twice. A row that
/// is bad is listed and leaves nothing; anything else that goes wrong is ImportStopped.
ImportResult import_parts(sqlane::ConnectionManager& db, std::istream& csv, const ImportOptions& options = {});
/// The same for lines of BOMs. `parent`, `child` and `quantity` are needed; `revision` (of the parent, else its latest),
/// `child_revision` (pinned), `unit`, `find`, `designators` and `note` are known. Lines are added to those that are there.
ImportResult import_bom(sqlane::ConnectionManager& db, std::istream& csv, const ImportOptions& options = {});

/// What `import_parts` reads again into the same parts, by number, as of one moment. Returns the number of rows.
std::int64_t export_parts(sqlane::ConnectionManager& db, std::ostream& csv, bool with_retired = true);
/// The lines of the latest revision of every part, or of the one part named.
std::int64_t export_bom(sqlane::ConnectionManager& db, std::ostream& csv, const std::string& part = {});

}  // namespace plm
