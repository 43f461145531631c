#include "demo_product.hpp"

#include <plm/relationship_manager.hpp>
#include <plm/user_manager.hpp>

#include <algorithm>
#include <array>
#include <map>

namespace cli::product {
namespace {

using sqlane::ConnectionManager;

constexpr std::int64_t first_number = 10000;

struct Kind {
    const char* category;
    const char* subcategory;
    const char* name;
};
constexpr std::array<Kind, 4> kinds{
    {{"EL", "RES", "Resistor"}, {"EL", "CAP", "Capacitor"}, {"EL", "ICT", "Controller"}, {"EL", "CON", "Connector"}}};

plm::NewPart component(int index) {
    const auto& kind = kinds.at(static_cast<std::size_t>(index) % kinds.size());
    return {.category = kind.category,
            .subcategory = kind.subcategory,
            .name = kind.name + std::string{" "} + std::to_string(index),
            .description = "component of the demo"};
}

/// 10000 of "EL-RES-10000".
std::int64_t value_in(const std::string& number) { return std::stoll(number.substr(number.rfind('-') + 1)); }

std::vector<std::int64_t> all_numbers(ConnectionManager& db) {
    std::vector<std::int64_t> numbers;
    plm::PartPage page;
    do {
        page = plm::PartManager{db}.list({.with_retired = true}, plm::PartOrder::number, 500, page.next);
        for (const auto& part : page.parts) numbers.push_back(value_in(part.number));
    } while (page.next);
    std::ranges::sort(numbers);
    return numbers;
}

void check_numbers(ConnectionManager& db, const Shape& shape, std::vector<std::string>& faults) {
    const auto numbers = all_numbers(db);
    const auto count = static_cast<std::int64_t>(numbers.size());
    if (count != shape.parts()) faults.push_back(std::to_string(count) + " parts were kept");
    if (std::ranges::adjacent_find(numbers) != numbers.end()) faults.emplace_back("a number was given twice");
    if (!numbers.empty() && (numbers.front() != first_number || numbers.back() != first_number + count - 1))
        faults.push_back("a gap: the numbers run from " + std::to_string(numbers.front()) + " to " +
                         std::to_string(numbers.back()));
}

void check_totals(ConnectionManager& db, const Shape& shape, plm::RevisionId product,
                  const std::vector<plm::PartId>& components, std::vector<std::string>& faults) {
    std::map<plm::PartId, plm::Quantity> totals;
    for (const auto& line : plm::RelationshipManager{db}.flat_totals(product)) totals[line.part] = line.total;
    if (totals.size() != static_cast<std::size_t>(shape.parts() - 1))
        faults.push_back("the product contains " + std::to_string(totals.size()) + " other parts");
    for (std::size_t i = 0; i < components.size(); ++i) {
        const auto needed = quantity_of(static_cast<int>(i)) * modules_in_product * boards_in_module;
        if (totals[components[i]] == plm::Quantity{needed}) continue;
        faults.push_back("the product needs " + to_string(totals[components[i]]) + " of component " +
                         std::to_string(i) + " and not " + std::to_string(needed));
        return;
    }
}

}  // namespace

Shape Shape::of(int parts) {
    Shape shape;
    shape.modules = std::max(1, (parts - 1) / (smallest - 1));
    shape.boards = 10 * shape.modules;
    shape.components = parts - 1 - shape.modules - shape.boards;
    return shape;
}

std::int64_t quantity_of(int component) { return 1 + component % 4; }

Team hire(ConnectionManager& db) {
    return db.transaction({.label = "hire"}, [&](sqlane::Transaction&) {
        const plm::UserManager users{db};
        const auto admin = users.add("ada", plm::Role::admin);
        return Team{.designer = users.add("bo", plm::Role::designer, admin),
                    .reviewer = users.add("cy", plm::Role::designer, admin)};
    });
}

plm::CreatedPart make_component(ConnectionManager& db, const Team& team, int index) {
    return plm::PartManagementManager{db}.create_part({.part = component(index)}, team.designer);
}

void make_and_regret(ConnectionManager& db, const Team& team, int index) {
    db.transaction({.label = "make and regret"}, [&](sqlane::Transaction&) {
        make_component(db, team, index);  // takes part in this transaction
        throw ChangedMyMind{};
    });
}

plm::CreatedPart make_assembly(ConnectionManager& db, const Team& team, const std::string& name,
                               const std::string& category, const std::vector<plm::BomLine>& lines) {
    return plm::PartManagementManager{db}.create_part({.part = {.category = category, .name = name}, .bom = lines},
                                                      team.designer);
}

void release(ConnectionManager& db, const Team& team, plm::RevisionId revision) {
    db.transaction({.label = "submit, approve, release"}, [&](sqlane::Transaction&) {
        const plm::PartManagementManager management{db};
        management.submit(revision, {team.reviewer}, team.designer);
        management.approve(revision, team.reviewer);
        management.release(revision, team.reviewer);
    });
}

bool is_torn(ConnectionManager& db) {
    return db.execute({.label = "newest parts"}, [&](sqlane::Reader&) {
        const auto newest = plm::PartManager{db}.list({}, plm::PartOrder::newest_change, 5).parts;
        return std::ranges::any_of(
            newest, [&](const plm::Part& part) { return !plm::RevisionManager{db}.latest(part.id).has_value(); });
    });
}

void look_around(ConnectionManager& db, std::uint64_t turn) {
    const plm::PartManager parts{db};
    const auto& kind = kinds.at(turn % kinds.size());
    if (turn % 8 == 0)
        static_cast<void>(parts.search(std::string{kind.name} + " " + std::to_string(turn % 100), 5));
    else
        static_cast<void>(parts.count({.category = kind.category, .subcategory = kind.subcategory}));
}

std::vector<std::string> faults_of(ConnectionManager& db, const Shape& shape, plm::RevisionId product,
                                   const std::vector<plm::PartId>& components) {
    std::vector<std::string> faults;
    check_numbers(db, shape, faults);
    check_totals(db, shape, product, components, faults);
    if (const auto released = plm::PartManager{db}.count({.state = plm::State::released}); released != shape.parts())
        faults.push_back(std::to_string(released) + " parts are released");
    return faults;
}

}  // namespace cli::product
