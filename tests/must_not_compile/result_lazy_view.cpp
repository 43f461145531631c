// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <ranges>

auto even(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader& r) {
        auto numbers = r.all<int>("SELECT 1");
        return numbers | std::views::take(1);
    });
}
