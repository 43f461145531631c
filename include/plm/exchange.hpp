#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <cstdint>
#include <functional>
#include <istream>
#include <ostream>
#include <stop_token>
#include <string>
#include <vector>

/// Parts and bills of materials as CSV (RFC 4180), in memory that does not grow with the file.
namespace plm {

struct ImportOptions {
    /// Reads and checks everything, and keeps nothing.
    bool dry_run = false;
    /// One bad row, and nothing is kept. Otherwise the good rows are.
    bool all_or_nothing = false;
    /// Rows of one commit; with `all_or_nothing` there is one in all.
    int batch = 1000;
    /// Begin behind that many rows: where an import that failed said that it had come.
    std::int64_t skip = 0;
    Actor by{};
    /// After each batch: rows done so far.
    std::function<void(std::int64_t rows)> on_progress{};
    std::stop_token stop{};
};

struct RowError {
    /// Of the file, from 1, where the row begins.
    std::int64_t line = 0;
    std::string why;
};

struct ImportResult {
    std::int64_t rows = 0;
    std::int64_t imported = 0;
    /// The first thousand of them.
    std::vector<RowError> errors;
    std::int64_t bad_rows = 0;
    /// Rows whose fate is settled: what to `skip` to go on after a failure.
    std::int64_t settled = 0;
};

/// What ended an import in the middle. What was settled before it stays.
class ImportStopped : public sqlane::Error {
public:
    ImportStopped(const std::string& what, ImportResult result) : sqlane::Error(what), result_(std::move(result)) {}
    [[nodiscard]] const ImportResult& result() const noexcept { return result_; }

private:
    ImportResult result_;
};

/// Columns by their names in the first row: category and name are needed; number, subcategory, description, created,
/// modified and retired are known. A row without a number draws one.
ImportResult import_parts(sqlane::ConnectionManager& db, std::istream& csv, const ImportOptions& options = {});
/// Needed: parent, child, quantity. Known: revision (of the parent, else its latest draft), child_revision, unit, find,
/// designators, note.
ImportResult import_bom(sqlane::ConnectionManager& db, std::istream& csv, const ImportOptions& options = {});

/// What `import_parts` reads again into the same parts. Returns the number of rows.
std::int64_t export_parts(sqlane::ConnectionManager& db, std::ostream& csv, bool with_retired = true);
/// The lines of the latest revision of every part, or of the one part named.
std::int64_t export_bom(sqlane::ConnectionManager& db, std::ostream& csv, const std::string& part = {});

}  // namespace plm
