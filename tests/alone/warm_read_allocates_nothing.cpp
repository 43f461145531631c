#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <new>

// The promise: after the first call an `execute` that reads one row of numbers takes no memory. What SQLite takes for
// itself is not ours, and comes from a store that it keeps.

namespace {

std::atomic<std::int64_t> allocations{0};

void* counted(std::size_t size) {
    ++allocations;
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    throw std::bad_alloc{};
}

}  // namespace

void* operator new(std::size_t size) { return counted(size); }
void* operator new[](std::size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { std::free(memory); }

namespace {

std::int64_t read_one(sqlane::ConnectionManager& db, std::int64_t id) {
    return db.execute([id](sqlane::Reader& r) {
        return r.one<std::int64_t>("SELECT amount FROM Parts WHERE id = ? AND amount > 0", id);
    });
}

}  // namespace

TEST_CASE("allocations: none in a warm read of one row, nor in one inside a transaction") {
    sqlane::Options options;
    options.upkeep_thread = false;  // what other threads allocate is counted too
    SUBCASE("without a kept snapshot") {}
    SUBCASE("with one") {
        options.upkeep_thread = true;
        options.snapshot_idle = std::chrono::hours{1};
    }
    sqlane::testing::TemporaryDatabase test{options};
    test->execute_mut([](sqlane::Writer& w) {
        w.script(
            "CREATE TABLE Parts (id INTEGER PRIMARY KEY, amount INTEGER); INSERT INTO Parts VALUES (1, 10), (2, 20)");
    });
    auto& db = test.db();
    for (int i = 0; i < 3; ++i) read_one(db, 1);
    auto before = allocations.load();
    std::int64_t sum = 0;
    for (int i = 0; i < 100; ++i) sum += read_one(db, 1 + i % 2);
    CHECK(allocations.load() - before < (options.upkeep_thread ? 20 : 1));  // the upkeep thread wakes now and then
    CHECK(sum == 1500);
    db.transaction([&] {
        read_one(db, 1);
        before = allocations.load();
        for (int i = 0; i < 100; ++i) read_one(db, 2);
        CHECK(allocations.load() - before < (options.upkeep_thread ? 20 : 1));
    });
}
