// expect: (constraints not satisfied|constraint not satisfied|no matching (member )?function)
#include <sqlane/sqlane.hpp>

#include <string_view>

void read(const sqlane::Row& row) { static_cast<void>(row.get<std::string_view>(0)); }
