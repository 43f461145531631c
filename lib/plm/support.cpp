#include "support.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace plm {
namespace {

/// How many bytes the well-formed character at the front has, 0 when there is none.
/// The table of https://www.unicode.org/versions/Unicode15.0.0/ch03.pdf, 3-7: no long forms, no surrogates.
std::size_t character_bytes(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto follows = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(1, 0x80, 0xBF) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const bool good =
            follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF) && follows(2, 0x80, 0xBF);
        return good ? 3 : 0;
    }
    if (first < 0xF0 || first > 0xF4) return 0;
    const bool good = follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF) && follows(2, 0x80, 0xBF) &&
                      follows(3, 0x80, 0xBF);
    return good ? 4 : 0;
}

/// How many characters of ASCII are at the front, in steps of eight: nearly all of them are.
std::size_t ascii_bytes(std::string_view text) {
    constexpr std::uint64_t high_bits = 0x8080'8080'8080'8080;
    std::size_t count = 0;
    for (std::uint64_t eight = 0; count + sizeof eight <= text.size(); count += sizeof eight) {
        std::memcpy(&eight, text.data() + count, sizeof eight);
        if ((eight & high_bits) != 0) break;
    }
    return count;
}

}  // namespace

bool is_utf8(std::string_view text) {
    for (text.remove_prefix(ascii_bytes(text)); !text.empty();) {
        const auto bytes = character_bytes(text);
        if (bytes == 0) return false;
        text.remove_prefix(bytes);
    }
    return true;
}

std::string trimmed(std::string_view text) {
    constexpr std::string_view space = " \t\r\n";
    const auto first = text.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return std::string{text.substr(first, text.find_last_not_of(space) - first + 1)};
}

void require_readable(const std::string& field, std::string_view text) {
    const auto is_control = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
    };
    if (std::ranges::any_of(text, is_control)) throw InvalidValue{field, "holds a control character; remove it"};
    if (!is_utf8(text)) throw InvalidValue{field, "is no UTF-8; convert it"};
}

void require_text(const std::string& field, std::string_view text) {
    if (trimmed(text).empty()) throw InvalidValue{field, "must not be empty"};
    require_readable(field, text);
}

/// A number above it does not move the sequence, which one from elsewhere could otherwise use up.
constexpr std::int64_t highest_value = 999'999'999'999'999;

std::optional<std::int64_t> value_in(std::string_view number) {
    const auto digits = number.substr(number.find_last_not_of("0123456789") + 1);
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || value > highest_value) return {};
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
