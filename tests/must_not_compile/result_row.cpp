// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

sqlane::Row some_row();

auto row(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader&) -> sqlane::Row { return some_row(); });
}
