#pragma once

#include "contenders/contender.hpp"
#include "driver/results.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Settings {
    std::filesystem::path folder;
    std::vector<std::string> only;
    int rounds = 5;
    double seconds = 2;
    /// Of B4 and B5, whose worst moments are looked for in long runs and not in many.
    int long_rounds = 3;
    double wal_seconds = 8;
    std::int64_t import_rows = 1'000'000;
    std::int64_t largest = 1'000'000;
    /// Of the rows that are read in B1 to B7.
    std::int64_t items = 100'000;
    bool quick = false;
};

/// The folder that the databases stand in, gone with the run. Makes each of them anew.
class Files {
public:
    explicit Files(const std::filesystem::path& folder);
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;
    ~Files();

    [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
    /// A database with the tables and `items` rows; the one before is gone.
    std::filesystem::path fresh(std::int64_t items);
    /// A name under which there is no file.
    std::filesystem::path none(const std::string& name);

private:
    std::filesystem::path folder_;
};

/// "ext4".
[[nodiscard]] std::string file_system_of(const std::filesystem::path& folder);

/// One line that is written over, where somebody looks; nothing takes it away.
void show_progress(const std::string& text);

/// What a workload is given.
struct Context {
    const Settings& settings;
    Files& files;
    Results& results;

    /// Each contender in turn, A B C A B C, on a file of its own.
    void each_turn(std::string_view workload, std::string_view scenario, Durability durability, int rounds,
                   const std::function<void(const Kind&, Contender&, const std::filesystem::path&)>& body);
};

}  // namespace bench
