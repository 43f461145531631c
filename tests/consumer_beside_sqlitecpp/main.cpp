#include <sqlane/sqlane.hpp>

#include <SQLiteCpp/SQLiteCpp.h>
#include <iostream>

int main() {
    SQLite::Database theirs{":memory:", SQLite::OPEN_READWRITE | SQLite::OPEN_CREATE};
    theirs.exec("CREATE TABLE t(x INTEGER NOT NULL)");
    theirs.exec("INSERT INTO t VALUES(40)");

    auto ours = sqlane::ConnectionManager::in_memory();
    ours.transaction([](sqlane::Transaction& tx) {
        tx.run("CREATE TABLE t(x INTEGER NOT NULL)");
        tx.run("INSERT INTO t VALUES(?)", 2);
    });
    auto x = ours.execute([](sqlane::Reader& r) { return r.one<int>("SELECT x FROM t"); });

    int sum = theirs.execAndGet("SELECT x FROM t").getInt() + x;
    std::cout << sum << "\n";
    return sum == 42 ? 0 : 1;
}
