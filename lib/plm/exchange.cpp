#include <plm/exchange.hpp>

#include <plm/errors.hpp>
#include <plm/part_management_manager.hpp>
#include <plm/part_manager.hpp>
#include <plm/relationship_manager.hpp>
#include <plm/revision_manager.hpp>
#include <plm/user_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "csv.hpp"
#include "support.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <iterator>
#include <limits>
#include <set>
#include <span>
#include <string_view>
#include <unordered_set>

namespace plm {
namespace {

// ---- dates ----

/// "2026-01-31T12:00:00Z"
std::string text_of(Time time) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    std::array<char, 64> text{};
    const int size = std::snprintf(
        text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02dZ", static_cast<int>(date.year()),
        static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
    return {text.data(), static_cast<std::size_t>(size)};
}

/// The digits of `text` where `form` has a 0; nothing when anything else differs.
std::optional<std::array<int, 6>> numbers_in(std::string_view text, std::string_view form) {
    if (text.size() != form.size()) return {};
    std::array<int, 6> numbers{};
    std::size_t which = 0;
    for (std::size_t i = 0; i < form.size(); ++i) {
        const bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (form[i] != '0' ? text[i] != form[i] : !is_digit) return {};
        if (form[i] != '0')
            ++which;
        else
            numbers.at(which) = numbers.at(which) * 10 + (text[i] - '0');
    }
    return numbers;
}

Time time_in(const std::string& field, std::string_view text) {
    using namespace std::chrono;
    auto numbers = numbers_in(text, "0000-00-00T00:00:00Z");
    if (!numbers) numbers = numbers_in(text, "0000-00-00");
    if (numbers) {
        const auto [y, mon, d, h, min, s] = *numbers;
        const year_month_day date{year{y}, month{static_cast<unsigned>(mon)}, day{static_cast<unsigned>(d)}};
        if (date.ok() && h < 24 && min < 60 && s < 60) return sys_days{date} + hours{h} + minutes{min} + seconds{s};
    }
    throw InvalidValue{field, "'" + std::string{text} + "' is no date such as 2026-01-31T12:00:00Z or 2026-01-31"};
}

// ---- columns ----

struct Column {
    std::string_view name;
    bool is_needed = false;
};

enum PartColumn : std::uint8_t { number, category, subcategory, name, description, created, modified, retired };
constexpr std::array<Column, 8> part_columns{{{"number"},
                                              {"category", true},
                                              {"subcategory"},
                                              {"name", true},
                                              {"description"},
                                              {"created"},
                                              {"modified"},
                                              {"retired"}}};

enum BomColumn : std::uint8_t { parent, revision, child, child_revision, quantity, unit, find, designators, note };
constexpr std::array<Column, 9> bom_columns{{{"parent", true},
                                             {"revision"},
                                             {"child", true},
                                             {"child_revision"},
                                             {"quantity", true},
                                             {"unit"},
                                             {"find"},
                                             {"designators"},
                                             {"note"}}};

/// Where in a record each known column stands.
class Columns {
public:
    /// Throws InvalidValue with all that is wrong with the header.
    Columns(std::span<const Column> known, const std::vector<std::string>& header) : known_(known) {
        places_.resize(known.size(), nowhere);
        for (std::size_t i = 0; i < header.size(); ++i) place(header[i], i);
        for (std::size_t i = 0; i < known.size(); ++i)
            if (known[i].is_needed && places_[i] == nowhere) complain("is missing", known[i].name);
        if (!complaint_.empty()) throw InvalidValue{"columns", complaint_ + "; known are " + names()};
    }

    /// Empty where the file has no such column.
    [[nodiscard]] const std::string& text(const CsvRecord& record, std::size_t column) const {
        static const std::string nothing;
        return places_[column] == nowhere ? nothing : record.fields[places_[column]];
    }

private:
    static constexpr std::size_t nowhere = std::numeric_limits<std::size_t>::max();

