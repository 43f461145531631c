#include "domain_text.hpp"

#include <algorithm>
#include <iostream>

namespace cli {
namespace {

struct Arguments : CommonOptions {
    std::string number;
};

struct Entry {
    plm::HistoryEntry entry;
    /// "EL-RES-10000" or "EL-RES-10000@1".
    std::string about;
};

void add_entries(std::vector<Entry>& all, std::vector<plm::HistoryEntry> entries, const std::string& about) {
    for (auto& entry : entries) all.push_back({std::move(entry), about});
}

/// Of the part with its revisions, or of the revision that was named.
std::vector<Entry> entries_of(Workplace& workplace, const std::string& reference) {
    const auto [part, named] = workplace.part_or_revision(reference);
    std::vector<Entry> all;
    if (!named) add_entries(all, workplace->history().of(part.id), part.number);
    for (const auto& revision : workplace->revisions().list(part.id))
        if (!named || revision.id == named->id)
            add_entries(all, workplace->history().of(revision.id), workplace.title_of(revision));
    std::ranges::sort(all, {}, [](const Entry& one) { return one.entry.id; });
    return all;
}

Json to_json(Workplace& workplace, const Entry& one) {
    const auto& entry = one.entry;
    return {{"at", iso_time(entry.at)},    {"by", entry.by ? Json(workplace.name_of(*entry.by)) : Json(nullptr)},
            {"about", one.about},          {"action", entry.action},
            {"from", as_json(entry.from)}, {"to", as_json(entry.to)}};
}

std::vector<std::string> row_of(Workplace& workplace, const Entry& one) {
    const auto& entry = one.entry;
    return {shown_time(entry.at),    printable(workplace.name_of(entry.by)), printable(one.about),
            printable(entry.action), printable(entry.from.value_or("")),     printable(entry.to.value_or(""))};
}

int run_history(Workplace& workplace, const Arguments& arguments, bool json) {
    Rows rows{{"at (UTC)", "by", "about", "what", "from", "to"}};
    Json list = Json::array();
    for (const auto& one : entries_of(workplace, arguments.number)) {
        rows.push_back(row_of(workplace, one));
        list.push_back(to_json(workplace, one));
    }
    if (json)
        print(Json{{"number", arguments.number}, {"history", list}});
    else
        std::cout << table(rows, "llllll");
    return done;
}

}  // namespace

Command history_command(CLI::App& app) {
    auto* history = app.add_subcommand("history", "Show who changed what of a part, and when");
    const auto arguments = std::make_shared<Arguments>();
    add_common_options(*history, *arguments, "history AS-10002\nhistory AS-10002@1 --json");
    history->add_option("number", arguments->number, "NUMBER with all its revisions, or NUMBER@LABEL")
        ->required()
        ->type_name("NUMBER");
    return {history, in_workplace(arguments, run_history)};
}

}  // namespace cli
