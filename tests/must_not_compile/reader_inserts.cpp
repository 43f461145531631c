// expect: no member named .insert.
#include <sqlane/sqlane.hpp>

void write(sqlane::Reader& r) { r.insert("INSERT INTO Parts VALUES (1)"); }
