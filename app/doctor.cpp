#include "cli.hpp"
#include "examination.hpp"
#include "examined_file.hpp"
#include "sqlite_bugs.hpp"

#include <sqlane/connection_manager.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>

namespace cli {
namespace {

using std::chrono::seconds;

struct Option {
    std::string name;
    std::string value;
    std::string variable;
};

/// The library prints them as "name = value  (VARIABLE)".
std::vector<Option> options_in_force(const sqlane::Options& options) {
    std::vector<Option> list;
    std::istringstream lines{sqlane::to_string(options)};
    Option option;
    std::string equals;
    while (lines >> option.name >> equals >> option.value >> option.variable) {
        option.variable = option.variable.substr(1, option.variable.size() - 2);
        list.push_back(option);
    }
    return list;
}

struct Diagnosis {
    const ExaminedFile& file;
    Examination found;
    std::vector<Option> options;

    [[nodiscard]] bool healthy() const { return found.problems.empty(); }
};

const char* journal_name(const ExaminedFile& file) {
    switch (file.journal()) {
        case ExaminedFile::Journal::wal: return "wal";
        case ExaminedFile::Journal::rollback: return "rollback";
        case ExaminedFile::Journal::none: return "none yet";
    }
    return "?";
}

std::string why_copied(const ExaminedFile& file) {
    if (file.size() == 0) return "opening an empty file makes it a database";
    if (file.rollback_journal_bytes() > 0) return "opening the file would roll back what its -journal holds";
    if (file.log_bytes() > 0) return "opening and closing the file would end its -wal";
    return "opening the file would give it a write-ahead log";
}

// ---- for people ----

using Rows = std::vector<std::vector<std::string>>;

void print_section(const std::string& title, const std::string& lines) {
    std::cout << '\n' << paint(Paint::bold, title) << '\n' << lines;
}

void print_file(const Diagnosis& d) {
    const auto& found = d.found;
    std::cout << paint(Paint::bold, printable(d.file.path().filename().string())) << '\n';
    Rows rows{
        {"path", printable(d.file.path().string())},
        {"size", bytes(d.file.size())},
        {"pages", number(found.pages) + " of " + bytes(found.page_size)},
        {"free pages", number(found.free_pages) + " (" +
                           percent(static_cast<double>(found.free_pages), static_cast<double>(found.pages)) + ")"},
        {"journal mode", journal_name(d.file)},
        {"-wal", d.file.log_bytes() == 0 ? "empty" : bytes(d.file.log_bytes())},
        {"encoding", found.encoding},
        {"user_version", std::to_string(found.user_version)},
        {"application_id", std::to_string(found.application_id)}};
    if (d.file.is_copy()) rows.push_back({"examined", "a copy, because " + why_copied(d.file)});
    std::cout << table(rows, "ll");
}

void print_tables(const Examination& found) {
    Rows rows;
    for (const auto& entry : found.tables)
        rows.push_back({printable(entry.name), entry.rows ? number(*entry.rows) : "unreadable"});
    auto lines = table(rows, "lr");
    if (found.all_tables > found.tables.size())
        lines += "  … and " + number(found.all_tables - found.tables.size()) + " more\n";
    if (found.views + found.virtual_tables > 0)
        lines += "  and " + counted(found.views, "view") + ", " + counted(found.virtual_tables, "virtual table") + '\n';
    print_section("tables and rows", lines.empty() ? "  none\n" : lines);
}

std::string quick_check_lines(const Examination& found) {
    if (found.quick_check.empty()) return "  quick_check        could not run\n";
    if (found.pages_are_whole()) return "  quick_check        ok\n";
    std::string lines = "  quick_check\n";
    for (const auto& message : found.quick_check) {
        std::istringstream parts{message};
        for (std::string line; std::getline(parts, line);) lines += "    " + printable(line) + '\n';
    }
    if (found.quick_check.size() >= quick_check_limit) lines += "    (SQLite stops looking here)\n";
    return lines;
}

std::string foreign_key_lines(const Examination& found) {
    if (!found.foreign_keys_checked) return "  foreign_key_check  could not run\n";
    if (found.all_orphans == 0) return "  foreign_key_check  ok\n";
    Rows rows;
    for (const auto& orphan : found.orphans)
        rows.push_back({"", printable(orphan.table), orphan.rowid ? "row " + std::to_string(*orphan.rowid) : "a row",
                        "refers to a row of " + printable(orphan.parent) + " that is not there"});
    auto lines = "  foreign_key_check\n" + table(rows, "llrl");
    if (found.all_orphans > found.orphans.size())
        lines += "    … and " + number(found.all_orphans - found.orphans.size()) + " more\n";
    return lines;
}

void print_sqlite(const Examination& found) {
    Rows rows;
    for (const auto& bug : sqlite_bugs(found.sqlite_version))
        rows.push_back({bug.name, bug.present ? std::string{"has it (fixed in "} + bug.fixed_in +
                                                    "); worked around: " + bug.workaround
                                              : "does not have it"});
    print_section("SQLite library " + found.sqlite_version + " and the two bugs that lose commits", table(rows, "ll"));
}

void print_options(const std::vector<Option>& options) {
    Rows rows;
    for (const auto& option : options) rows.push_back({option.name, option.value, paint(Paint::dim, option.variable)});
    print_section("options in force", table(rows, "lrl"));
}

void print_verdict(const Diagnosis& d) {
    if (d.healthy()) {
        std::cout << '\n' << paint(Paint::good, "healthy") << '\n';
        return;
    }
    std::cout << '\n' << paint(Paint::bad, "not healthy: " + counted(d.found.problems.size(), "problem")) << '\n';
    std::string last;
    for (const auto& problem : d.found.problems) {
        std::cout << "  " << printable(problem.what) << '\n';
        if (!problem.advice.empty() && problem.advice != last) std::cout << "    " << problem.advice << '\n';
        last = problem.advice;
    }
}

void print_text(const Diagnosis& d) {
    print_file(d);
    print_tables(d.found);
    print_section("checks", quick_check_lines(d.found) + foreign_key_lines(d.found));
    print_sqlite(d.found);
    print_options(d.options);
    print_verdict(d);
}

// ---- for programs ----

Json null_or(const std::optional<std::int64_t>& value) { return value ? Json(*value) : Json(nullptr); }

Json tables_json(const Examination& found) {
    auto list = Json::array();
    for (const auto& entry : found.tables) list.push_back({{"name", entry.name}, {"rows", null_or(entry.rows)}});
    return {{"count", found.all_tables},
            {"listed", std::move(list)},
            {"views", found.views},
            {"virtual_tables", found.virtual_tables}};
}

Json foreign_keys_json(const Examination& found) {
    auto list = Json::array();
    for (const auto& orphan : found.orphans)
        list.push_back({{"table", orphan.table}, {"rowid", null_or(orphan.rowid)}, {"parent", orphan.parent}});
    return {{"checked", found.foreign_keys_checked}, {"violations", found.all_orphans}, {"listed", std::move(list)}};
}

Json sqlite_json(const Examination& found) {
    auto list = Json::array();
    for (const auto& bug : sqlite_bugs(found.sqlite_version))
        list.push_back({{"name", bug.name},
                        {"present", bug.present},
                        {"fixed_in", bug.fixed_in},
                        {"harm", bug.harm},
                        {"workaround", bug.workaround}});
    return {{"version", found.sqlite_version}, {"bugs", std::move(list)}};
}

Json problems_json(const Examination& found) {
    auto list = Json::array();
    for (const auto& problem : found.problems) list.push_back({{"problem", problem.what}, {"advice", problem.advice}});
    return list;
}

Json to_json(const Diagnosis& d) {
    Json options;
    for (const auto& option : d.options) options[option.name] = option.value;
    return {{"path", d.file.path().string()},
            {"examined", d.file.is_copy() ? "copy" : "file"},
            {"bytes", d.file.size()},
            {"page_size", d.found.page_size},
            {"pages", d.found.pages},
            {"free_pages", d.found.free_pages},
            {"journal_mode", journal_name(d.file)},
            {"wal_bytes", d.file.log_bytes()},
            {"journal_bytes", d.file.rollback_journal_bytes()},
            {"encoding", d.found.encoding},
            {"user_version", d.found.user_version},
            {"application_id", d.found.application_id},
            {"tables", tables_json(d.found)},
            {"quick_check", d.found.quick_check},
            {"foreign_key_check", foreign_keys_json(d.found)},
            {"sqlite", sqlite_json(d.found)},
            {"options", std::move(options)},
            {"healthy", d.healthy()},
            {"problems", problems_json(d.found)}};
}

sqlane::Options doctor_options() {
    // Somebody waits for the answer: 30 seconds, right for a program, are long for a person.
    auto options = options_from_environment({.timeout = seconds{5}});
    options.on_warning = {};  // that a handle met damage and was replaced is no news here
    return options;
}

Diagnosis diagnose(const ExaminedFile& file, const sqlane::Options& options, const std::stop_token& stop) {
    sqlane::ConnectionManager db{file.opened(), options};
    Diagnosis diagnosis{file, examine(db, stop), options_in_force(db.options())};
    if (file.size() == 0) diagnosis.found.pages = 0;  // the copy has its first page by now
    return diagnosis;
}

int run_doctor(const std::string& path, bool json) {
    const auto options = doctor_options();
    const StopOnInterrupt interrupt;
    const ExaminedFile file{path};
    const auto diagnosis = diagnose(file, options, interrupt.token());
    if (json)
        print(to_json(diagnosis));
    else
        print_text(diagnosis);
    return diagnosis.healthy() ? done : failed;
}

}  // namespace

Command doctor_command(CLI::App& app) {
    auto* command = app.add_subcommand("doctor", "Examine a database and tell what is wrong with it; changes nothing");
    const auto path = std::make_shared<std::string>();
    command->add_option("FILE", *path, "The database; it is never created nor changed")->required()->type_name(" ");
    command->add_flag("--json")->description("Print one JSON object");
    command->footer(
        "Examples:\n  sqlane doctor parts.db\n  sqlane doctor --json parts.db | jq .problems\n\n"
        "Exit codes: 0 healthy, 1 not healthy or not readable, 2 not used correctly.\n");
    return {command, [path](bool json) { return run_doctor(*path, json); }};
}

}  // namespace cli
