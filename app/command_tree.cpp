#include "command_tree.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace cli {
namespace {

/// "TEXT:{all,file}" is how CLI11 writes one of several words.
std::vector<std::string> choices_in(const std::string& type) {
    std::vector<std::string> choices;
    const auto open = type.find('{');
    const auto close = type.find('}', std::min(open, type.size()));
    if (open == std::string::npos || close == std::string::npos) return choices;
    for (auto begin = open + 1; begin < close;) {
        const auto end = std::min(type.find(',', begin), close);
        choices.push_back(type.substr(begin, end - begin));
        begin = end + 1;
    }
    return choices;
}

std::string upper(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) { return c >= 'a' && c <= 'z' ? char(c - 'a' + 'A') : c; });
    return text;
}

/// A place is called by its own name, unless its type says more than TEXT.
std::string value_of(const CLI::Option& option) {
    if (option.get_items_expected_max() == 0) return "";
    const auto type = option.get_type_name();
    const auto word = type.substr(0, type.find(':'));
    const bool says_more = word != " " && word != "TEXT" && word != "INT" && word != "FLOAT";
    return option.get_positional() && !says_more ? upper(option.get_name(true)) : word;
}

OptionText text_of(const CLI::Option& option) {
    OptionText text{.value = value_of(option),
                    .choices = choices_in(option.get_type_name()),
                    .what = option.get_description(),
                    .required = option.get_required(),
                    .common = option.get_group() == common_group};
    for (const auto& name : option.get_snames()) text.names.push_back("-" + name);
    for (const auto& name : option.get_lnames()) text.names.push_back("--" + name);
    return text;
}

void add(std::vector<CommandText>& all, const CLI::App& app, const std::string& path) {
    CommandText text{.path = path, .what = app.get_description(), .footer = app.get_footer()};
    for (const auto* option : app.get_options()) text.options.push_back(text_of(*option));
    std::ranges::stable_sort(text.options, {}, [](const OptionText& option) {
        return option.is_place() ? 0 : option.common ? 2 : 1;
    });
    const auto below = app.get_subcommands([](const CLI::App*) { return true; });
    for (const auto* verb : below) text.below.emplace_back(verb->get_name(), verb->get_description());
    all.push_back(std::move(text));
    for (const auto* verb : below) add(all, *verb, path + " " + verb->get_name());
}

}  // namespace

std::vector<CommandText> command_tree(const CLI::App& program) {
    std::vector<CommandText> all;
    add(all, program, "");
    return all;
}

}  // namespace cli
