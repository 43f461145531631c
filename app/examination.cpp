#include "examination.hpp"

#include "cli.hpp"

#include <sqlane/errors.hpp>

#include <string_view>
#include <utility>

namespace cli {
namespace {

using sqlane::Reader;

constexpr const char* count_objects =
    "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = ? AND name NOT LIKE 'sqlite\\_%' ESCAPE "
    "'\\'";
constexpr const char* first_tables =
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE "
    "'\\' ORDER BY name LIMIT ?";

template <class F>
void attempt(Examination& found, const std::string& what, F part, const std::string& advice = {}) {
    try {
        part();
    } catch (const sqlane::Cancelled&) {
        throw;
    } catch (const sqlane::Error& error) {
        const bool damaged = dynamic_cast<const sqlane::CorruptError*>(&error) != nullptr;
        found.problems.push_back(
            {what + " failed: " + error.what(), damaged || advice.empty() ? advice_for(error) : advice});
    }
}

std::string quoted(const std::string& name) {
    std::string text = "\"";
    for (const char c : name) text += c == '"' ? std::string{"\"\""} : std::string{c};
    return text + '"';
}

void read_header(Reader& r, Examination& found) {
    found.page_size = r.one<std::int64_t>("PRAGMA page_size");
    found.pages = r.one<std::int64_t>("PRAGMA page_count");
    found.free_pages = r.one<std::int64_t>("PRAGMA freelist_count");
    found.user_version = r.one<std::int64_t>("PRAGMA user_version");
    found.application_id = r.one<std::int64_t>("PRAGMA application_id");
    found.encoding = r.one<std::string>("PRAGMA encoding");
}

void count_rows(Reader& r, Examination& found, const std::string& name) {
    auto& entry = found.tables.emplace_back(TableRows{name, {}});
    attempt(found, "counting the rows of " + name,
            [&] { entry.rows = r.one<std::int64_t>("SELECT count(*) FROM main." + quoted(name)); });
}

void list_tables(Reader& r, Examination& found) {
    found.all_tables = r.one<std::uint64_t>(count_objects, "table");
    found.views = r.one<std::uint64_t>(count_objects, "view");
    found.virtual_tables = r.one<std::uint64_t>(count_objects, "virtual");
    for (const auto& name : r.all<std::string>(first_tables, listed_tables)) count_rows(r, found, name);
}

void check_pages(Reader& r, Examination& found) {
    // Row by row: of a file that is damaged enough SQLite tells a part and then fails.
    for (auto line : r.rows<std::string>("PRAGMA quick_check")) found.quick_check.push_back(std::move(line));
    if (!found.pages_are_whole()) found.problems.push_back({"quick_check found damage", restore_advice});
}

void check_foreign_keys(Reader& r, Examination& found) {
    for (auto [table, rowid, parent, key] :
         r.rows<std::string, std::optional<std::int64_t>, std::string, std::int64_t>("PRAGMA foreign_key_check"))
        if (++found.all_orphans <= listed_orphans) found.orphans.push_back({table, rowid, parent});
    found.foreign_keys_checked = true;
    if (found.all_orphans == 0) return;
    found.problems.push_back(
        {counted(found.all_orphans, "foreign key") + " without the row that " +
             (found.all_orphans == 1 ? "it refers to" : "they refer to"),
         "Correct or delete those rows, or insert what they refer to; sqlane keeps new ones from arising."});
}

}  // namespace

Examination examine(sqlane::ConnectionManager& db, const std::stop_token& stop) {
    return db.execute({.label = "doctor", .stop = stop}, [](Reader& r) {
        Examination found;
        found.sqlite_version = r.one<std::string>("SELECT sqlite_version()");
        attempt(found, "reading the header", [&] { read_header(r, found); });
        const auto size = found.pages * found.page_size;
        progress("counting rows", size);
        attempt(found, "reading the schema", [&] { list_tables(r, found); });
        progress("checking pages", size);
        attempt(found, "quick_check", [&] { check_pages(r, found); });
        progress("checking foreign keys", size);
        attempt(
            found, "foreign_key_check", [&] { check_foreign_keys(r, found); },
            "The schema is at fault: the columns that a foreign key refers to need to be a PRIMARY KEY or UNIQUE.");
        return found;
    });
}

}  // namespace cli
