// expect: this type cannot be bound
#include <sqlane/sqlane.hpp>

#include <filesystem>

void bind(sqlane::Reader& r) { static_cast<void>(r.one<int>("SELECT ?", std::filesystem::path{"parts.db"})); }
