// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

auto keep(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader& r) { return &r; });
}
