#include "driver/threads.hpp"
#include "driver/workloads.hpp"

namespace bench {
namespace {

constexpr int timed_every = 16;

/// Every row, all of it, before the time counts: what is fast and wrong is not fast.
void check_all(Context& context, const Kind& kind, Contender& contender) {
    const auto session = contender.session();
    for (std::int64_t id = 1; id <= context.settings.items; ++id)
        if (session->read(id) != item_of(id)) {
            context.results.complain("B1, " + kind.name + ": row " + std::to_string(id) + " was read wrong");
            return;
        }
}

void measure(Context& context, const Kind& kind, Contender& contender, int threads) {
    if (threads == 1) check_all(context, kind, contender);
    const auto items = context.settings.items;
    const auto run = run_threads(contender, threads, context.settings.seconds, timed_every,
                                 [items](Session& session, int, Random& random) {
                                     const auto id = random.up_to(items);
                                     const auto item = session.read(id);
                                     return item.id == id && item.amount == amount_of(id);
                                 });
    const auto scenario = thread_count(threads);
    const auto latency = run.latency();
    const auto add = [&](std::string_view metric, double value) {
        context.results.add("B1", scenario, kind.name, metric, value);
    };
    add("per_second", run.per_second());
    add("p50_us", static_cast<double>(latency.percentile(0.5)) / 1e3);
    add("p99_us", static_cast<double>(latency.percentile(0.99)) / 1e3);
    add("worst_ms", static_cast<double>(latency.longest()) / 1e6);
    if (const auto fairness = run.fairness()) add("fairness", *fairness);
    if (run.wrong() > 0) context.results.complain("B1, " + scenario + ", " + kind.name + ": wrong reads");
    if (!run.error().empty()) context.results.complain("B1, " + scenario + ", " + kind.name + ": " + run.error());
}

}  // namespace

void point_reads(Context& context) {
    for (const int threads : {1, 2, 8})
        context.each_turn("B1", thread_count(threads), Durability::full, context.settings.rounds,
                          [&](const Kind& kind, Contender& contender, const std::filesystem::path&) {
                              measure(context, kind, contender, threads);
                          });
}

}  // namespace bench
