// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <string_view>
#include <vector>

auto names(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader&) { return std::vector<std::string_view>{}; });
}
