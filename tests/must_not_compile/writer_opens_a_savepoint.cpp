// expect: no member named .savepoint.
#include <sqlane/sqlane.hpp>

void write(sqlane::Writer& w) {
    w.savepoint([] {});
}
