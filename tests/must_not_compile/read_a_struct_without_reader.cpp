// expect: this type cannot be read from one column
#include <sqlane/sqlane.hpp>

struct Point {
    int x, y;
};

void read(sqlane::Reader& r) { static_cast<void>(r.one<Point>("SELECT 1")); }
