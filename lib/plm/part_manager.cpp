#include <plm/history_manager.hpp>
#include <plm/part_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

template <>
struct sqlane::RowReader<plm::Part> {
    static plm::Part read(const Row& row) {
        return {.id = row.get<plm::PartId>(0),
                .number = row.get<std::string>(1),
                .category = row.get<std::string>(2),
                .subcategory = row.get<std::optional<std::string>>(3),
                .name = row.get<std::string>(4),
                .description = row.get<std::string>(5),
                .version = row.get<std::int64_t>(6),
                .retired = row.get<std::optional<plm::Time>>(7),
                .created = row.get<plm::Time>(8),
                .modified = row.get<plm::Time>(9)};
    }
};

namespace plm {
namespace {

const std::string columns =
    "SELECT part_id, number, category, subcategory, name, description, version, retired_date, created_date, "
    "modified_date FROM Parts ";

Part read(sqlane::Reader& r, PartId id) {
    auto part = r.maybe<Part>(columns + "WHERE part_id = ?", id);
    if (!part) throw NotFound{"part", "with id " + std::to_string(id.value)};
    return *std::move(part);
}

void require_category(sqlane::Reader& r, const std::string& category, const std::optional<std::string>& subcategory) {
    if (!r.maybe<int>("SELECT 1 FROM Categories WHERE code = ?", category))
        throw InvalidValue{"category", "there is no category '" + category + "'"};
    if (!subcategory) return;
    if (!r.maybe<int>("SELECT 1 FROM Subcategories JOIN Categories USING (category_id) "
                      "WHERE Categories.code = ? AND Subcategories.code = ?",
                      category, *subcategory))
        throw InvalidValue{"subcategory", "category " + category + " has no subcategory '" + *subcategory + "'"};
}

std::string display_number(const std::string& category, const std::optional<std::string>& subcategory,
                           std::int64_t value) {
    return category + "-" + (subcategory ? *subcategory + "-" : "") + std::to_string(value);
}

/// Passes over what an adopted part has already.
std::string draw_number(sqlane::Transaction& tx, const Part& part) {
    for (;;) {
        auto number = display_number(part.category, part.subcategory,
                                     tx.one<std::int64_t>("UPDATE PartSequence SET next_value = next_value + 1 "
                                                          "WHERE id = 1 RETURNING next_value - 1"));
        if (!tx.maybe<int>("SELECT 1 FROM Parts WHERE number = ?", number)) return number;
    }
}

/// One that can be typed, told from others, and stand before "@revision".
void require_number(const std::string& number) {
    require_text("number", number);
    const bool bad =
        std::ranges::any_of(number, [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '@'; });
    if (bad) throw InvalidValue{"number", "'" + number + "' holds a blank or @, which a number cannot"};
}

/// So that no number is drawn that an adopted part has.
void draw_above(sqlane::Transaction& tx, const std::string& number) {
    if (const auto value = value_in(number))
        tx.run("UPDATE PartSequence SET next_value = ?1 + 1 WHERE id = 1 AND next_value <= ?1", *value);
}

/// Gives `part` what only the table knows.
void insert(sqlane::Transaction& tx, Part& part) {
    part.id = unless_taken("the part " + part.number, [&] {
        return PartId{
            tx.insert("INSERT INTO Parts(number, category, subcategory, name, description, retired_date, created_date, "
                      "modified_date) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                      part.number, part.category, part.subcategory, part.name, part.description, part.retired,
                      part.created, part.modified)};
    });
    part.version = 1;
}

std::vector<Conflict::Change> changes_between(const Part& theirs, const Part& yours) {
    std::vector<Conflict::Change> changes;
    const auto compare = [&](const char* field, const std::string& a, const std::string& b) {
        if (a != b) changes.push_back({field, a, b});
    };
    compare("name", theirs.name, yours.name);
    compare("description", theirs.description, yours.description);
    compare("subcategory", theirs.subcategory.value_or(""), yours.subcategory.value_or(""));
    return changes;
}

[[noreturn]] void throw_conflict(const Part& theirs, const Part& yours) {
    auto changes = changes_between(theirs, yours);
    std::string list;
    for (const auto& change : changes) list += (list.empty() ? "" : ", ") + change.field;
    throw Conflict{theirs.number + " was changed by somebody else (version " + std::to_string(theirs.version) +
                       ", yours was made from " + std::to_string(yours.version) + ")" +
                       (list.empty() ? "" : "; differs in " + list) + "; read it again",
                   std::move(changes)};
}

// ---- lists, page by page ----

/// Every parameter has its place in each text, used or not, so that one call binds them all.
std::string where(const PartFilter& filter) {
    std::string sql = "WHERE ";
    sql += filter.category ? "category = ?1" : "?1 IS NULL";
    sql += filter.subcategory ? " AND subcategory = ?2" : " AND ?2 IS NULL";
    sql += filter.state ? " AND (SELECT state FROM Revisions WHERE Revisions.part_id = Parts.part_id "
                          "ORDER BY sequence DESC LIMIT 1) = ?3"
                        : " AND ?3 IS NULL";
    if (!filter.with_retired) sql += " AND retired_date IS NULL";
    return sql;
}

struct OrderBy {
    /// True for the rows behind the one whose key and id are ?4 and ?5.
    const char* behind;
    const char* order;
};

OrderBy order_by(PartOrder order) {
    switch (order) {
        case PartOrder::name: return {"(name COLLATE NOCASE, part_id) > (?4, ?5)", "name COLLATE NOCASE, part_id"};
        case PartOrder::newest_change:
            return {"(modified_date, part_id) < (CAST(?4 AS INTEGER), ?5)", "modified_date DESC, part_id DESC"};
        case PartOrder::number: break;
    }
    return {"(number, part_id) > (?4, ?5)", "number, part_id"};
}

std::string key_of(const Part& part, PartOrder order) {
    if (order == PartOrder::name) return part.name;
    if (order == PartOrder::newest_change) return std::to_string(part.modified.time_since_epoch().count());
    return part.number;
}

struct Place {
    std::optional<std::string> key;
    std::optional<std::int64_t> id;
};

/// "id key", as `list` gave it.
Place place_in(const std::optional<std::string>& after) {
    if (!after) return {};
    std::int64_t id = 0;
    const auto [end, error] = std::from_chars(after->data(), after->data() + after->size(), id);
    if (error != std::errc{} || end == after->data() + after->size() || *end != ' ')
        throw InvalidValue{"after", "is not what the page before said"};
    return {std::string{end + 1, after->data() + after->size()}, id};
}

// ---- search ----

bool has_letter(std::string_view word) {
    return std::ranges::any_of(word, [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<signed char>(c) < 0;
    });
}

/// A phrase for FTS5, in which nothing has a meaning but a doubled quote.
std::string quoted(std::string_view words) {
    std::string text = "\"";
    for (const char c : words)
        if (c == '"')
            text += "\"\"";
        else
            text += c == '\0' ? ' ' : c;
    return text + "\"";
}

/// What the user typed, as an expression of FTS5; empty when there is no word in it.
std::string match_expression(std::string_view typed) {
    std::string expression;
    const auto add = [&](std::string_view words, bool is_phrase) {
        if (!has_letter(words)) return;
        expression += (expression.empty() ? "" : " AND ") + quoted(words) + (is_phrase ? "" : "*");
    };
    constexpr std::string_view space{" \t\r\n\0", 5};
    while (!typed.empty()) {
        if (space.find(typed.front()) != std::string_view::npos) {
            typed.remove_prefix(1);
        } else if (const auto close = typed.find('"', 1); typed.front() == '"' && close != std::string_view::npos) {
            add(typed.substr(1, close - 1), true);
            typed.remove_prefix(close + 1);
        } else {
            const auto end = std::min(typed.find_first_of(space), typed.size());
            add(typed.substr(0, end), false);
            typed.remove_prefix(end);
        }
    }
    return expression;
}

}  // namespace

Part PartManager::create(const NewPart& part, const Actor& by) const {
    const auto at = now();
    return adopt({.category = part.category,
                  .subcategory = part.subcategory,
                  .name = part.name,
                  .description = part.description,
                  .created = at,
                  .modified = at},
                 by);
}

Part PartManager::adopt(const Part& part, const Actor& by, Words words) const {
    const bool is_new = part.number.empty();
    require_text("name", part.name);
    require_readable("description", part.description);
    if (!is_new) require_number(part.number);
    if (part.modified < part.created) throw InvalidValue{"modified", "is before created"};
    return db_.transaction([&](sqlane::Transaction& tx) {
        require_category(tx, part.category, part.subcategory);
        auto made = part;
        if (is_new)
            made.number = draw_number(tx, part);
        else
            draw_above(tx, part.number);
        insert(tx, made);
        if (words == Words::now) index(made.id);
        HistoryManager{db_}.record(by, Subject::part, made.id.value, is_new ? "created" : "adopted", {}, made.number);
        return made;
    });
}

Part PartManager::update(const Part& edited, const Actor& by) const {
    require_text("name", edited.name);
    require_readable("description", edited.description);
    return db_.transaction([&](sqlane::Transaction& tx) {
        auto before = read(tx, edited.id);
        if (before.version != edited.version) throw_conflict(before, edited);
        const auto changes = changes_between(before, edited);
        if (changes.empty()) return before;
        require_unlocked(tx, edited.id);
        require_category(tx, before.category, edited.subcategory);
        tx.run(
            "UPDATE Parts SET name = ?, description = ?, subcategory = ?, version = version + 1, "
            "modified_date = max(?, created_date) WHERE part_id = ?",
            edited.name, edited.description, edited.subcategory, now(), edited.id);
        index(edited.id);
        for (const auto& change : changes)
            HistoryManager{db_}.record(by, Subject::part, edited.id.value, change.field, change.theirs, change.yours);
        return read(tx, edited.id);
    });
}

void PartManager::retire(PartId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        if (read(tx, id).retired) return;
        tx.run(
            "UPDATE Parts SET retired_date = ?1, version = version + 1, modified_date = max(?1, created_date) "
            "WHERE part_id = ?2",
            now(), id);
        HistoryManager{db_}.record(by, Subject::part, id.value, "retired");
    });
}

