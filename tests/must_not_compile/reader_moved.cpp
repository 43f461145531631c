// expect: (use of deleted function|call to deleted constructor).*Reader
#include <sqlane/sqlane.hpp>

#include <utility>

void keep(sqlane::Reader& r) {
    auto moved = std::move(r);
    static_cast<void>(moved);
}
