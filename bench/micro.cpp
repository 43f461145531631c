// What it costs to be lent a handle and to give it back, and nothing else.

#include <sqlane/sqlane.hpp>

#include <benchmark/benchmark.h>

namespace {

/// In memory, for no statement is to wait for a disk.
sqlane::ConnectionManager& database() {
    static auto db = sqlane::ConnectionManager::in_memory({.readers = {.min_idle = 8, .max = 8}});
    return db;
}

void empty_execute(benchmark::State& state) {
    auto& db = database();
    while (state.KeepRunning()) db.execute([](sqlane::Reader& r) { benchmark::DoNotOptimize(&r); });
}

// The nested ones take many turns inside of one outer closure, so that its cost is spread thin; and no thread waits for
// the others inside of a closure, as the start of a run would make it.
constexpr int turns = 1000;

void nested_execute(benchmark::State& state) {
    auto& db = database();
    while (state.KeepRunningBatch(turns))
        db.execute([&](sqlane::Reader&) {
            for (int i = 0; i < turns; ++i) db.execute([](sqlane::Reader& r) { benchmark::DoNotOptimize(&r); });
        });
}

void nested_transaction(benchmark::State& state) {
    auto& db = database();
    while (state.KeepRunningBatch(turns))
        db.transaction([&](sqlane::Transaction&) {
            for (int i = 0; i < turns; ++i)
                db.transaction([](sqlane::Transaction& tx) { benchmark::DoNotOptimize(&tx); });
        });
}

void on_1_2_and_8_threads(benchmark::internal::Benchmark* benchmark) {
    benchmark->Threads(1)->Threads(2)->Threads(8)->UseRealTime();
}

}  // namespace

BENCHMARK(empty_execute)->Apply(on_1_2_and_8_threads);
BENCHMARK(nested_execute)->Apply(on_1_2_and_8_threads);
BENCHMARK(nested_transaction)->Apply(on_1_2_and_8_threads);

BENCHMARK_MAIN();
