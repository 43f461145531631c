#include <plm/history_manager.hpp>
#include <plm/relationship_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <tuple>

template <>
struct sqlane::RowReader<plm::Relationship> {
    static plm::Relationship read(const Row& row) {
        return {.id = row.get<plm::RelationshipId>("relationship_id"),
                .parent = row.get<plm::RevisionId>("parent_revision_id"),
                .line = {.child = row.get<plm::PartId>("child_part_id"),
                         .pinned = row.get<std::optional<plm::RevisionId>>("child_revision_id"),
                         .quantity = plm::Quantity::from_micro(row.get<std::int64_t>("quantity_micro")),
                         .unit = row.get<std::string>("unit"),
                         .find_number = row.get<std::optional<int>>("find_number"),
                         .designators = row.get<std::string>("designators"),
                         .note = row.get<std::string>("note"),
                         .kind = row.get<plm::RelationshipKind>("kind")}};
    }
};

template <>
struct sqlane::RowReader<plm::ExplodedLine> {
    static plm::ExplodedLine read(const Row& row) {
        return {.level = row.get<int>("level"),
                .line = RowReader<plm::Relationship>::read(row),
                .number = row.get<std::string>("number"),
                .name = row.get<std::string>("name"),
                .revision = row.get<std::optional<plm::RevisionId>>("resolved"),
                .label = row.get<std::optional<std::string>>("label").value_or(""),
                .total = {}};
    }
};

template <>
struct sqlane::RowReader<plm::WhereUsed> {
    static plm::WhereUsed read(const Row& row) {
        return {.level = row.get<int>(0),
                .part = row.get<plm::PartId>(1),
                .number = row.get<std::string>(2),
                .name = row.get<std::string>(3),
                .revision = row.get<plm::RevisionId>(4),
                .label = row.get<std::string>(5),
                .is_top = row.get<bool>(6)};
    }
};

