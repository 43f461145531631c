// expect: (use of deleted function|call to deleted constructor).*Reader
#include <sqlane/sqlane.hpp>

void keep(sqlane::Reader& r) {
    auto copy = r;
    static_cast<void>(copy);
}
