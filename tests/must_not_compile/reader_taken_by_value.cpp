// expect: the closure must be callable with the view this verb lends
#include <sqlane/sqlane.hpp>

void keep(sqlane::ConnectionManager& db) {
    db.execute([](sqlane::Reader r) { static_cast<void>(r.one<int>("SELECT 1")); });
}
