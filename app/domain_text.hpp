#pragma once

#include "workplace.hpp"

#include <CLI/CLI.hpp>

#include <string>
#include <string_view>
#include <vector>

/// The domain in words and in JSON: numbers and labels, never ids.
namespace cli {

using Rows = std::vector<std::vector<std::string>>;

/// "2026-01-31T12:00:00Z".
std::string iso_time(plm::Time time);
/// "2026-01-31 12:00:00", for columns that say UTC.
std::string shown_time(plm::Time time);
Json as_json(const std::optional<plm::Time>& time);
/// Null where there is nothing.
Json as_json(const std::optional<std::string>& text);

Json as_json(const plm::Part& part);
Json as_json(Workplace& workplace, const plm::Revision& revision);
Json as_json(Workplace& workplace, const plm::BomLine& line);
Json as_json(const std::vector<plm::Part>& parts);

std::string parts_table(const std::vector<plm::Part>& parts);
std::string revisions_table(Workplace& workplace, const std::vector<plm::Revision>& revisions);

/// On stderr, for people: JSON has them in the object.
void print_warnings(const std::vector<std::string>& warnings);

/// "EL-RES" is subcategory RES of category EL.
struct CategoryCode {
    std::string category;
    std::optional<std::string> subcategory;
};
CategoryCode category_code(const std::string& text);

/// What the texts of the enum are, however the user writes them.
template <plm::TextEnum E>
CLI::Validator one_of() {
    const auto& texts = plm::EnumText<E>::texts;
    return CLI::IsMember{std::vector<std::string>{texts.begin(), texts.end()}, CLI::ignore_case};
}

}  // namespace cli
