#include <plm/history_manager.hpp>
#include <plm/part_manager.hpp>
#include <plm/property_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

template <>
struct sqlane::RowReader<plm::Property> {
    static plm::Property read(const Row& row) {
        return {
            .key = row.get<std::string>(0), .type = row.get<plm::PropertyType>(1), .value = row.get<std::string>(2)};
    }
};

namespace plm {
namespace {

/// The columns of the owner: one of them is NULL.
struct OwnerColumns {
    std::optional<PartId> part;
    std::optional<RevisionId> revision;
};

OwnerColumns columns_of(const PropertyOwner& owner) {
    if (const auto* part = std::get_if<PartId>(&owner)) return {*part, {}};
    return {{}, std::get<RevisionId>(owner)};
}

std::string title_of(sqlane::Reader& r, const PropertyOwner& owner) {
    if (const auto* part = std::get_if<PartId>(&owner)) return number_of(r, *part);
    return plm::title_of(r, std::get<RevisionId>(owner));
}

void require_editable(sqlane::Reader& r, const PropertyOwner& owner) {
    static_cast<void>(title_of(r, owner));
    if (const auto* part = std::get_if<PartId>(&owner))
        require_unlocked(r, *part);
    else
        plm::require_draft(r, std::get<RevisionId>(owner));
}

template <class T>
std::optional<T> parsed(const std::string& text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return value;
}

std::optional<std::string> float_text(const std::string& text) {
    const auto value = parsed<double>(text);
    if (!value || !std::isfinite(*value)) return {};
    std::array<char, 32> buffer{};
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), *value);
    return std::string{buffer.data(), result.ptr};
}

/// YYYY-MM-DD, and a day that the calendar has.
bool is_date(const std::string& text) {
    const auto is_digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
    if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (i != 4 && i != 7 && !is_digit(i)) return false;
    const auto number = [&](std::size_t at, std::size_t size) { return std::stoi(text.substr(at, size)); };
    return std::chrono::year_month_day{std::chrono::year{number(0, 4)},
                                       std::chrono::month{static_cast<unsigned>(number(5, 2))},
                                       std::chrono::day{static_cast<unsigned>(number(8, 2))}}
        .ok();
}

bool is_url(const std::string& text) {
    const auto colon = text.find("://");
    if (colon == std::string::npos || colon == 0 || colon + 3 == text.size()) return false;
    const auto scheme = std::string_view{text}.substr(0, colon);
    const bool good_scheme =
        std::isalpha(static_cast<unsigned char>(scheme.front())) != 0 && std::ranges::all_of(scheme, [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
        });
    return good_scheme &&
           std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; });
}

/// The one form that a value of the type has; nothing when it is none.
std::optional<std::string> normalised(sqlane::Reader& r, PropertyType type, const std::string& text) {
    const auto if_good = [&](bool good) { return good ? std::optional{text} : std::nullopt; };
    switch (type) {
        case PropertyType::string: return text;
        case PropertyType::integer:
            if (const auto value = parsed<std::int64_t>(text)) return std::to_string(*value);
            return {};
        case PropertyType::floating: return float_text(text);
        case PropertyType::boolean: return if_good(text == "true" || text == "false");
        case PropertyType::date: return if_good(is_date(text));
        case PropertyType::url: return if_good(is_url(text));
        case PropertyType::json: return if_good(r.one<bool>("SELECT json_valid(?)", text));
    }
    return {};
}

const char* example_of(PropertyType type) {
    switch (type) {
        case PropertyType::string: return "text";
        case PropertyType::integer: return "4700";
        case PropertyType::floating: return "4.7e3";
        case PropertyType::boolean: return "true or false";
        case PropertyType::date: return "2026-01-31";
        case PropertyType::url: return "https://example.com/part";
        case PropertyType::json: return "{\"width\": 2}";
    }
    return "";
}

std::optional<Property> read(sqlane::Reader& r, const PropertyOwner& owner, std::string_view key) {
    const auto [part, revision] = columns_of(owner);
    return r.maybe<Property>(
        "SELECT key, type, value FROM Properties WHERE part_id IS ? AND revision_id IS ? AND key = ?", part, revision,
        key);
}

/// The words of a part are searched for; those of its revisions are not.
void after_change(sqlane::ConnectionManager& db, const PropertyOwner& owner, const Actor& by, std::string_view key,
                  const std::optional<std::string>& from, const std::optional<std::string>& to) {
    const auto [part, revision] = columns_of(owner);
    if (part) PartManager{db}.index(*part);
    HistoryManager{db}.record(by, part ? Subject::part : Subject::revision, part ? part->value : revision->value,
                              "property " + std::string{key}, from, to);
}

}  // namespace

void PropertyManager::set(const PropertyOwner& owner, const Property& property, const Actor& by) const {
    require_text("key", property.key);
    require_readable(property.key, property.value);
    db_.transaction([&](sqlane::Transaction& tx) {
        require_editable(tx, owner);
        const auto value = normalised(tx, property.type, property.value);
        if (!value)
            throw InvalidValue{property.key, "'" + property.value + "' is no " + std::string{to_text(property.type)} +
                                                 "; wanted, for example, " + example_of(property.type)};
        const auto before = read(tx, owner, property.key);
        const auto [part, revision] = columns_of(owner);
        if (before)
            tx.run("UPDATE Properties SET type = ?, value = ? WHERE part_id IS ? AND revision_id IS ? AND key = ?",
                   property.type, *value, part, revision, property.key);
        else
            tx.run("INSERT INTO Properties(part_id, revision_id, key, type, value) VALUES (?, ?, ?, ?, ?)", part,
                   revision, property.key, property.type, *value);
        after_change(db_, owner, by, property.key, before ? std::optional{before->value} : std::nullopt, value);
    });
}

void PropertyManager::remove(const PropertyOwner& owner, std::string_view key, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        require_editable(tx, owner);
        const auto before = get(owner, key);
        const auto [part, revision] = columns_of(owner);
        tx.run("DELETE FROM Properties WHERE part_id IS ? AND revision_id IS ? AND key = ?", part, revision, key);
        after_change(db_, owner, by, key, before.value, {});
    });
}

Property PropertyManager::get(const PropertyOwner& owner, std::string_view key) const {
    return db_.execute([&](sqlane::Reader& r) {
        auto property = read(r, owner, key);
        if (!property) throw NotFound{"property", "'" + std::string{key} + "' of " + title_of(r, owner)};
        return *std::move(property);
    });
}

std::vector<Property> PropertyManager::list(const PropertyOwner& owner) const {
    return db_.execute([&](sqlane::Reader& r) {
        const auto [part, revision] = columns_of(owner);
        return r.all<Property>(
            "SELECT key, type, value FROM Properties WHERE part_id IS ? AND revision_id IS ? ORDER BY key", part,
            revision);
    });
}

}  // namespace plm
