#include "driver/machine.hpp"

#include "contenders/contender.hpp"
#include "driver/context.hpp"

#include <array>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <thread>

namespace bench {
namespace {

std::string processor() {
    std::ifstream file{"/proc/cpuinfo"};
    for (std::string line; std::getline(file, line);)
        if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
    return "unknown processor";
}

std::string today() {
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%d", &parts);
    return text.data();
}

/// Of the last minute; below zero when the system does not tell.
double load() {
    std::array<double, 1> average{};
    return getloadavg(average.data(), 1) == 1 ? average[0] : -1;
}

std::string names_and_versions() {
    std::string text;
    for (const auto& kind : contenders()) text += (text.empty() ? "" : ", ") + kind.name + " " + kind.version;
    return text;
}

std::string missing() {
    std::string text;
    for (const auto& name : left_out()) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "none" : text;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> machine(const std::filesystem::path& folder) {
    return {{"date", today()},
            {"processor", processor() + ", " + std::to_string(std::thread::hardware_concurrency()) + " threads"},
            {"load before", load() < 0 ? "unknown" : in_short(load())},
            {"file system", file_system_of(folder)},
            {"compiler", "g++ " __VERSION__},
            {"contenders", names_and_versions()},
            {"left out", missing()}};
}

bool is_crowded() { return load() > std::thread::hardware_concurrency(); }

}  // namespace bench
