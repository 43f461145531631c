#include <app_migrations.hpp>
#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include <iostream>

int main() {
    const sqlane::testing::TemporaryFolder folder;
    const auto file = folder.path() / "parts.db";
    std::cout << sqlane::migrate(file, app_migrations()).to << "\n";
    sqlane::ConnectionManager db{file};
    const auto names = db.execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM Parts"); });
    return names == 2 && sqlane::migrate(folder.path() / "other.db", app_migrations()).applied.size() == 2 ? 0 : 1;
}
