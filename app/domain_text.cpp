#include "domain_text.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <iostream>

namespace cli {
namespace {

std::string written(plm::Time time, char between, const char* end) {
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss clock{time - day};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u%c%02d:%02d:%02d%s", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), between,
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()), end);
    return text.data();
}

}  // namespace

std::string iso_time(plm::Time time) { return written(time, 'T', "Z"); }

std::string shown_time(plm::Time time) { return written(time, ' ', ""); }

Json as_json(const std::optional<plm::Time>& time) { return time ? Json(iso_time(*time)) : Json(nullptr); }

Json as_json(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

Json as_json(const plm::Part& part) {
    return {{"number", part.number},
            {"category", part.category},
            {"subcategory", as_json(part.subcategory)},
            {"name", part.name},
            {"description", part.description},
            {"version", part.version},
            {"retired", as_json(part.retired)},
            {"created", iso_time(part.created)},
            {"modified", iso_time(part.modified)}};
}

Json as_json(Workplace& workplace, const plm::Revision& revision) {
    return {{"number", workplace.number_of(revision.part)}, {"label", revision.label},
            {"state", plm::to_text(revision.state)},        {"author", workplace.name_of(revision.author)},
            {"change_note", revision.change_note},          {"created", iso_time(revision.created)},
            {"modified", iso_time(revision.modified)},      {"released", as_json(revision.released)}};
}

Json as_json(Workplace& workplace, const plm::BomLine& line) {
    return {{"number", workplace.number_of(line.child)},
            {"pinned", line.pinned ? Json(workplace.label_of(line.pinned)) : Json(nullptr)},
            {"quantity", to_string(line.quantity)},
            {"unit", line.unit},
            {"find", line.find_number ? Json(*line.find_number) : Json(nullptr)},
            {"designators", line.designators},
            {"note", line.note}};
}

Json as_json(const std::vector<plm::Part>& parts) {
    Json list = Json::array();
    for (const auto& part : parts) list.push_back(as_json(part));
    return list;
}

std::string parts_table(const std::vector<plm::Part>& parts) {
    Rows rows{{"number", "name", "description", "changed (UTC)"}};
    for (const auto& part : parts)
        rows.push_back({printable(part.number), printable(part.name) + (part.retired ? " (retired)" : ""),
                        printable(part.description), shown_time(part.modified)});
    return table(rows, "llll");
}

std::string revisions_table(Workplace& workplace, const std::vector<plm::Revision>& revisions) {
    Rows rows{{"revision", "state", "author", "created (UTC)", "released (UTC)", "note"}};
    for (const auto& revision : revisions)
        rows.push_back({revision.label, std::string{plm::to_text(revision.state)},
                        printable(workplace.name_of(revision.author)), shown_time(revision.created),
                        revision.released ? shown_time(*revision.released) : "", printable(revision.change_note)});
    return table(rows, "llllll");
}

void print_warnings(const std::vector<std::string>& warnings) {
    for (const auto& warning : warnings) std::cerr << "sqlane: warning: " << printable(warning) << '\n';
}

CategoryCode category_code(const std::string& text) {
    const auto dash = text.find('-');
    if (dash == std::string::npos) return {text, {}};
    return {text.substr(0, dash), text.substr(dash + 1)};
}

}  // namespace cli