namespace plm {
namespace {

/// No product is as deep; what is, contains itself.
constexpr int deepest = 100;

const std::string line_columns =
    "relationship_id, parent_revision_id, child_part_id, child_revision_id, kind, quantity_micro, unit, find_number, "
    "designators, note";

Relationship read(sqlane::Reader& r, RelationshipId id) {
    auto relationship =
        r.maybe<Relationship>("SELECT " + line_columns + " FROM Relationships WHERE relationship_id = ?", id);
    if (!relationship) throw NotFound{"line", "with id " + std::to_string(id.value)};
    return *std::move(relationship);
}

/// Over all revisions: which of them an explosion meets is decided later.
bool contains(sqlane::Reader& r, PartId whole, PartId part) {
    return r
        .maybe<int>(
            "WITH RECURSIVE below(part_id) AS ("
            "    SELECT ?1"
            "    UNION"
            "    SELECT child_part_id FROM below"
            "    JOIN Revisions USING (part_id)"
            "    JOIN Relationships ON parent_revision_id = revision_id AND kind = 'bom') "
            "SELECT 1 FROM below WHERE part_id = ?2 LIMIT 1",
            whole, part)
        .has_value();
}

void require_no_cycle(sqlane::Reader& r, RevisionId parent, const BomLine& line) {
    const auto whole = r.one<PartId>("SELECT part_id FROM Revisions WHERE revision_id = ?", parent);
    if (whole == line.child) throw InvalidValue{"child", number_of(r, whole) + " cannot contain itself"};
    if (line.kind == RelationshipKind::bom && contains(r, line.child, whole))
        throw InvalidValue{"child", number_of(r, line.child) + " contains " + number_of(r, whole) +
                                        " already, so it cannot be a part of it"};
}

void require_sound(sqlane::Reader& r, const BomLine& line) {
    if (!line.quantity.is_positive()) throw InvalidValue{"quantity", "must be above zero"};
    require_text("unit", line.unit);
    require_readable("designators", line.designators);
    require_readable("note", line.note);
    if (line.find_number && *line.find_number < 1) throw InvalidValue{"find number", "must be above zero"};
    const auto number = number_of(r, line.child);
    if (!line.pinned) return;
    const auto part = r.maybe<PartId>("SELECT part_id FROM Revisions WHERE revision_id = ?", *line.pinned);
    if (part != line.child) throw InvalidValue{"child revision", "is no revision of " + number};
}

std::string words_of(sqlane::Reader& r, const BomLine& line) {
    return to_string(line.quantity) + " " + line.unit + " " +
           (line.pinned ? title_of(r, *line.pinned) : number_of(r, line.child)) +
           (line.designators.empty() ? "" : " (" + line.designators + ")");
}

std::string taken_find_number(const BomLine& line) {
    return "a line with the find number " + std::to_string(line.find_number.value_or(0));
}

std::string latest(const char* part, const char* condition) {
    return std::string{"(SELECT revision_id FROM Revisions WHERE part_id = "} + part + condition +
           " ORDER BY sequence DESC LIMIT 1)";
}

/// Which revision of the child of line `r` it goes on with, as SQL.
std::string resolved(Resolve resolve) {
    switch (resolve) {
        case Resolve::latest: return latest("r.child_part_id", "");
        case Resolve::latest_released: return latest("r.child_part_id", " AND state = 'Released'");
        case Resolve::pinned: break;
    }
    return "coalesce(r.child_revision_id, " + latest("r.child_part_id", "") + ")";
}

/// ORDER BY in the recursive part makes the walk go down first (https://www.sqlite.org/lang_with.html#controlling_depth),
/// CROSS JOIN keeps its order, and LIMIT -1 keeps SQLite from leaving out an ORDER BY that a join does not ask for.
std::string explosion(Resolve resolve) {
    const auto take = resolved(resolve);
    return "WITH RECURSIVE tree(level, place, line, resolved) AS ("
           "    SELECT 1, coalesce(r.find_number, 1e9), r.relationship_id, " +
           take +
           "    FROM Relationships AS r WHERE r.parent_revision_id = ?1 AND r.kind = 'bom'"
           "    UNION ALL"
           "    SELECT t.level + 1, coalesce(r.find_number, 1e9), r.relationship_id, " +
           take +
           "    FROM tree AS t JOIN Relationships AS r ON r.parent_revision_id = t.resolved AND r.kind = 'bom'"
           "    WHERE t.level <= ?2"
           "    ORDER BY 1 DESC, 2, 3 LIMIT -1) "
           "SELECT t.level, t.resolved, number, name, v.label, " +
           line_columns +
           " FROM tree AS t CROSS JOIN Relationships ON relationship_id = t.line "
           "CROSS JOIN Parts ON Parts.part_id = child_part_id LEFT JOIN Revisions AS v ON v.revision_id = t.resolved";
}

/// Level by level, down the stack of the lines that lead here.
void multiply(std::vector<ExplodedLine>& lines) {
    std::vector<Quantity> totals{Quantity{1}};
    for (auto& line : lines) {
        totals.resize(static_cast<std::size_t>(line.level));
        line.total = totals.back() * line.line.line.quantity;
        totals.push_back(line.total);
    }
}

}  // namespace

RelationshipId RelationshipManager::add(RevisionId parent, const BomLine& line, const Actor& by) const {
    return db_.transaction([&](sqlane::Transaction& tx) {
        plm::require_draft(tx, parent);
        require_sound(tx, line);
        require_no_cycle(tx, parent, line);
        const RelationshipId id = unless_taken(taken_find_number(line), [&] {
            return RelationshipId{
                tx.insert("INSERT INTO Relationships(parent_revision_id, child_part_id, child_revision_id, kind, "
                          "quantity_micro, unit, find_number, designators, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          parent, line.child, line.pinned, line.kind, line.quantity.micro(), line.unit,
                          line.find_number, line.designators, line.note)};
        });
        HistoryManager{db_}.record(by, Subject::revision, parent.value, "line added", {}, words_of(tx, line));
        return id;
    });
}

void RelationshipManager::update(RelationshipId id, const BomLine& line, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto before = read(tx, id);
        plm::require_draft(tx, before.parent);
        require_sound(tx, line);
        require_no_cycle(tx, before.parent, line);
        unless_taken(taken_find_number(line), [&] {
            return tx.run(
                "UPDATE Relationships SET child_part_id = ?, child_revision_id = ?, kind = ?, "
                "quantity_micro = ?, unit = ?, find_number = ?, designators = ?, note = ? "
                "WHERE relationship_id = ?",
                line.child, line.pinned, line.kind, line.quantity.micro(), line.unit, line.find_number,
                line.designators, line.note, id);
        });
        HistoryManager{db_}.record(by, Subject::revision, before.parent.value, "line changed",
                                   words_of(tx, before.line), words_of(tx, line));
    });
}

void RelationshipManager::remove(RelationshipId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto before = read(tx, id);
        plm::require_draft(tx, before.parent);
        tx.run("DELETE FROM Relationships WHERE relationship_id = ?", id);
        HistoryManager{db_}.record(by, Subject::revision, before.parent.value, "line removed",
                                   words_of(tx, before.line));
    });
}

Relationship RelationshipManager::get(RelationshipId id) const {
    return db_.execute([&](sqlane::Reader& r) { return read(r, id); });
}

std::vector<Relationship> RelationshipManager::lines(RevisionId parent, RelationshipKind kind) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<Relationship>("SELECT " + line_columns +
                                       " FROM Relationships WHERE parent_revision_id = ? AND kind = ? "
                                       "ORDER BY find_number IS NULL, find_number, relationship_id",
                                   parent, kind);
    });
}

