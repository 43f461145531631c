// expect: this type cannot be bound
#include <sqlane/sqlane.hpp>

#include <vector>

void bind(sqlane::Reader& r) { static_cast<void>(r.one<int>("SELECT ?", std::vector<int>{1, 2})); }
