// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <optional>
#include <string_view>

auto name(sqlane::ConnectionManager& db) {
    return db.transaction([](sqlane::Transaction&) { return std::optional<std::string_view>{}; });
}
