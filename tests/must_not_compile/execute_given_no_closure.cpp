// expect: the closure must be callable with the view this verb lends
#include <sqlane/sqlane.hpp>

void write(sqlane::ConnectionManager& db) {
    db.execute([](int, int) {});
}
