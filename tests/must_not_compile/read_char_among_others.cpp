// expect: this type cannot be read from one column
#include <sqlane/sqlane.hpp>

void read(sqlane::Reader& r) { static_cast<void>(r.all<int, char>("SELECT 1, 2")); }