    void place(const std::string& title, std::size_t at) {
        auto name = trimmed(title);
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        const auto found = std::ranges::find(known_, name, &Column::name);
        if (found == known_.end()) return complain("is unknown", name);
        auto& place = places_[static_cast<std::size_t>(found - known_.begin())];
        if (place != nowhere) return complain("is there twice", name);
        place = at;
    }
    void complain(const char* what, std::string_view column) {
        complaint_ += (complaint_.empty() ? "'" : ", '") + std::string{column} + "' " + what;
    }
    [[nodiscard]] std::string names() const {
        std::string all;
        for (const auto& column : known_) all += (all.empty() ? "" : ", ") + std::string{column.name};
        return all;
    }

    std::span<const Column> known_;
    std::vector<std::size_t> places_;
    std::string complaint_;
};

// ---- batches ----

/// So that a thousand rows of a megabyte each are not one batch.
constexpr std::size_t batch_bytes = std::size_t{4} << 20;
constexpr std::size_t most_errors = 1000;

struct PendingRow {
    CsvRecord record;
    /// Why it could not be read.
    std::string broken;
};

bool is_open(State state) { return state == State::draft || state == State::in_review; }

/// Thrown to undo what went well.
struct Undo {};

/// What is wrong with the row alone; the next one may be good.
bool is_of_the_row(const sqlane::Error& error) {
    const auto is = [&]<class... E>() { return ((dynamic_cast<const E*>(&error) != nullptr) || ...); };
    return is.operator()<InvalidValue, NotFound, Conflict, Locked, PermissionDenied, sqlane::ConstraintError>();
}

void add(ImportResult& sum, ImportResult&& part) {
    sum.rows += part.rows;
    sum.imported += part.imported;
    sum.bad_rows += part.bad_rows;
    const auto room = std::min(most_errors - sum.errors.size(), part.errors.size());
    std::move(part.errors.begin(), part.errors.begin() + static_cast<std::ptrdiff_t>(room),
              std::back_inserter(sum.errors));
}

/// What becomes of a row.
class RowTaker {
public:
    RowTaker() = default;
    RowTaker(const RowTaker&) = delete;
    RowTaker& operator=(const RowTaker&) = delete;
    virtual ~RowTaker() = default;
    /// Does all of it, or throws and leaves nothing.
    virtual void take(const CsvRecord& record) = 0;
    virtual void begin_batch() {}
    /// Before the rows so far are committed, or undone.
    virtual void end_batch() {}
    /// Whether it finds in a row what contradicts a batch that was undone.
    [[nodiscard]] virtual bool remembers_batches() const { return false; }
};

/// One import: reads rows, gives them to the taker in transactions, and keeps count of what is settled.
class Import {
public:
    Import(sqlane::ConnectionManager& db, CsvReader& csv, const ImportOptions& options, RowTaker& taker)
        : db_(db), csv_(csv), options_(options), taker_(taker) {
        result_.settled = options.skip;
    }

    ImportResult run() {
        skip_rows();
        try {
            if (options_.dry_run && taker_.remembers_batches())
                try_in_batches();
            else if (options_.dry_run || options_.all_or_nothing)
                import_in_one();
            else
                import_in_batches();
        } catch (const sqlane::UsageError&) {
            throw;
        } catch (const std::exception& error) {
            stop_with(error.what());
        }
        return std::move(result_);
    }

private:
    [[noreturn]] void stop_with(const std::string& why) {
        auto what = "the import stopped: " + why + "; " + std::to_string(result_.settled) +
                    " rows of the file are settled, skip them to go on";
        std::throw_with_nested(ImportStopped{what, std::move(result_)});
    }

    void skip_rows() {
        for (std::int64_t i = 0; i < options_.skip; ++i) {
            if (!read_row())
                throw InvalidValue{"skip",
                                   "the file has " + std::to_string(i) + " rows, not " + std::to_string(options_.skip)};
        }
    }

    void import_in_batches() {
        while (read_batch()) {
            // Counted only when the commit has come back.
            auto done = db_.transaction(call(), [&](sqlane::Transaction&) { return take_batch(); });
            add(result_, std::move(done));
            result_.settled = options_.skip + result_.rows;
            tell(result_.rows);
        }
    }

    /// Each batch for itself: SQLite may keep in memory what one transaction changes until it ends.
    void try_in_batches() {
        ImportResult all;
        while (read_batch()) {
            try {
                db_.transaction(call(), [&](sqlane::Transaction&) {
                    add(all, take_batch());
                    throw Undo{};
                });
            } catch (const Undo&) {
                tell(all.rows);
            }
        }
        keep_nothing_of(std::move(all));
    }

