// expect: no member named .script.
#include <sqlane/sqlane.hpp>

void write(sqlane::Reader& r) { r.script("DELETE FROM Parts"); }