void PartManager::restore(PartId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        if (!read(tx, id).retired) return;
        tx.run(
            "UPDATE Parts SET retired_date = NULL, version = version + 1, modified_date = max(?, created_date) "
            "WHERE part_id = ?",
            now(), id);
        HistoryManager{db_}.record(by, Subject::part, id.value, "restored");
    });
}

Part PartManager::get(PartId id) const {
    return db_.execute([&](sqlane::Reader& r) { return read(r, id); });
}

Part PartManager::find(std::string_view number) const {
    return db_.execute([&](sqlane::Reader& r) {
        auto part = r.maybe<Part>(columns + "WHERE number = ?", number);
        if (!part) throw NotFound{"part", "'" + std::string{number} + "'"};
        return *std::move(part);
    });
}

std::int64_t PartManager::count(const PartFilter& filter) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.one<std::int64_t>("SELECT count(*) FROM Parts " + where(filter), filter.category, filter.subcategory,
                                   filter.state);
    });
}

PartPage PartManager::list(const PartFilter& filter, PartOrder order, int size,
                           const std::optional<std::string>& after) const {
    if (size < 1) throw InvalidValue{"size", "a page holds at least one part"};
    const auto place = place_in(after);
    const auto by = order_by(order);
    const std::string behind = after ? by.behind : "?4 IS NULL AND ?5 IS NULL";
    const auto sql = columns + where(filter) + " AND " + behind + " ORDER BY " + by.order + " LIMIT ?6";
    return db_.execute([&](sqlane::Reader& r) {
        // One more than asked for tells whether there is another page.
        PartPage page{r.all<Part>(sql, filter.category, filter.subcategory, filter.state, place.key, place.id,
                                  std::int64_t{size} + 1),
                      {}};
        if (page.parts.size() <= static_cast<std::size_t>(size)) return page;
        page.parts.pop_back();
        const auto& last = page.parts.back();
        page.next = std::to_string(last.id.value) + " " + key_of(last, order);
        return page;
    });
}

