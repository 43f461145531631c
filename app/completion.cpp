#include "cli.hpp"
#include "command_tree.hpp"
#include "workplace.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <memory>

namespace cli {
namespace {

/// For a shell, within single quotes.
std::string in_quotes(const std::string& text, std::string_view quote_within = "'\\''") {
    std::string shown = "'";
    for (const char c : text) shown += c == '\'' ? std::string{quote_within} : std::string{c};
    return shown + "'";
}

std::string joined(const std::vector<std::string>& words, const char* between) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : between) + word;
    return text;
}

/// ' part'|' part add'|...: what leads from one command to the one below.
std::string paths_pattern(const std::vector<CommandText>& all) {
    std::vector<std::string> paths;
    for (const auto& command : all)
        if (!command.path.empty()) paths.push_back(in_quotes(command.path));
    return joined(paths, "|");
}

/// A word that can come next, and what it means.
using Candidate = std::pair<std::string, std::string>;

std::vector<Candidate> candidates_of(const CommandText& command) {
    std::vector<Candidate> all = command.below;
    for (const auto& option : command.options) {
        for (const auto& name : option.names) all.emplace_back(name, option.what);
        if (!option.is_place()) continue;
        for (const auto& choice : option.choices) all.emplace_back(choice, option.what);
    }
    return all;
}

bool takes_files(const CommandText& command) {
    return std::ranges::any_of(command.options,
                               [](const OptionText& option) { return option.is_place() && option.is_file(); });
}

/// How a shell offers something, in its own language.
struct Shell {
    const char* files;
    std::string (*words)(const std::vector<Candidate>& candidates);
    const char* before;
};

/// The branches of two nested `case`: where we are, and which option the word belongs to. bash and zsh write it alike.
std::string branch_of(const CommandText& command, const Shell& shell) {
    std::string text = "        " + in_quotes(command.path) + ")\n            case " + shell.before + " in\n";
    for (const auto& option : command.options) {
        if (option.is_place() || option.value.empty()) continue;
        std::vector<Candidate> choices;
        choices.reserve(option.choices.size());
        for (const auto& choice : option.choices) choices.emplace_back(choice, "");
        const std::string offer = option.is_file() ? shell.files : choices.empty() ? "" : shell.words(choices);
        text += "                " + joined(option.names, "|") + ") " + offer + (offer.empty() ? ";;\n" : " ;;\n");
    }
    return text + "                *) " + shell.words(candidates_of(command)) +
           (takes_files(command) ? std::string{"; "} + shell.files : "") + " ;;\n            esac ;;\n";
}

std::string branches(const std::vector<CommandText>& all, const Shell& shell) {
    std::string text;
    for (const auto& command : all) text += branch_of(command, shell);
    return text;
}

std::string bash_words(const std::vector<Candidate>& candidates) {
    std::string words;
    for (const auto& candidate : candidates) words += (words.empty() ? "" : "\\n") + candidate.first;
    return "words=$'" + words + "'";
}

std::string for_bash(const std::vector<CommandText>& all) {
    return R"(# bash completion for sqlane; made by: sqlane completion bash
_sqlane() {
    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at= words= files= i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$at ${COMP_WORDS[i]}" in
            )" +
           paths_pattern(all) + R"() at+=" ${COMP_WORDS[i]}" ;;
        esac
    done
    case $at in
)" + branches(all, {"files=yes", bash_words, "$before"}) +
           R"(    esac
    local IFS=$'\n'
    COMPREPLY=()
    if [[ $files ]]; then
        compopt -o filenames 2>/dev/null
        COMPREPLY=($(compgen -f -- "$word"))
    fi
    COMPREPLY+=($(compgen -W "$words" -- "$word"))
    [[ $files ]] || COMPREPLY=("${COMPREPLY[@]// /\\ }")
}
complete -F _sqlane sqlane
)";
}

