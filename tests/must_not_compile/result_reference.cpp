// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

auto keep(sqlane::ConnectionManager& db, const int& value) {
    return db.execute_mut([&](sqlane::Writer&) -> auto& { return value; });
}
