// expect: this type cannot be read from one column
#include <sqlane/sqlane.hpp>

#include <chrono>

void read(sqlane::Reader& r) { static_cast<void>(r.one<std::chrono::steady_clock::time_point>("SELECT 1")); }
