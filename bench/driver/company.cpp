#include "driver/company.hpp"

#include "contenders/connection.hpp"

#include <numeric>

namespace bench {
namespace {

/// Behind the product and its assemblies.
std::int64_t first_leaf(const Company& company) {
    return 2 + std::accumulate(company.bom_levels.begin(), company.bom_levels.end() - 1, std::int64_t{0});
}

std::int64_t leaf(const Company& company, std::int64_t line) {
    const auto first = first_leaf(company);
    const auto choice = company.parts - first + 1;
    // A step that is prime, so that lines of one assembly do not stand beside each other in the file.
    return first + line * 7919 % choice;
}

void insert_parts(Connection& db, std::int64_t parts) {
    db.script(
        "INSERT INTO Parts(part_id, number, category, name, description, created_date, modified_date) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " +
        std::to_string(parts) +
        ") SELECT i, 'EL-' || (10000 + i), 'EL', 'Part ' || i, 'Made to be measured, ' || (i % 997), 0, 0 FROM n;"
        "UPDATE PartSequence SET next_value = 10001 + " +
        std::to_string(parts) +
        ";INSERT INTO Users(user_id, name, role, created_date) VALUES (1, 'Ada', 'Designer', 0);"
        "INSERT INTO Revisions(revision_id, part_id, sequence, label, author_id, created_date, modified_date) "
        "SELECT part_id, part_id, 1, '1', 1, 0, 0 FROM Parts;"
        "INSERT INTO PartSearch(rowid, number, name, description, manufacturer_numbers, properties) "
        "SELECT part_id, number, name, description, '', '' FROM Parts;");
}

/// Level by level: the lines of one are shared out evenly over the parts of the one above.
void insert_product(Connection& db, const Company& company) {
    Statement insert{db.raw(),
                     "INSERT INTO Relationships(parent_revision_id, child_part_id, quantity_micro, find_number) "
                     "VALUES (?, ?, 2000000, ?)"};
    std::int64_t first_parent = 1;
    std::int64_t parents = 1;
    for (std::size_t level = 0; level < company.bom_levels.size(); ++level) {
        const auto lines = company.bom_levels[level];
        const bool is_last = level + 1 == company.bom_levels.size();
        for (std::int64_t line = 0; line < lines; ++line) {
            insert.bind(1, first_parent + line % parents);
            insert.bind(2, is_last ? leaf(company, line) : first_parent + parents + line);
            insert.bind(3, line / parents + 1);
            insert.run();
        }
        first_parent += parents;
        parents = lines;
    }
}

}  // namespace

plm::PartId part_of_the_last_level(const Company& company) { return {leaf(company, 0)}; }

void make_company(const std::filesystem::path& file, const Company& company) {
    { const plm::DatabaseManager migrated{file}; }
    Connection db{file, {"PRAGMA synchronous=OFF"}};
    db.script("BEGIN");
    insert_parts(db, company.parts);
    insert_product(db, company);
    db.script("COMMIT");
    db.script("ANALYZE");
    db.script("PRAGMA wal_checkpoint(TRUNCATE)");
}

}  // namespace bench
