// expect: (use of deleted function|call to implicitly-deleted copy constructor).*Transaction
#include <sqlane/sqlane.hpp>

void keep(sqlane::Transaction& tx) {
    auto copy = tx;
    static_cast<void>(copy);
}