std::vector<Part> PartManager::search(std::string_view words, int limit) const {
    const auto expression = match_expression(words);
    if (expression.empty()) return {};
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<Part>(
            "SELECT part_id, Parts.number, category, subcategory, Parts.name, Parts.description, version, "
            "retired_date, created_date, modified_date "
            "FROM PartSearch JOIN Parts ON part_id = PartSearch.rowid "
            "WHERE PartSearch MATCH ? AND retired_date IS NULL "
            "ORDER BY bm25(PartSearch, 10, 5, 1, 5, 1), part_id LIMIT ?",
            expression, limit);
    });
}

void PartManager::index(PartId id) const { index(id, id); }

void PartManager::index(PartId first, PartId last) const {
    // Numbers also in their pieces, so that 10000 finds EL-RES-10000.
    db_.execute_mut([&](sqlane::Writer& w) {
        w.run(
            "INSERT OR REPLACE INTO PartSearch(rowid, number, name, description, manufacturer_numbers, properties) "
            "SELECT part_id, number || ' ' || replace(number, '-', ' '), name, description, "
            "coalesce((SELECT group_concat(manufacturer || ' ' || number, ' ') FROM ManufacturerParts AS m "
            "          WHERE m.part_id = Parts.part_id), ''), "
            "coalesce((SELECT group_concat(value, ' ') FROM Properties AS p WHERE p.part_id = Parts.part_id), '') "
            "FROM Parts WHERE part_id BETWEEN ? AND ?",
            first, last);
    });
}

}  // namespace plm
