// expect: this type cannot be read from one column
#include <sqlane/sqlane.hpp>

void read(sqlane::Reader& r) { static_cast<void>(r.one<char>("SELECT 1")); }
