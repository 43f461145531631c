#include "contenders/connection.hpp"
#include "driver/company.hpp"
#include "driver/repeat.hpp"
#include "driver/workloads.hpp"

#include <functional>

namespace bench {
namespace {

const Company company{.parts = 20'000, .bom_levels = {10, 100, 9'890}};

/// The queries of the managers, as somebody would send them without a layer: what the layer adds is what differs.
constexpr const char* explode_sql =
    "WITH RECURSIVE tree(level, place, line, resolved) AS ("
    "    SELECT 1, coalesce(r.find_number, 1e9), r.relationship_id, coalesce(r.child_revision_id, "
    "        (SELECT revision_id FROM Revisions WHERE part_id = r.child_part_id ORDER BY sequence DESC LIMIT 1))"
    "    FROM Relationships AS r WHERE r.parent_revision_id = ?1 AND r.kind = 'bom'"
    "    UNION ALL"
    "    SELECT t.level + 1, coalesce(r.find_number, 1e9), r.relationship_id, coalesce(r.child_revision_id, "
    "        (SELECT revision_id FROM Revisions WHERE part_id = r.child_part_id ORDER BY sequence DESC LIMIT 1))"
    "    FROM tree AS t JOIN Relationships AS r ON r.parent_revision_id = t.resolved AND r.kind = 'bom'"
    "    WHERE t.level <= 100"
    "    ORDER BY 1 DESC, 2, 3 LIMIT -1) "
    "SELECT t.level, t.resolved, number, name, v.label, relationship_id, parent_revision_id, child_part_id, "
    "    quantity_micro, unit, find_number, designators, note "
    "FROM tree AS t CROSS JOIN Relationships ON relationship_id = t.line "
    "CROSS JOIN Parts ON Parts.part_id = child_part_id LEFT JOIN Revisions AS v ON v.revision_id = t.resolved";

constexpr const char* where_used_sql =
    "WITH RECURSIVE newest(part_id, revision_id) AS ("
    "    SELECT part_id, revision_id FROM Revisions AS v"
    "    WHERE sequence = (SELECT max(sequence) FROM Revisions WHERE part_id = v.part_id)),"
    "above(level, part_id, revision_id) AS ("
    "    SELECT 0, ?1, NULL"
    "    UNION"
    "    SELECT a.level + 1, v.part_id, v.revision_id FROM above AS a"
    "    CROSS JOIN Relationships AS r ON r.child_part_id = a.part_id AND r.kind = 'bom'"
    "    CROSS JOIN Revisions AS v ON v.revision_id = r.parent_revision_id"
    "    WHERE a.level < 100"
    "    AND v.sequence = (SELECT max(sequence) FROM Revisions WHERE part_id = v.part_id)) "
    "SELECT min(a.level), a.part_id, number, name, a.revision_id, label, NOT EXISTS ("
    "    SELECT 1 FROM Relationships AS up JOIN newest ON newest.revision_id = up.parent_revision_id"
    "    WHERE up.child_part_id = a.part_id AND up.kind = 'bom') "
    "FROM above AS a JOIN Parts USING (part_id) JOIN Revisions USING (revision_id) "
    "WHERE a.level > 0 GROUP BY a.part_id ORDER BY min(a.level), number";

/// What a program keeps of a line.
struct Line {
    std::int64_t level = 0;
    std::int64_t revision = 0;
    std::string number;
    std::string name;
    std::string label;
    std::int64_t id = 0;
    std::int64_t parent = 0;
    std::int64_t child = 0;
    std::int64_t quantity = 0;
    std::string unit;
    std::int64_t find_number = 0;
    std::string designators;
    std::string note;
};

struct Use {
    std::int64_t level = 0;
    std::int64_t part = 0;
    std::string number;
    std::string name;
    std::int64_t revision = 0;
    std::string label;
    bool is_top = false;
};

/// A sum over all rows in their order, which both must agree on.
using Sum = std::int64_t;
Sum with(Sum sum, std::int64_t level, std::int64_t id) { return (sum * 31 + level * 7 + id) % 1'000'000'007; }

Sum explode_bare(Statement& statement) {
    std::vector<Line> lines;
    statement.bind(1, product.value);
    while (statement.step())
        lines.push_back({statement.integer(0), statement.integer(1), statement.text(2), statement.text(3),
                         statement.text(4), statement.integer(5), statement.integer(6), statement.integer(7),
                         statement.integer(8), statement.text(9), statement.integer(10), statement.text(11),
                         statement.text(12)});
    Sum sum = 0;
    for (const auto& line : lines) sum = with(sum, line.level, line.id);
    return sum;
}

Sum explode_with_plm(plm::DatabaseManager& plm) {
    Sum sum = 0;
    for (const auto& line : plm.relationships().explode(product)) sum = with(sum, line.level, line.line.id.value);
    return sum;
}

Sum where_used_bare(Statement& statement) {
    std::vector<Use> uses;
    statement.bind(1, part_of_the_last_level(company).value);
    while (statement.step())
        uses.push_back({statement.integer(0), statement.integer(1), statement.text(2), statement.text(3),
                        statement.integer(4), statement.text(5), statement.integer(6) != 0});
    Sum sum = 0;
    for (const auto& use : uses) sum = with(sum, use.level, use.part);
    return sum;
}

Sum where_used_with_plm(plm::DatabaseManager& plm) {
    Sum sum = 0;
    const auto part = part_of_the_last_level(company);
    for (const auto& use : plm.relationships().where_used(part, plm::UsedAt::all_levels))
        sum = with(sum, use.level, use.part.value);
    return sum;
}

void compare(Context& context, std::string_view scenario, const std::function<Sum()>& with_plm,
             const std::function<Sum()>& without) {
    if (const auto sum = with_plm(); sum == 0 || sum != without())
        context.results.complain("B8, " + std::string{scenario} + ": the rows differ");
    for (int round = 0; round < context.settings.rounds; ++round)
        for (const auto& [name, run] : {std::pair{"plm", &with_plm}, std::pair{bare, &without}}) {
            const auto each = seconds_each(context.settings.seconds, [&run = *run] { static_cast<void>(run()); });
            context.results.add("B8", scenario, name, "per_second", 1 / each);
            context.results.add("B8", scenario, name, "time_us", each * 1e6);
        }
}

}  // namespace

void bills_of_materials(Context& context) {
    const auto file = context.files.none("company.db");
    make_company(file, company);
    plm::DatabaseManager plm{file};
    Connection db{file, settings(Durability::full)};
    Statement explode{db.raw(), explode_sql};
    Statement where_used{db.raw(), where_used_sql};
    compare(
        context, "explode", [&] { return explode_with_plm(plm); }, [&] { return explode_bare(explode); });
    compare(
        context, "where used", [&] { return where_used_with_plm(plm); }, [&] { return where_used_bare(where_used); });
}

}  // namespace bench
