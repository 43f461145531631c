#include "cli.hpp"
#include "command_tree.hpp"
#include "workplace.hpp"

#include <sqlane/version.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <iostream>

/// man(7), as `sqlane man` prints it.
namespace cli {
namespace {

struct Character {
    std::uint32_t code;
    std::size_t bytes;
};

/// Our own texts are UTF-8 that is well formed.
Character character_at(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t bytes = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    std::uint32_t code = bytes == 1 ? first : first & (0x7FU >> bytes);
    for (std::size_t i = 1; i < bytes; ++i) code = code << 6U | (static_cast<unsigned char>(text[at + i]) & 0x3FU);
    return {code, bytes};
}

/// A hyphen is a minus, which can be copied; what begins a line may be no command; and no encoding is asked for.
std::string escaped(std::string_view text) {
    std::string shown;
    bool line_begins = true;
    for (std::size_t at = 0; at < text.size();) {
        const auto [code, bytes] = character_at(text, at);
        at += bytes;
        std::array<char, 16> unicode{};
        if (code >= 0x80) std::snprintf(unicode.data(), unicode.size(), "\\[u%04X]", static_cast<unsigned>(code));
        const auto c = static_cast<char>(code);
        if (code >= 0x80)
            shown += unicode.data();
        else if (c == '\\')
            shown += "\\e";
        else if (c == '-')
            shown += "\\-";
        else
            shown += (line_begins && (c == '.' || c == '\'') ? "\\&" : "") + std::string{c};
        line_begins = c == '\n' && code < 0x80;
    }
    return shown;
}

std::string bold(std::string_view text) { return "\\fB" + escaped(text) + "\\fR"; }

std::string names_of(const OptionText& option) {
    std::string text;
    for (const auto& name : option.names) text += (text.empty() ? "" : ", ") + bold(name);
    if (option.value.empty()) return text;
    return text + (text.empty() ? "" : " ") + "\\fI" + escaped(option.value) + "\\fR";
}

std::string text_of(const OptionText& option) {
    std::string choices;
    for (const auto& choice : option.choices) choices += (choices.empty() ? "" : ", ") + choice;
    return ".TP\n" + names_of(option) + "\n" + escaped(option.what) +
           (choices.empty() ? "" : escaped(" (one of: " + choices + ")")) + "\n";
}

std::vector<std::string> paragraphs(const std::string& text) {
    std::vector<std::string> all;
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find("\n\n", begin), text.size());
        auto paragraph = text.substr(begin, end - begin);
        paragraph.erase(paragraph.find_last_not_of('\n') + 1);
        if (!paragraph.empty()) all.push_back(std::move(paragraph));
        begin = end + 2;
    }
    return all;
}

/// "Examples:" and lines below it stay lines.
std::string paragraph_text(const std::string& paragraph) {
    const auto list = paragraph.find(":\n");
    if (list == std::string::npos) return ".PP\n" + escaped(paragraph) + "\n";
    return ".PP\n" + escaped(paragraph.substr(0, list + 1)) + "\n.PP\n.nf\n" + escaped(paragraph.substr(list + 2)) +
           "\n.fi\n";
}

/// Without what the program says for all of them.
std::string footer_of(const CommandText& command, const CommandText& program) {
    const auto common = paragraphs(program.footer);
    std::string text;
    for (const auto& paragraph : paragraphs(command.footer))
        if (std::ranges::find(common, paragraph) == common.end()) text += paragraph_text(paragraph);
    return text;
}

std::string synopsis(const CommandText& command) {
    std::string text = bold("sqlane" + command.path);
    if (!command.below.empty()) return text + " \\fICOMMAND\\fR";
    for (const auto& option : command.options) {
        const bool must = option.required;
        if (option.is_place() || must) text += must ? " " + names_of(option) : " [" + names_of(option) + "]";
    }
    return text + " [\\fIOPTIONS\\fR]";
}

bool is_help(const OptionText& option) { return std::ranges::find(option.names, "--help") != option.names.end(); }

/// Told once for all commands.
std::string common_options(const std::vector<CommandText>& all) {
    std::vector<std::string> texts;
    for (const auto& command : all)
        for (const auto& option : command.options)
            if (const auto text = text_of(option); option.common && std::ranges::find(texts, text) == texts.end())
                texts.push_back(text);
    std::string text = ".PP\nMost commands also have:\n";
    for (const auto& one : texts) text += one;
    return text;
}

std::string options_of(const CommandText& command) {
    std::string text;
    std::string common;
    for (const auto& option : command.options)
        if (option.common)
            common += (common.empty() ? ".PP\nAlso " : ", ") + names_of(option);
        else if (!is_help(option))
            text += text_of(option);
    return text + (common.empty() ? "" : common + ".\n");
}

std::string section_of(const CommandText& command, const CommandText& program) {
    return ".SS " + synopsis(command) + "\n" + escaped(command.what) + ".\n" + options_of(command) +
           footer_of(command, program);
}

std::string man_page(const std::vector<CommandText>& all) {
    const auto& program = all.front();
    const auto colon = program.what.find(": ");
    std::string text = ".\\\" Made by: sqlane man\n.TH SQLANE 1 \"\" \"sqlane " + escaped(sqlane::version) +
                       "\" \"User Commands\"\n.SH NAME\nsqlane \\- " + escaped(program.what.substr(colon + 2)) +
                       "\n.SH SYNOPSIS\n" + synopsis(program) + " [\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n" +
                       escaped(program.what) + "\n";
    for (const auto& paragraph : paragraphs(program.footer)) text += paragraph_text(paragraph);
    text += ".SH OPTIONS\n";
    for (const auto& option : program.options) text += text_of(option);
    text += common_options(all) + ".SH COMMANDS\n";
    for (std::size_t i = 1; i < all.size(); ++i) text += section_of(all[i], program);
    return text;
}

int run_man(const CLI::App& program, bool json) {
    const auto page = man_page(command_tree(program));
    if (json)
        print(Json{{"page", page}});
    else
        std::cout << page;
    return done;
}

}  // namespace

Command man_command(CLI::App& app) {
    auto* man = app.add_subcommand("man", "Print the manual page");
    man->add_flag("--json")->description("Print one JSON object");
    man->footer(footer_with("man > sqlane.1\nman | man -l -"));
    return {man, [&app](bool json) { return run_man(app, json); }};
}

}  // namespace cli
