// expect: (use of deleted function|call to deleted constructor).*ConnectionManager
#include <sqlane/sqlane.hpp>

void keep(sqlane::ConnectionManager& db) {
    auto copy = db;
    static_cast<void>(copy);
}
