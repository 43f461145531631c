#include "contenders/connection.hpp"
#include "driver/company.hpp"
#include "driver/threads.hpp"
#include "driver/workloads.hpp"

#include <sqlane/sqlane.hpp>

#include <array>
#include <utility>

namespace bench {
namespace {

constexpr const char* scenario = "open, first query";
constexpr const char* query = "SELECT next_value FROM PartSequence WHERE id = 1";

std::int64_t first_query(sqlane::ConnectionManager& db) {
    return db.execute([](sqlane::Reader& r) { return r.one<std::int64_t>(query); });
}

// Each gives the seconds until the answer is there; closing comes after.

double with_sqlane(const std::filesystem::path& file) {
    const auto began = Clock::now();
    sqlane::ConnectionManager db{file};
    static_cast<void>(first_query(db));
    return seconds_since(began);
}

double with_plm(const std::filesystem::path& file) {
    const auto began = Clock::now();
    plm::DatabaseManager plm{file};
    static_cast<void>(first_query(plm.connections()));
    return seconds_since(began);
}

double without(const std::filesystem::path& file) {
    const auto began = Clock::now();
    Connection db{file, settings(Durability::full)};
    static_cast<void>(db.value(query));
    return seconds_since(began);
}

double without_settings(const std::filesystem::path& file) {
    const auto began = Clock::now();
    Connection db{file, {}};
    static_cast<void>(db.value(query));
    return seconds_since(began);
}

struct Way {
    const char* name;
    double (*open)(const std::filesystem::path& file);
};

constexpr std::array ways{Way{ours, with_sqlane}, Way{"sqlane, migrate first", with_plm}, Way{bare, without},
                          Way{"bare, no settings", without_settings}};

}  // namespace

void opening(Context& context) {
    const auto file = context.files.none("company.db");
    make_company(file, {.parts = 1'000, .bom_levels = {10, 90}});
    const int times = context.settings.quick ? 20 : 100;
    for (int round = 0; round < context.settings.rounds; ++round)
        for (const auto& way : ways) {
            Histogram latency;
            for (int i = 0; i < times; ++i) latency.add(static_cast<std::uint64_t>(way.open(file) * 1e9));
            context.results.add("B9", scenario, way.name, "time_us",
                                static_cast<double>(latency.percentile(0.5)) / 1e3);
            context.results.add("B9", scenario, way.name, "worst_ms", static_cast<double>(latency.longest()) / 1e6);
        }
}

}  // namespace bench
