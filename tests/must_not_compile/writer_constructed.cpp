// expect: protected
#include <sqlane/sqlane.hpp>

void make(sqlane::detail::Handle& handle) {
    auto* made = new sqlane::Writer{handle};
    static_cast<void>(made);
}
