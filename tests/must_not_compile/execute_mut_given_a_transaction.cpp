// expect: the closure must be callable with the view this verb lends
#include <sqlane/sqlane.hpp>

void write(sqlane::ConnectionManager& db) {
    db.execute_mut([](sqlane::Transaction& tx) { tx.run("DELETE FROM Parts"); });
}