    void keep_nothing_of(ImportResult&& all) {
        if (options_.all_or_nothing && all.bad_rows > 0) all.imported = 0;
        all.settled = options_.skip;
        result_ = std::move(all);
    }

    void import_in_one() {
        ImportResult all;
        try {
            db_.transaction(call(), [&](sqlane::Transaction&) {
                while (read_batch()) {
                    add(all, take_batch());
                    tell(all.rows);
                }
                if (options_.dry_run || all.bad_rows > 0) throw Undo{};
            });
            all.settled = options_.skip + all.rows;
            result_ = std::move(all);
        } catch (const Undo&) {
            keep_nothing_of(std::move(all));
        }
    }

    bool read_batch() {
        batch_.clear();
        std::size_t bytes = 0;
        while (batch_.size() < static_cast<std::size_t>(options_.batch) && bytes < batch_bytes) {
            check_stop();
            auto row = read_row();
            if (!row) break;
            for (const auto& field : row->record.fields) bytes += field.size();
            batch_.push_back(*std::move(row));
        }
        return !batch_.empty();
    }

    std::optional<PendingRow> read_row() {
        PendingRow row;
        try {
            if (!csv_.next(row.record)) return {};
        } catch (const CsvError& error) {
            row = {{error.line(), {}}, error.why()};
        }
        return row;
    }

    ImportResult take_batch() {
        ImportResult done;
        taker_.begin_batch();
        for (const auto& row : batch_) {
            const auto why = row.broken.empty() ? try_row(row.record) : row.broken;
            ++done.rows;
            ++(why.empty() ? done.imported : done.bad_rows);
            if (!why.empty() && done.errors.size() < most_errors) done.errors.push_back({row.record.line, why});
        }
        taker_.end_batch();
        return done;
    }

    /// Why it is not taken, or nothing. What the row did is undone by the transaction of the manager that refused it.
    std::string try_row(const CsvRecord& record) {
        try {
            taker_.take(record);
            return {};
        } catch (const sqlane::Error& error) {
            if (!is_of_the_row(error)) throw;
            return error.what();
        }
    }

    [[nodiscard]] sqlane::Call call() const { return {.label = "import", .stop = options_.stop}; }
    void check_stop() const {
        if (options_.stop.stop_requested()) throw sqlane::Cancelled{"it was asked to"};
    }
    void tell(std::int64_t rows) const {
        if (options_.on_progress) options_.on_progress(options_.skip + rows);
    }

    sqlane::ConnectionManager& db_;
    CsvReader& csv_;
    const ImportOptions& options_;
    RowTaker& taker_;
    std::vector<PendingRow> batch_;
    ImportResult result_;
};

void require_sound(sqlane::ConnectionManager& db, const ImportOptions& options) {
    if (options.batch < 1) throw InvalidValue{"batch", "holds at least one row"};
    if (options.skip < 0) throw InvalidValue{"skip", "must not be negative"};
    if (options.make_revisions && !options.by) throw InvalidValue{"by", "a revision needs an author"};
    // Nobody's name in the history would make every row a bad one.
    if (options.by) static_cast<void>(UserManager{db}.get(*options.by));
}

// ---- parts ----

class PartImport : public RowTaker {
public:
    PartImport(sqlane::ConnectionManager& db, const Columns& columns, const ImportOptions& options)
        : db_(db), parts_(db), columns_(columns), options_(options) {}

    void take(const CsvRecord& record) override {
        const auto made = parts_.adopt(part_in(record), options_.by, Words::later);
        if (options_.dry_run) remember(made);
        if (!first_) first_ = made.id;
        last_ = made.id;
    }

    /// The sequence stands where the batches before would have left it when the highest of their parts is there.
    void begin_batch() override {
        if (options_.by) PartManagementManager{db_}.require_may_create(*options_.by);
        if (options_.dry_run && highest_) parts_.adopt(*highest_, options_.by, Words::later);
    }

    /// Nobody else inserts meanwhile, so what lies between the first and the last is of this batch.
    void end_batch() override {
        if (first_) parts_.index(*first_, last_);
        first_.reset();
    }

