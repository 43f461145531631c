#include <sqlane/sqlane.hpp>

#include <iostream>

int main() {
    auto db = sqlane::ConnectionManager::in_memory();
    db.transaction([](sqlane::Transaction& tx) {
        tx.run("CREATE TABLE t(x INTEGER NOT NULL)");
        tx.run("INSERT INTO t VALUES(?)", 42);
    });
    auto x = db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT x FROM t"); });
    std::cout << x << "\n";
    return x == 42 ? 0 : 1;
}
