#include "driver/company.hpp"
#include "driver/repeat.hpp"
#include "driver/workloads.hpp"

#include <sqlane/sqlane.hpp>

#include <array>
#include <cmath>
#include <stdexcept>

namespace bench {
namespace {

constexpr std::array<std::pair<std::int64_t, const char*>, 4> sizes{
    {{1'000, "1 k parts"}, {10'000, "10 k parts"}, {100'000, "100 k parts"}, {1'000'000, "1 M parts"}}};

void expect(bool is_right, const char* what) {
    if (!is_right) throw std::runtime_error{std::string{what} + " was wrong"};
}

void read_by_key(plm::DatabaseManager& plm, Random& random, std::int64_t parts) {
    const auto id = random.up_to(parts);
    const auto found = plm.connections().execute([id](sqlane::Reader& r) {
        return std::get<0>(r.one<std::int64_t, std::string, std::string>(
            "SELECT part_id, number, name FROM Parts WHERE part_id = ?", id));
    });
    expect(found == id, "a read");
}

/// The last number: no other begins with it, so there is one hit whatever the size.
void search(plm::DatabaseManager& plm, std::int64_t parts) {
    expect(plm.parts().search("EL-" + std::to_string(10'000 + parts)).size() == 1, "a search");
}

void measure(Context& context, std::int64_t parts, std::string_view scenario) {
    const auto file = context.files.none("company.db");
    make_company(file, {.parts = parts, .bom_levels = {10, 90}});
    plm::DatabaseManager plm{file};
    const auto add = [&](const char* what, double seconds) {
        context.results.add("B10", scenario, what, "time_us", seconds * 1e6);
    };
    Random random{1};
    const auto seconds = context.settings.seconds / 2;
    for (int round = 0; round < context.settings.rounds; ++round) {
        add("read by key", seconds_each(seconds, [&] { read_by_key(plm, random, parts); }));
        add("search", seconds_each(seconds, [&] { search(plm, parts); }));
        add("BOM of 100",
            seconds_each(seconds, [&] { expect(plm.relationships().explode(product).size() == 100, "an explosion"); }));
    }
}

/// How much longer it takes at the largest size, over how much larger the logarithm is: 1 is logarithmic growth.
void compare(Context& context, std::int64_t largest, std::string_view largest_name) {
    const auto logarithms = std::log(static_cast<double>(largest)) / std::log(static_cast<double>(sizes[0].first));
    for (const char* what : {"read by key", "search", "BOM of 100"}) {
        const auto first = context.results.find("B10", sizes[0].second, what, "time_us");
        const auto last = context.results.find("B10", largest_name, what, "time_us");
        if (first && last)
            context.results.add("B10 growth", "growth over log(parts)", what, "factor", *last / *first / logarithms);
    }
}

}  // namespace

void growth(Context& context) {
    std::pair<std::int64_t, const char*> largest = sizes[0];
    for (const auto& size : sizes) {
        if (size.first > context.settings.largest) break;
        show_progress("B10, " + std::string{size.second});
        measure(context, size.first, size.second);
        largest = size;
    }
    show_progress({});
    compare(context, largest.first, largest.second);
}

}  // namespace bench
