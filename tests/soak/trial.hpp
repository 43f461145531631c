#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The trials of docs/reliability.md: each makes something fail, everywhere it can, and counts what was lost.
namespace soak {

struct Settings {
    std::uint64_t seed = 1;
    /// Of the sizes in the table: 1 is what runs with every change.
    double scale = 1;
    /// One run only, to look at a failure: the k that was printed with it.
    std::optional<std::uint64_t> k;
    /// Where the files stand. Those of a failure are kept there.
    std::filesystem::path folder;
    /// This program, for trials that start it again.
    std::filesystem::path program;
    /// The same, built with another SQLite.
    std::filesystem::path other;

    [[nodiscard]] std::uint64_t scaled(std::uint64_t size) const {
        const auto result = static_cast<std::uint64_t>(static_cast<double>(size) * scale);
        return result > 0 ? result : 1;
    }
};

struct Outcome {
    std::uint64_t runs = 0;
    std::uint64_t bad = 0;
    /// For the table: "reopen p99 31 ms".
    std::string figures;
    /// The first few, each with what it takes to run it again.
    std::vector<std::string> failures;

    void fail(std::string what) {
        ++bad;
        if (failures.size() < 10) failures.push_back(std::move(what));
    }
};

/// The same detector on something that does lose data: it must find that.
struct Control {
    std::string_view name;
    Outcome (*run)(const Settings&);
};

struct Trial {
    std::string_view id;
    std::string_view title;
    std::string_view target;
    Outcome (*run)(const Settings&);
    std::vector<Control> controls;
    /// Left out where there is none.
    bool needs_other = false;
};

/// In the order of the table; see trials.cpp.
const std::vector<Trial>& trials();

/// What a trial starts in a process of its own: `sqlane_soak child NAME ARGUMENT...`. The result is the exit code.
struct Child {
    std::string_view name;
    int (*run)(const std::vector<std::string>& arguments);
};
const std::vector<Child>& children();

}  // namespace soak
