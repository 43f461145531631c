#include "support.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <tuple>

namespace plm {

std::string trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return std::string{text.substr(first, text.find_last_not_of(space) - first + 1)};
}

void require_text(const std::string& field, std::string_view text) {
    if (trimmed(text).empty()) throw InvalidValue{field, "must not be empty"};
    const bool control = std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t'; });
    if (control) throw InvalidValue{field, "holds a control character; remove it"};
}

std::optional<std::int64_t> value_in(std::string_view number) {
    const auto digits = number.substr(number.find_last_not_of("0123456789") + 1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || value == std::numeric_limits<std::int64_t>::max()) return {};
    return value;
}

std::string number_of(sqlane::Reader& r, PartId id) {
    auto number = r.maybe<std::string>("SELECT number FROM Parts WHERE part_id = ?", id);
    if (!number) throw NotFound{"part", "with id " + std::to_string(id.value)};
    return *std::move(number);
}

std::string title_of(sqlane::Reader& r, RevisionId id) {
    auto title = r.maybe<std::string>(
        "SELECT number || ' rev ' || label FROM Revisions JOIN Parts USING (part_id) WHERE revision_id = ?", id);
    if (!title) throw NotFound{"revision", "with id " + std::to_string(id.value)};
    return *std::move(title);
}

void require_unlocked(sqlane::Reader& r, PartId id) {
    if (!r.maybe<int>("SELECT 1 FROM LockedParts WHERE part_id = ?", id)) return;
    throw Locked{number_of(r, id) + " is locked: its newest revision is no draft; make a new revision to change it"};
}

void require_draft(sqlane::Reader& r, RevisionId id) {
    const auto state = r.maybe<State>("SELECT state FROM Revisions WHERE revision_id = ?", id);
    if (!state) throw NotFound{"revision", "with id " + std::to_string(id.value)};
    if (*state == State::draft) return;
    throw Locked{title_of(r, id) + " is locked: it is " + std::string{to_text(*state)} +
                 (*state == State::in_review ? "; withdraw it to change it" : "; make a new revision to change it")};
}

}  // namespace plm
