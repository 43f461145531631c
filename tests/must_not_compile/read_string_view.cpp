// expect: this type cannot be read from one column
#include <sqlane/sqlane.hpp>

#include <string_view>

void read(sqlane::Reader& r) { static_cast<void>(r.one<std::string_view>("SELECT 1")); }
