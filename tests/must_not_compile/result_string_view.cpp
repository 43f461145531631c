// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <string>
#include <string_view>

auto name(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader& r) { return std::string_view{r.one<std::string>("SELECT 'x'")}; });
}
