#include <sqlane/detail/cursor.hpp>

#include "handle/handle.hpp"
#include "handle/scopes.hpp"

#include <sqlane/errors.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

namespace sqlane::detail {
namespace {

const char* type_name(int type) {
    switch (type) {
        case SQLITE_INTEGER: return "an integer";
        case SQLITE_FLOAT: return "a floating-point number";
        case SQLITE_TEXT: return "text";
        case SQLITE_BLOB: return "a blob";
        default: return "NULL";
    }
}

/// Every integer up to 2^53 is a double; above, some are not.
constexpr std::int64_t exact_in_double = std::int64_t{1} << 53;

}  // namespace

Cursor::Cursor(Handle& handle, Rights rights, std::string_view sql, std::size_t parameters, Bound bound)
    : handle_(&handle), statement_(&handle.start(sql, rights)), lease_(handle.lease()), bound_(bound) {
    if (static_cast<std::size_t>(statement_->parameters()) == parameters) return;
    const auto wanted = statement_->parameters();
    const auto text = shortened(statement_->sql());
    handle_->finish(*statement_);
    throw UsageError{handle_->prefix() + "the statement takes " + std::to_string(wanted) +
                         " parameters and was given " + std::to_string(parameters) + ": " + text,
                     handle_->at()};
}

Cursor::Cursor(Cursor&& other) noexcept
    : handle_(other.handle_),
      statement_(std::exchange(other.statement_, nullptr)),
      lease_(other.lease_),
      bound_(other.bound_),
      over_(other.over_),
      started_(other.started_) {}

Cursor::~Cursor() {
    // Of a row loop that outlived its closure, the statement was taken back when the lease ended.
    if (statement_ == nullptr || !handle_->is_mine() || handle_->lease() != lease_) return;
    handle_->finish(*statement_);
}

void Cursor::require_mine() const {
    handle_->require_mine();
    if (handle_->lease() != lease_)
        throw UsageError{handle_->prefix() +
                         "rows were read after their closure or transaction had ended; "
                         "return what you need from the closure"};
}

void Cursor::checked_bind(int parameter, int result) const {
    if (result == SQLITE_OK) return;
    static_cast<void>(parameter);
    handle_->fail(result, statement_->sql());
}

void Cursor::bind_null(int parameter) { checked_bind(parameter, sqlite3_bind_null(statement_->raw(), parameter)); }

void Cursor::bind_integer(int parameter, std::int64_t value) {
    checked_bind(parameter, sqlite3_bind_int64(statement_->raw(), parameter, value));
}

void Cursor::bind_real(int parameter, double value) {
    checked_bind(parameter, sqlite3_bind_double(statement_->raw(), parameter, value));
}

void Cursor::bind_text(int parameter, std::string_view value) {
    // A null pointer would bind NULL; an empty text is not NULL.
    const char* data = value.data() == nullptr ? "" : value.data();
    checked_bind(parameter,
                 sqlite3_bind_text64(statement_->raw(), parameter, data, value.size(),
                                     bound_ == Bound::copied ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8));
}

void Cursor::bind_blob(int parameter, std::span<const std::byte> value) {
    const void* data = value.data() == nullptr ? "" : static_cast<const void*>(value.data());
    checked_bind(parameter, sqlite3_bind_blob64(statement_->raw(), parameter, data, value.size(),
                                                bound_ == Bound::copied ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

void Cursor::cannot_bind(int parameter, const std::string& why) const {
    throw TypeError{
        handle_->prefix() + "parameter " + std::to_string(parameter) + " " + why + ": " + shortened(statement_->sql()),
        handle_->at()};
}

bool Cursor::step() {
    require_mine();
    if (over_) return false;
    // An interrupt that came before the first step was lost; what asked for it is still there.
    if (!started_) handle_->require_going_on(statement_->sql());
    started_ = true;
    over_ = true;  // should the step throw
    over_ = !handle_->step(*statement_);
    return !over_;
}

std::int64_t Cursor::run_to_end() {
    auto* db = handle_->connection().raw();
    const auto before = sqlite3_total_changes64(db);
    while (step()) {
    }
    // sqlite3_changes keeps the last statement's number when this one changed nothing.
    return sqlite3_total_changes64(db) == before ? 0 : sqlite3_changes64(db);
}

std::int64_t Cursor::run_insert() {
    // SQLite keeps the number of the last insert, of whatever statement and closure: this one cannot be taken for it.
    constexpr auto none = std::numeric_limits<std::int64_t>::min();
    require_mine();
    auto* db = handle_->connection().raw();
    sqlite3_set_last_insert_rowid(db, none);
    run_to_end();
    const auto rowid = sqlite3_last_insert_rowid(db);
    if (rowid == none)
        throw NotFound{
            handle_->prefix() + "no row with a rowid was inserted; use run(): " + shortened(statement_->sql()),
            handle_->at()};
    return rowid;
}

int Cursor::columns() const {
    require_mine();
    return sqlite3_column_count(statement_->raw());
}

void Cursor::expect_columns(int wanted) const {
    const int found = columns();
    if (found == wanted) return;
    throw UsageError{handle_->prefix() + "the query returns " + std::to_string(found) + " columns and " +
                         std::to_string(wanted) + " were asked for: " + shortened(statement_->sql()),
                     handle_->at()};
}

int Cursor::column_named(std::string_view name) const {
    require_mine();
    if (names_.empty()) read_names();
    // Row after row the same literals ask. The name is compared again: another text may stand at that place by now.
    auto& known = known_.at(std::hash<const char*>{}(name.data()) / 4 % known_.size());
    if (known < names_.size() && names_[known] == name) return known;
    if (const auto found = std::ranges::find(names_, name); found != names_.end()) {
        known = static_cast<std::uint16_t>(found - names_.begin());
        return known;
    }
    throw UsageError{handle_->prefix() + "the query returns no column \"" + std::string{name} +
                         "\": " + shortened(statement_->sql()),
                     handle_->at()};
}

/// The texts stay where they are until the statement begins anew.
void Cursor::read_names() const {
    const int count = columns();
    names_.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        const char* found = sqlite3_column_name(statement_->raw(), i);
        if (found == nullptr) handle_->fail(SQLITE_NOMEM, statement_->sql());
        names_.emplace_back(found);
    }
}

void Cursor::require_column(int column) const {
    require_mine();
    // Cheaper than sqlite3_column_count, and 0 when there is no row.
    if (column >= 0 && column < sqlite3_data_count(statement_->raw())) return;
    throw UsageError{handle_->prefix() + "there is no column " + std::to_string(column) +
                         " in the row: " + shortened(statement_->sql()),
                     handle_->at()};
}

bool Cursor::is_null(int column) const {
    require_column(column);
    return sqlite3_column_type(statement_->raw(), column) == SQLITE_NULL;
}

std::int64_t Cursor::integer(int column) const {
    require_column(column);
    if (sqlite3_column_type(statement_->raw(), column) != SQLITE_INTEGER) wrong_type(column, "an integer");
    return sqlite3_column_int64(statement_->raw(), column);
}

double Cursor::real(int column) const {
    require_column(column);
    const int type = sqlite3_column_type(statement_->raw(), column);
    if (type == SQLITE_FLOAT) return sqlite3_column_double(statement_->raw(), column);
    if (type != SQLITE_INTEGER) wrong_type(column, "a floating-point number");
    const auto value = sqlite3_column_int64(statement_->raw(), column);
    if (value > exact_in_double || value < -exact_in_double)
        does_not_fit(column, "the integer is beyond 2^53 and would be rounded");
    return static_cast<double>(value);
}

std::string_view Cursor::text(int column) const {
    require_column(column);
    if (sqlite3_column_type(statement_->raw(), column) != SQLITE_TEXT) wrong_type(column, "text");
    const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_->raw(), column));
    if (data == nullptr) handle_->fail(SQLITE_NOMEM, statement_->sql());
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_->raw(), column))};
}

