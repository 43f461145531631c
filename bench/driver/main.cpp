#include "driver/charts.hpp"
#include "driver/goals.hpp"
#include "driver/machine.hpp"
#include "driver/program.hpp"
#include "driver/tables.hpp"
#include "driver/workloads.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <fstream>
#include <iostream>
#include <stdexcept>

namespace {

using bench::Json;

struct Arguments {
    bench::Settings settings;
    std::filesystem::path json;
    std::filesystem::path svg;
    /// Only what --json asks for: for the run inside of a run.
    bool is_silent = false;
};

/// The numbers that `--quick` changes where nothing else was said.
void hurry(const CLI::App& app, bench::Settings& settings) {
    if (app.count("--rounds") == 0) settings.rounds = 3;
    if (app.count("--seconds") == 0) settings.seconds = 0.2;
    if (app.count("--largest") == 0) settings.largest = 100'000;
    settings.long_rounds = 1;
    settings.import_rows = 200'000;
    settings.wal_seconds = 2;
}

void declare(CLI::App& app, Arguments& arguments) {
    auto& settings = arguments.settings;
    settings.folder = bench::folder_of_programs() / "files";
    app.add_option("--only", settings.only, "Workloads to run, as B1,B2s")->delimiter(',');
    app.add_option("--rounds", settings.rounds, "Turns of each contender")->check(CLI::Range(1, 100));
    app.add_option("--seconds", settings.seconds, "Length of one measurement")->check(CLI::Range(0.01, 600.0));
    app.add_option("--largest", settings.largest, "Parts of the largest database of B10")
        ->check(CLI::Range(1'000, 1'000'000));
    app.add_option("--dir", settings.folder, "Where the databases stand: on the disk that is to be measured");
    app.add_option("--json", arguments.json, "Write all numbers to this file");
    app.add_option("--svg", arguments.svg, "Draw charts into this folder");
    app.add_flag("--quick", settings.quick, "Less of everything, for a look");
    app.add_flag("--silent", arguments.is_silent, "Print no tables");
}

bool is_selected(const bench::Settings& settings, std::string_view id) {
    return settings.only.empty() || std::ranges::find(settings.only, id) != settings.only.end();
}

void expect_known(const bench::Settings& settings) {
    for (const auto& id : settings.only)
        if (std::ranges::find(bench::workloads(), id, &bench::Workload::id) == bench::workloads().end())
            throw std::invalid_argument{"there is no workload " + id + "; they are B1 B2 B2s B3 B4 B5 B6 B7 B8 B9 B10"};
}

Json goals_as_json(const bench::Results& results) {
    auto list = Json::array();
    for (const auto& goal : bench::goals()) {
        const auto [reached, is_met] = bench::outcome(goal, results);
        if (!reached) continue;
        list.push_back({{"workload", goal.workload},
                        {"scenario", goal.scenario},
                        {"contender", goal.contender},
                        {"metric", goal.metric},
                        {"goal", bench::to_string(goal)},
                        {"reached", *reached},
                        {"met", is_met}});
    }
    return list;
}

using Machine = std::vector<std::pair<std::string, std::string>>;

void write_json(const std::filesystem::path& file, const Machine& machine, const bench::Results& results) {
    Json about;
    for (const auto& [name, value] : machine) about[name] = value;
    std::ofstream out{file};
    out << Json{{"machine", about}, {"results", results.to_json()}, {"goals", goals_as_json(results)}}.dump(2) << '\n';
    if (!out.flush()) throw std::runtime_error{"cannot write " + file.string()};
}

void print_tables(const bench::Results& results, const bench::Workload& workload) {
    bench::print_table(std::cout, results, workload.id, workload.title);
    if (workload.id == "B10")
        bench::print_table(std::cout, results, "B10 growth", "How much longer the largest takes, over log(parts)");
}

void run_all(bench::Context& context, bool is_silent) {
    for (const auto& workload : bench::workloads()) {
        if (!is_selected(context.settings, workload.id)) continue;
        workload.run(context);
        if (!is_silent) print_tables(context.results, workload);
    }
}

/// A benchmark whose work was not done right has no result, however fast it was.
int verdict(const bench::Results& results) {
    for (const auto& complaint : results.complaints()) std::cerr << "error: " << complaint << '\n';
    return results.complaints().empty() ? 0 : 1;
}

void print_machine(const Machine& machine) {
    for (const auto& [name, value] : machine) std::cout << name << ": " << value << '\n';
    if (bench::is_crowded())
        std::cout
            << "Others keep this machine busy: where threads sleep and wake (B2, B3, B5) this measures their turns "
               "on a processor, and not what is written above the table.\n";
}

int run(const Arguments& arguments) {
    expect_known(arguments.settings);
    bench::Files files{arguments.settings.folder};
    bench::Results results;
    bench::Context context{arguments.settings, files, results};
    const auto machine = bench::machine(files.folder());
    if (!arguments.is_silent) print_machine(machine);
    run_all(context, arguments.is_silent);
    if (!arguments.is_silent) bench::print_goals(std::cout, results);
    if (!arguments.json.empty()) write_json(arguments.json, machine, results);
    if (!arguments.svg.empty()) bench::draw_charts(results, arguments.svg);
    // The run that started this one takes the complaints over.
    return arguments.is_silent ? 0 : verdict(results);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        CLI::App app{"Measures sqlane beside its peers; bench/README.md tells what and how to read it", "sqlane_bench"};
        Arguments arguments;
        declare(app, arguments);
        CLI11_PARSE(app, argc, argv);
        if (arguments.settings.quick) hurry(app, arguments.settings);
        return run(arguments);
    } catch (const std::exception& error) {
        std::cerr << "error: " << error.what() << '\n';
        return 1;
    }
}
