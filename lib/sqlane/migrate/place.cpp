#include "migrate/place.hpp"

#include <algorithm>
#include <string_view>

namespace sqlane::detail {
namespace {

/// Of UTF-8: every byte but the continuation bytes begins one.
std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// As wide as the text: tabs stay tabs, so that the caret stands below its character however wide they are shown.
std::string blanks_for(std::string_view text) {
    std::string blanks;
    for (const char c : text)
        if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) blanks += c == '\t' ? '\t' : ' ';
    return blanks;
}

}  // namespace

MigrationPlace place_in(const Migration& migration, std::size_t offset) {
    const std::string_view text = migration.text;
    offset = std::min(offset, text.size());
    const auto before = text.substr(0, offset);
    const auto line_start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
    const auto line_end = std::min(text.find('\n', offset), text.size());
    const auto in_line = text.substr(line_start, offset - line_start);
    MigrationPlace place;
    place.file = migration.file;
    place.line = static_cast<int>(std::ranges::count(before, '\n')) + 1;
    place.column = static_cast<int>(characters(in_line)) + 1;
    place.excerpt = std::string{text.substr(line_start, line_end - line_start)} + "\n" + blanks_for(in_line) + "^";
    std::ranges::replace(place.excerpt, '\0', ' ');  // where a C string would end
    return place;
}

std::string place_text(const MigrationPlace& place) {
    return place.file + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

}  // namespace sqlane::detail
