// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <string>

auto name(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader& r) { return r.one<std::string>("SELECT 'x'").c_str(); });
}