std::vector<ExplodedLine> RelationshipManager::explode(RevisionId top, Resolve resolve) const {
    return db_.execute([&](sqlane::Reader& r) {
        const auto title = title_of(r, top);
        auto lines = r.all<ExplodedLine>(explosion(resolve), top, deepest);
        if (std::ranges::any_of(lines, [](const ExplodedLine& line) { return line.level > deepest; }))
            throw InvalidValue{"BOM", title + " is deeper than " + std::to_string(deepest) +
                                          " levels, so something in it contains itself"};
        multiply(lines);
        return lines;
    });
}

std::vector<FlatLine> RelationshipManager::flat_totals(RevisionId top, Resolve resolve) const {
    std::map<std::tuple<std::string, std::string>, FlatLine> totals;
    const auto lines = explode(top, resolve);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const auto& line = lines[i];
        auto& flat = totals[{line.number, line.line.line.unit}];
        flat.part = line.line.line.child;
        flat.number = line.number;
        flat.name = line.name;
        flat.unit = line.line.line.unit;
        flat.total = flat.total + line.total;
        flat.is_assembly = flat.is_assembly || (i + 1 < lines.size() && lines[i + 1].level > line.level);
    }
    std::vector<FlatLine> all;
    all.reserve(totals.size());
    for (auto& [key, flat] : totals) all.push_back(std::move(flat));
    return all;
}

std::vector<WhereUsed> RelationshipManager::where_used(PartId part, UsedAt at) const {
    return db_.execute([&](sqlane::Reader& r) {
        static_cast<void>(number_of(r, part));
        auto all = r.all<WhereUsed>(
            "WITH RECURSIVE newest(part_id, revision_id) AS ("
            "    SELECT part_id, revision_id FROM Revisions AS v"
            "    WHERE sequence = (SELECT max(sequence) FROM Revisions WHERE part_id = v.part_id)),"
            "above(level, part_id, revision_id) AS ("
            "    SELECT 0, ?1, NULL"
            "    UNION"
            "    SELECT a.level + 1, v.part_id, v.revision_id FROM above AS a"
            "    CROSS JOIN Relationships AS r ON r.child_part_id = a.part_id AND r.kind = 'bom'"
            "    CROSS JOIN Revisions AS v ON v.revision_id = r.parent_revision_id"
            "    WHERE a.level < ?2"
            "    AND v.sequence = (SELECT max(sequence) FROM Revisions WHERE part_id = v.part_id)) "
            "SELECT min(a.level), a.part_id, number, name, a.revision_id, label, NOT EXISTS ("
            "    SELECT 1 FROM Relationships AS up JOIN newest ON newest.revision_id = up.parent_revision_id"
            "    WHERE up.child_part_id = a.part_id AND up.kind = 'bom') "
            "FROM above AS a JOIN Parts USING (part_id) JOIN Revisions USING (revision_id) "
            "WHERE a.level > 0 GROUP BY a.part_id ORDER BY min(a.level), number",
            part, at == UsedAt::one_level ? 1 : deepest);
        if (at == UsedAt::top_level) std::erase_if(all, [](const WhereUsed& used) { return !used.is_top; });
        return all;
    });
}

std::vector<BomDifference> RelationshipManager::compare(RevisionId before, RevisionId after) const {
    return db_.execute([&](sqlane::Reader& r) {
        auto old_lines = lines(before);
        auto new_lines = lines(after);
        std::vector<BomDifference> differences;
        const auto differ = [&](std::optional<BomLine> was, std::optional<BomLine> is) {
            if (was == is) return;
            const auto child = is ? is->child : was->child;
            differences.push_back({child, number_of(r, child), std::move(was), std::move(is)});
        };
        // A part can stand in several lines: first those that are the same, then those in the same place, then the rest.
        const auto same_child = [](const BomLine& a, const BomLine& b) { return a.child == b.child; };
        const auto same_place = [&](const BomLine& a, const BomLine& b) {
            return same_child(a, b) && a.find_number == b.find_number;
        };
        const auto pair_up = [&](const auto& same) {
            std::erase_if(new_lines, [&](const Relationship& line) {
                const auto found =
                    std::ranges::find_if(old_lines, [&](const Relationship& old) { return same(old.line, line.line); });
                if (found == old_lines.end()) return false;
                differ(found->line, line.line);
                old_lines.erase(found);
                return true;
            });
        };
        pair_up(std::equal_to<>{});
        pair_up(same_place);
        pair_up(same_child);
        for (const auto& line : new_lines) differ({}, line.line);
        for (const auto& line : old_lines) differ(line.line, {});
        std::ranges::stable_sort(differences, {}, &BomDifference::number);
        return differences;
    });
}

}  // namespace plm
