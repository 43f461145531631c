// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <map>
#include <string_view>

auto names(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader&) { return std::map<int, std::string_view>{}; });
}
