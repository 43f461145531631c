#include "contenders/connection.hpp"
#include "driver/batches.hpp"
#include "driver/threads.hpp"
#include "driver/workloads.hpp"

#include <stdexcept>

namespace bench {

void expect_imported(const std::filesystem::path& file, std::int64_t rows) {
    std::int64_t sum = 0;
    for (std::int64_t id = 1; id <= rows; ++id) sum += amount_of(id);
    Connection db{file, {}};
    if (db.value("SELECT count(*) FROM Imports") != rows || db.value("SELECT sum(amount) FROM Imports") != sum)
        throw std::runtime_error{"the imported rows are not those that were given"};
}

void import(Context& context) {
    const auto rows = context.settings.import_rows;
    context.each_turn("B7", "one transaction", Durability::full, context.settings.rounds,
                      [&](const Kind& kind, Contender& contender, const std::filesystem::path& file) {
                          const auto session = contender.session();
                          Source source{rows};
                          const auto began = Clock::now();
                          session->import(source.all());
                          const auto took = seconds_since(began);
                          expect_imported(file, rows);
                          context.results.add("B7", "one transaction", kind.name, "rows_per_second",
                                              static_cast<double>(rows) / took);
                      });
}

}  // namespace bench
