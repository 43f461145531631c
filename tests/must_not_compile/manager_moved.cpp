// expect: (use of deleted function|call to deleted constructor).*ConnectionManager
#include <sqlane/sqlane.hpp>

#include <utility>

void keep(sqlane::ConnectionManager& db) {
    auto moved = std::move(db);
    static_cast<void>(moved);
}
