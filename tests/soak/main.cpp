#include "trial.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iomanip>
#include <iostream>
#include <random>
#include <stdexcept>

namespace {

constexpr auto usage =
    R"(usage: sqlane_soak [T1 T2 ...] [--scale N] [--seed N] [--k N] [--dir FOLDER] [--controls|--no-controls]
                   [--other PROGRAM]
Without names all trials run. --scale 1 is the size that runs with every change. --controls runs only the red controls,
which must fail. --other names this program, built with another SQLite, for the trial that needs it.
)";

struct Arguments {
    soak::Settings settings;
    std::vector<std::string> names;
    bool trials = true;
    bool controls = true;
};

struct UsageProblem : std::runtime_error {
    using std::runtime_error::runtime_error;
};

std::uint64_t number(const std::string& text) {
    std::size_t end = 0;
    const auto value = std::stoull(text, &end);
    if (end != text.size()) throw UsageProblem{"not a number: " + text};
    return value;
}

Arguments parse(const std::vector<std::string>& given) {
    Arguments arguments;
    for (std::size_t i = 0; i < given.size(); ++i) {
        const auto value = [&]() -> const std::string& {
            if (++i >= given.size()) throw UsageProblem{"a value is missing behind " + given[i - 1]};
            return given[i];
        };
        if (given[i] == "--scale")
            arguments.settings.scale = std::stod(value());
        else if (given[i] == "--seed")
            arguments.settings.seed = number(value());
        else if (given[i] == "--k")
            arguments.settings.k = number(value());
        else if (given[i] == "--dir")
            arguments.settings.folder = value();
        else if (given[i] == "--other")
            arguments.settings.other = std::filesystem::canonical(value());
        else if (given[i] == "--controls")
            arguments.trials = false;
        else if (given[i] == "--no-controls")
            arguments.controls = false;
        else if (given[i].starts_with("--"))
            throw UsageProblem{"unknown option " + given[i]};
        else
            arguments.names.push_back(given[i]);
    }
    for (const auto& name : arguments.names)
        if (std::ranges::find(soak::trials(), name, &soak::Trial::id) == soak::trials().end())
            throw UsageProblem{"there is no trial " + name};
    return arguments;
}

void print(std::string_view id, std::string_view title, const soak::Outcome& outcome, double seconds, bool passed) {
    std::cout << std::left << std::setw(5) << id << std::setw(52) << title << std::right << std::setw(10)
              << outcome.runs << " runs " << std::setw(7) << outcome.bad << " bad " << std::fixed
              << std::setprecision(1) << std::setw(7) << seconds << " s  " << (passed ? "ok      " : "FAILED  ")
              << outcome.figures << std::endl;
}

bool run_one(const soak::Trial& trial, std::string_view title, soak::Outcome (*run)(const soak::Settings&),
             soak::Settings settings, bool must_fail) {
    settings.folder /= std::string{trial.id} + (must_fail ? "-control" : "");
    std::filesystem::remove_all(settings.folder);
    std::filesystem::create_directories(settings.folder);
    const auto begun = std::chrono::steady_clock::now();
    const auto outcome = run(settings);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    // Nothing run is nothing shown.
    const bool passed = outcome.runs > 0 && (outcome.bad > 0) == must_fail;
    print(trial.id, title, outcome, took.count(), passed);
    if (must_fail) {  // that it found the right thing
        if (!outcome.failures.empty()) std::cout << "     found: " << outcome.failures.front() << '\n';
        std::filesystem::remove_all(settings.folder);
        return passed;
    }
    for (const auto& failure : outcome.failures)
        std::cout << "     " << failure << " (--seed " << settings.seed << ")\n";
    if (outcome.bad == 0) std::filesystem::remove_all(settings.folder);
    return passed;
}

bool run_all(const Arguments& arguments) {
    bool passed = true;
    for (const auto& trial : soak::trials()) {
        const auto& names = arguments.names;
        if (!names.empty() && std::ranges::find(names, trial.id) == names.end()) continue;
        if (trial.needs_other && arguments.settings.other.empty()) {
            std::cout << std::left << std::setw(5) << trial.id << trial.title << ": left out, for it needs --other\n";
            passed &= names.empty();
            continue;
        }
        if (arguments.trials) passed &= run_one(trial, trial.title, trial.run, arguments.settings, false);
        if (!arguments.controls) continue;
        for (const auto& control : trial.controls)
            passed &= run_one(trial, "  red: " + std::string{control.name}, control.run, arguments.settings, true);
    }
    return passed;
}

int run_child(const std::vector<std::string>& given) {
    const auto child = std::ranges::find(soak::children(), given.at(1), &soak::Child::name);
    if (child == soak::children().end()) throw UsageProblem{"there is no child " + given.at(1)};
    return child->run({given.begin() + 2, given.end()});
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> given{argv + 1, argv + argc};
        if (given.size() > 1 && given.front() == "child") return run_child(given);
        auto arguments = parse(given);
        arguments.settings.program = std::filesystem::canonical(argv[0]);
        if (arguments.settings.folder.empty())
            arguments.settings.folder =
                std::filesystem::temp_directory_path() / ("sqlane-soak-" + std::to_string(std::random_device{}()));
        const bool passed = run_all(arguments);
        std::error_code ignored;  // not empty: a failure's files are in it
        std::filesystem::remove(arguments.settings.folder, ignored);
        return passed ? EXIT_SUCCESS : EXIT_FAILURE;
    } catch (const UsageProblem& problem) {
        std::cerr << "sqlane_soak: " << problem.what() << '\n' << usage;
        return 2;
    } catch (const std::exception& error) {
        std::cerr << "sqlane_soak: " << error.what() << '\n';
        return EXIT_FAILURE;
    }
}
