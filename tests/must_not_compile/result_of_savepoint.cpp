// expect: a closure's result must own what it holds
#include <sqlane/sqlane.hpp>

#include <string>
#include <string_view>

void part(sqlane::ConnectionManager& db) {
    db.transaction([](sqlane::Transaction& tx) {
        static_cast<void>(tx.savepoint([&] { return std::string_view{tx.one<std::string>("SELECT 'x'")}; }));
    });
}
