// expect: this type cannot be bound
#include <sqlane/sqlane.hpp>

#include <chrono>

void bind(sqlane::Reader& r) { static_cast<void>(r.one<int>("SELECT ?", std::chrono::steady_clock::now())); }