std::span<const std::byte> Cursor::blob(int column) const {
    require_column(column);
    if (sqlite3_column_type(statement_->raw(), column) != SQLITE_BLOB) wrong_type(column, "a blob");
    const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_->raw(), column));
    // Of an empty blob too it is null.
    if (data == nullptr && sqlite3_errcode(handle_->connection().raw()) == SQLITE_NOMEM)
        handle_->fail(SQLITE_NOMEM, statement_->sql());
    return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_->raw(), column))};
}

void Cursor::wrong_type(int column, const char* wanted) const {
    does_not_fit(column, std::string{"wanted "} + wanted + ", found " +
                             type_name(sqlite3_column_type(statement_->raw(), column)));
}

void Cursor::does_not_fit(int column, const std::string& why) const {
    const char* name = sqlite3_column_name(statement_->raw(), column);
    throw TypeError{handle_->prefix() + "column " + std::to_string(column) + " \"" + (name == nullptr ? "" : name) +
                        "\": " + why + ": " + shortened(statement_->sql()),
                    handle_->at()};
}

void Cursor::no_row() const {
    throw NotFound{handle_->prefix() + "no row where one was expected: " + shortened(statement_->sql()), handle_->at()};
}

void Cursor::more_than_one_row() const {
    throw UsageError{handle_->prefix() + "more than one row where one was expected; narrow the query or use all(): " +
                         shortened(statement_->sql()),
                     handle_->at()};
}

void Cursor::misused(const std::string& why) const { throw UsageError{handle_->prefix() + why, handle_->at()}; }

void run_script(Handle& handle, Rights rights, std::string_view sql) { handle.run_script(rights, sql); }

}  // namespace sqlane::detail

namespace sqlane {

void Transaction::on_commit(std::function<void()> then) { handle_.on_commit(std::move(then)); }

void Transaction::run_in_savepoint(detail::FunctionRef<void(Transaction&)> body) {
    detail::SavepointScope scope{handle_};
    body(*this);
    scope.commit();
}

}  // namespace sqlane
