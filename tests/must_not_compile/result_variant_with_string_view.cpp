// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <string_view>
#include <variant>

auto value(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader&) { return std::variant<int, std::string_view>{}; });
}
