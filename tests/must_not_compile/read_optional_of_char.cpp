// expect: this type cannot be read from one column
#include <sqlane/sqlane.hpp>

#include <optional>

void read(sqlane::Reader& r) { static_cast<void>(r.one<std::optional<char>>("SELECT 1")); }
