#pragma once

#include <string>
#include <utility>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own
class App;
}

/// The commands and options as the program itself knows them, for what is written about them.
namespace cli {

/// Of the options that many commands have, and that come last.
inline constexpr const char* common_group = "Common options";

struct OptionText {
    /// "-y", "--yes"; none for what is told by its place.
    std::vector<std::string> names;
    /// What stands for the value: "FILE"; empty for a flag.
    std::string value;
    /// All that the value can be; empty when it can be anything.
    std::vector<std::string> choices;
    std::string what;
    bool required = false;
    bool common = false;

    [[nodiscard]] bool is_place() const { return names.empty(); }
    [[nodiscard]] bool is_file() const { return value == "FILE" || value == "FOLDER"; }
};

struct CommandText {
    /// " part add": each word after a space; empty for the program itself.
    std::string path;
    std::string what;
    std::string footer;
    /// Places, then options, then common options.
    std::vector<OptionText> options;
    /// Name and description.
    std::vector<std::pair<std::string, std::string>> below;
};

/// The program itself, then each command followed by its verbs.
std::vector<CommandText> command_tree(const CLI::App& program);

}  // namespace cli
