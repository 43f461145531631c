#pragma once

#include "trial.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

/// Runs of a trial in a process of their own, because a crash or a hang of one must not end the trial.
namespace soak {

/// What a child says of its runs, line by line in a file, so that it is known wherever the child ended.
class Diary {
public:
    explicit Diary(const std::filesystem::path& file);
    Diary(const Diary&) = delete;
    Diary& operator=(const Diary&) = delete;
    ~Diary();

    /// Before each; the child is killed when the next word is too long in coming.
    void begin(std::uint64_t run) const;
    void bad(std::uint64_t run, const std::string& what) const;

private:
    void write(const std::string& line) const;

    int file_;
};

/// Starts this program as `child NAME ARGUMENT... FROM DIARY`, again from the next run on whenever it ends too early.
void run_in_children(const Settings& settings, const std::vector<std::string>& arguments, std::uint64_t from,
                     const std::string& described_as, Outcome& outcome);

}  // namespace soak
