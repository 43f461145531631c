// expect: protected
#include <sqlane/sqlane.hpp>

void make(sqlane::detail::Handle& handle) {
    auto* made = new sqlane::Reader{handle, sqlane::detail::Rights::read};
    static_cast<void>(made);
}