    [[nodiscard]] bool remembers_batches() const override { return true; }

private:
    /// Texts as they are, blanks and all; only codes and dates lose the blanks around them.
    [[nodiscard]] Part part_in(const CsvRecord& record) const {
        Part part;
        part.number = trimmed(columns_.text(record, number));
        part.category = trimmed(columns_.text(record, category));
        if (auto code = trimmed(columns_.text(record, subcategory)); !code.empty()) part.subcategory = std::move(code);
        part.name = columns_.text(record, name);
        part.description = columns_.text(record, description);
        read_dates(record, part);
        return part;
    }

    /// One date stands for the other where that is missing, and now for both.
    void read_dates(const CsvRecord& record, Part& part) const {
        const auto made = date_in(record, created);
        const auto changed = date_in(record, modified);
        part.created = made ? *made : changed.value_or(now());
        part.modified = changed.value_or(part.created);
        part.retired = date_in(record, retired);
    }

    [[nodiscard]] std::optional<Time> date_in(const CsvRecord& record, PartColumn column) const {
        const auto text = trimmed(columns_.text(record, column));
        if (text.empty()) return {};
        return time_in(std::string{part_columns.at(column).name}, text);
    }

    void remember(const Part& made) {
        if (!numbers_.insert(std::hash<std::string>{}(made.number)).second)
            throw Conflict{"the part " + made.number + " is there already"};
        const auto value = value_in(made.number);
        if (!value || (highest_ && *value <= highest_value_)) return;
        highest_ = made;
        highest_value_ = *value;
    }

    sqlane::ConnectionManager& db_;
    PartManager parts_;
    const Columns& columns_;
    const ImportOptions& options_;
    std::optional<PartId> first_;
    PartId last_;
    /// Of a dry run: the parts that would be there. Hashes, since a million numbers would need a hundred bytes each.
    std::unordered_set<std::size_t> numbers_;
    std::optional<Part> highest_;
    std::int64_t highest_value_ = 0;
};

// ---- lines of BOMs ----

class BomImport : public RowTaker {
public:
    BomImport(sqlane::ConnectionManager& db, const Columns& columns, const ImportOptions& options)
        : db_(db), columns_(columns), options_(options) {}

    void take(const CsvRecord& record) override {
        // A revision that was made for a line that is bad goes with it.
        db_.transaction([&](sqlane::Transaction&) {
            const auto whole = PartManager{db_}.find(trimmed(columns_.text(record, parent))).id;
            const auto line = line_in(record);
            const auto to = parent_revision(whole, trimmed(columns_.text(record, revision)));
            if (options_.by) PartManagementManager{db_}.require_may_edit(to, *options_.by);
            RelationshipManager{db_}.add(to, line, options_.by);
        });
    }

private:
    [[nodiscard]] BomLine line_in(const CsvRecord& record) const {
        BomLine line;
        line.child = PartManager{db_}.find(trimmed(columns_.text(record, child))).id;
        if (const auto label = trimmed(columns_.text(record, child_revision)); !label.empty())
            line.pinned = named_revision(line.child, label);
        line.quantity = Quantity::parse(trimmed(columns_.text(record, quantity)));
        if (const auto& text = columns_.text(record, unit); !text.empty()) line.unit = text;
        line.find_number = find_number_in(trimmed(columns_.text(record, find)));
        line.designators = columns_.text(record, designators);
        line.note = columns_.text(record, note);
        return line;
    }

    static std::optional<int> find_number_in(const std::string& text) {
        if (text.empty()) return {};
        int value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size())
            throw InvalidValue{"find", "'" + text + "' is no whole number"};
        return value;
    }

    [[nodiscard]] RevisionId parent_revision(PartId part, const std::string& label) const {
        if (!label.empty()) return named_revision(part, label);
        const RevisionManager revisions{db_};
        if (const auto latest = revisions.latest(part)) return latest->id;
        if (options_.make_revisions) return revisions.create(part, *options_.by).id;
        throw NotFound{"revision", "of " + PartManager{db_}.get(part).number + "; make one first"};
    }

