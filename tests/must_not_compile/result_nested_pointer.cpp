// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <optional>
#include <utility>
#include <vector>

auto rows(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader&) { return std::vector<std::pair<int, std::optional<const char*>>>{}; });
}
