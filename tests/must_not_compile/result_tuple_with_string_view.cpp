// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <string_view>
#include <tuple>

auto row(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader&) { return std::tuple<int, std::string_view>{}; });
}