    [[nodiscard]] RevisionId named_revision(PartId part, const std::string& label) const {
        const RevisionManager revisions{db_};
        try {
            return revisions.find(part, label).id;
        } catch (const NotFound&) {
            if (!options_.make_revisions) throw;
        }
        const auto latest = revisions.latest(part);
        if (latest && is_open(latest->state) && !ours_.contains(part))
            throw Conflict{PartManager{db_}.get(part).number + " has an open revision, " + latest->label +
                           "; release or discard it before there is another one"};
        ours_.insert(part);
        return revisions.adopt(part, label, *options_.by).id;
    }

    sqlane::ConnectionManager& db_;
    const Columns& columns_;
    const ImportOptions& options_;
    /// Parts whose open revisions were made by this import: a file may name several of one part.
    mutable std::set<PartId> ours_;
};

// ---- export ----

std::string optional_date(const std::optional<Time>& time) { return time ? text_of(*time) : std::string{}; }

}  // namespace

ImportResult import_parts(sqlane::ConnectionManager& db, std::istream& csv, const ImportOptions& options) {
    require_sound(db, options);
    CsvReader reader{csv};
    const Columns columns{part_columns, reader.header()};
    PartImport parts{db, columns, options};
    return Import{db, reader, options, parts}.run();
}

ImportResult import_bom(sqlane::ConnectionManager& db, std::istream& csv, const ImportOptions& options) {
    require_sound(db, options);
    CsvReader reader{csv};
    const Columns columns{bom_columns, reader.header()};
    BomImport lines{db, columns, options};
    return Import{db, reader, options, lines}.run();
}

std::int64_t export_parts(sqlane::ConnectionManager& db, std::ostream& csv, bool with_retired) {
    return db.execute({.label = "export parts"}, [&](sqlane::Reader& r) {
        CsvWriter writer{csv};
        writer.row({"number", "category", "subcategory", "name", "description", "created", "modified", "retired"});
        std::int64_t count = 0;
        for (const auto& [number, category, subcategory, name, description, created, modified, retired] :
             r.rows<std::string, std::string, std::optional<std::string>, std::string, std::string, Time, Time,
                    std::optional<Time>>(
                 "SELECT number, category, subcategory, name, description, created_date, modified_date, retired_date "
                 "FROM Parts WHERE ? OR retired_date IS NULL ORDER BY number",
                 with_retired)) {
            writer.row({number, category, subcategory.value_or(""), name, description, text_of(created),
                        text_of(modified), optional_date(retired)});
            ++count;
        }
        writer.finish();
        return count;
    });
}

std::int64_t export_bom(sqlane::ConnectionManager& db, std::ostream& csv, const std::string& part) {
    return db.execute({.label = "export BOMs"}, [&](sqlane::Reader& r) {
        std::optional<PartId> only;
        if (!part.empty()) only = PartManager{db}.find(part).id;
        CsvWriter writer{csv};
        writer.row(
            {"parent", "revision", "child", "child_revision", "quantity", "unit", "find", "designators", "note"});
        std::int64_t count = 0;
        for (const auto& [parent, revision, child, child_revision, micro, unit, find, designators, note] :
             r.rows<std::string, std::string, std::string, std::optional<std::string>, std::int64_t, std::string,
                    std::optional<std::int64_t>, std::string, std::string>(
                 "SELECT p.number, v.label, c.number, cv.label, quantity_micro, unit, find_number, designators, note "
                 "FROM Parts AS p CROSS JOIN Revisions AS v ON v.part_id = p.part_id "
                 "CROSS JOIN Relationships AS l ON l.parent_revision_id = v.revision_id AND l.kind = 'bom' "
                 "CROSS JOIN Parts AS c ON c.part_id = l.child_part_id "
                 "LEFT JOIN Revisions AS cv ON cv.revision_id = l.child_revision_id "
                 "WHERE (?1 IS NULL OR p.part_id = ?1) "
                 "AND v.sequence = (SELECT max(sequence) FROM Revisions WHERE part_id = p.part_id) "
                 "ORDER BY p.number, find_number IS NULL, find_number, relationship_id",
                 only)) {
            writer.row({parent, revision, child, child_revision.value_or(""), to_string(Quantity::from_micro(micro)),
                        unit, find ? std::to_string(*find) : "", designators, note});
            ++count;
        }
        writer.finish();
        return count;
    });
}

}  // namespace plm
