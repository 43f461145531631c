#pragma once

#include <plm/part_management_manager.hpp>

#include <sqlane/connection_manager.hpp>

#include <exception>
#include <string>
#include <vector>

/// The product that `sqlane demo` builds, written as an application on plm's managers is: functions that take the
/// ConnectionManager, work alone, and take part in the transaction of whoever calls them.
namespace cli::product {

/// Thrown on purpose, to have a transaction undone.
class ChangedMyMind : public std::exception {};

/// One product, its modules, their boards, and the components on those.
struct Shape {
    int modules = 0;
    int boards = 0;
    int components = 0;

    /// The smallest one has one module of ten boards, with ten components each.
    static constexpr int smallest = 112;
    static Shape of(int parts);
    [[nodiscard]] int parts() const { return 1 + modules + boards + components; }
};

constexpr int modules_in_product = 2;
constexpr int boards_in_module = 3;
/// How many of it one board takes.
std::int64_t quantity_of(int component);

struct Team {
    plm::UserId designer;
    plm::UserId reviewer;
};
Team hire(sqlane::ConnectionManager& db);

plm::CreatedPart make_component(sqlane::ConnectionManager& db, const Team& team, int index);
/// Makes a component, and throws ChangedMyMind.
void make_and_regret(sqlane::ConnectionManager& db, const Team& team, int index);
/// `name` with those parts in it.
plm::CreatedPart make_assembly(sqlane::ConnectionManager& db, const Team& team, const std::string& name,
                               const std::string& category, const std::vector<plm::BomLine>& lines);
/// Submitted, approved and released, all or nothing.
void release(sqlane::ConnectionManager& db, const Team& team, plm::RevisionId revision);

/// Whether one snapshot holds a part without the revision that was made in the same transaction.
bool is_torn(sqlane::ConnectionManager& db);
void look_around(sqlane::ConnectionManager& db, std::uint64_t turn);

/// What is wrong with the product; empty when it is as it was meant. `components` in the order of their making.
std::vector<std::string> faults_of(sqlane::ConnectionManager& db, const Shape& shape, plm::RevisionId product,
                                   const std::vector<plm::PartId>& components);

}  // namespace cli::product
