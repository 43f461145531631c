// expect: this type cannot be bound
#include <sqlane/sqlane.hpp>

void bind(sqlane::Reader& r) { static_cast<void>(r.one<int>("SELECT ?", L"wide")); }
