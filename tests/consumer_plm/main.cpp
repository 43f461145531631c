#include <plm/plm.hpp>
#include <sqlane/testing.hpp>

#include <iostream>

int main() {
    const sqlane::testing::TemporaryFolder folder;
    plm::DatabaseManager db{folder.path() / "parts.db"};
    const auto ada = db.users().add("ada", plm::Role::admin);
    const auto made = db.management().create_part({.part = {.category = "AS", .name = "Lamp"}}, ada);
    std::cout << made.part.number << " revision " << made.revision.label << "\n";
    return made.part.number == "AS-10000" ? 0 : 1;
}
