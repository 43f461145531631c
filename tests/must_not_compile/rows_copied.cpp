// expect: (use of deleted function|call to deleted constructor).*Rows
#include <sqlane/sqlane.hpp>

void keep(sqlane::Reader& r) {
    auto rows = r.rows<int>("SELECT 1");
    auto copy = rows;
    static_cast<void>(copy);
}
