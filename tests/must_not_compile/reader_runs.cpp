// expect: no member named .run.
#include <sqlane/sqlane.hpp>

void write(sqlane::ConnectionManager& db) {
    db.execute([](sqlane::Reader& r) { r.run("DELETE FROM Parts"); });
}