std::string zsh_words(const std::vector<Candidate>& candidates) {
    std::string words;
    for (auto [word, what] : candidates) {
        for (auto colon = what.find(':'); colon != std::string::npos; colon = what.find(':', colon + 2))
            what.insert(colon, "\\");
        if (!what.empty()) word.append(":").append(what);
        words += (words.empty() ? "" : " ") + in_quotes(word);
    }
    return "candidates=(" + words + "); _describe word candidates";
}

std::string for_zsh(const std::vector<CommandText>& all) {
    return R"(#compdef sqlane
# zsh completion for sqlane; made by: sqlane completion zsh
_sqlane() {
    local at='' i
    local -a candidates
    for ((i = 2; i < CURRENT; i++)); do
        case "$at ${words[i]}" in
            ()" +
           paths_pattern(all) + R"() at+=" ${words[i]}" ;;
        esac
    done
    case "$at" in
)" + branches(all, {"_files", zsh_words, "\"${words[CURRENT-1]}\""}) +
           R"(    esac
}
if [ "$funcstack[1]" = _sqlane ]; then _sqlane "$@"; else compdef _sqlane sqlane; fi
)";
}

// ---- fish ----

std::string fish_quotes(const std::string& text) { return in_quotes(text, "\\'"); }

std::string fish_line(const CommandText& command, const std::string& rest, const std::string& what) {
    return "complete -c sqlane -n " + fish_quotes("__sqlane_at \"" + command.path + "\"") + rest +
           (what.empty() ? "" : " -d " + fish_quotes(what)) + "\n";
}

std::string fish_values(const OptionText& option) {
    if (option.value.empty()) return "";
    if (option.is_file()) return " -r -F";
    std::string words;
    for (const auto& choice : option.choices) words += (words.empty() ? "" : " ") + ("\"" + choice + "\"");
    return words.empty() ? " -x" : " -x -a " + fish_quotes(words);
}

std::string fish_option(const CommandText& command, const OptionText& option) {
    if (option.is_place()) {
        const auto values = fish_values(option);
        return option.is_file() || !option.choices.empty()
                   ? fish_line(command, option.is_file() ? " -F" : values.substr(std::string_view{" -x"}.size()), "")
                   : "";
    }
    std::string names;
    for (const auto& name : option.names)
        names += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
    return fish_line(command, names + fish_values(option), option.what);
}

std::string for_fish(const std::vector<CommandText>& all) {
    std::string paths;
    for (const auto& command : all)
        if (!command.path.empty()) paths += " " + fish_quotes(command.path);
    std::string text = R"(# fish completion for sqlane; made by: sqlane completion fish
function __sqlane_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        if contains -- "$at $word")" +
                       paths + R"(
            set at "$at $word"
        end
    end
    test "$at" = "$argv[1]"
end
complete -c sqlane -f
)";
    for (const auto& command : all) {
        for (const auto& [name, what] : command.below) text += fish_line(command, " -a " + fish_quotes(name), what);
        for (const auto& option : command.options) text += fish_option(command, option);
    }
    return text;
}

int run_completion(const CLI::App& program, const std::string& shell, bool json) {
    const auto all = command_tree(program);
    const auto script = shell == "bash" ? for_bash(all) : shell == "zsh" ? for_zsh(all) : for_fish(all);
    if (json)
        print(Json{{"shell", shell}, {"script", script}});
    else
        std::cout << script;
    return done;
}

}  // namespace

Command completion_command(CLI::App& app) {
    auto* completion = app.add_subcommand("completion", "Print a script that completes commands in a shell");
    const auto shell = std::make_shared<std::string>();
    completion->add_option("shell", *shell, "Which")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
    completion->add_flag("--json")->description("Print one JSON object");
    completion->footer(
        footer_with("completion bash > ~/.local/share/bash-completion/completions/sqlane\n"
                    "completion zsh > ~/.zfunc/_sqlane\n"
                    "completion fish > ~/.config/fish/completions/sqlane.fish"));
    return {completion, [&app, shell](bool json) { return run_completion(app, *shell, json); }};
}

}  // namespace cli
