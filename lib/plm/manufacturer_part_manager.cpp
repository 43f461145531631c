#include <plm/history_manager.hpp>
#include <plm/manufacturer_part_manager.hpp>
#include <plm/part_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

template <>
struct sqlane::RowReader<plm::ManufacturerPart> {
    static plm::ManufacturerPart read(const Row& row) {
        return {.id = row.get<plm::ManufacturerPartId>(0),
                .part = row.get<plm::PartId>(1),
                .manufacturer = row.get<std::string>(2),
                .number = row.get<std::string>(3),
                .url = row.get<std::string>(4),
                .preferred = row.get<bool>(5)};
    }
};

namespace plm {
namespace {

const std::string columns =
    "SELECT manufacturer_part_id, part_id, manufacturer, number, url, is_preferred FROM ManufacturerParts ";

ManufacturerPart read(sqlane::Reader& r, ManufacturerPartId id) {
    auto found = r.maybe<ManufacturerPart>(columns + "WHERE manufacturer_part_id = ?", id);
    if (!found) throw NotFound{"manufacturer part", "with id " + std::to_string(id.value)};
    return *std::move(found);
}

/// For LIKE … ESCAPE '\': its two wildcards become letters.
std::string like_anywhere(std::string_view text) {
    std::string pattern = "%";
    for (const char c : text) {
        if (c == '%' || c == '_' || c == '\\') pattern += '\\';
        pattern += c;
    }
    return pattern + "%";
}

}  // namespace

ManufacturerPartId ManufacturerPartManager::add(PartId part, std::string_view manufacturer, std::string_view number,
                                                const std::string& url, const Actor& by) const {
    require_text("manufacturer", manufacturer);
    require_text("number", number);
    require_readable("url", url);
    return db_.transaction([&](sqlane::Transaction& tx) {
        const auto title = trimmed(manufacturer) + " " + trimmed(number);
        const auto of = number_of(tx, part);
        const ManufacturerPartId id = unless_taken(title + " of " + of, [&] {
            return ManufacturerPartId{
                tx.insert("INSERT INTO ManufacturerParts(part_id, manufacturer, number, url) VALUES (?, ?, ?, ?)", part,
                          trimmed(manufacturer), trimmed(number), url)};
        });
        PartManager{db_}.index(part);
        HistoryManager{db_}.record(by, Subject::part, part.value, "manufacturer part added", {}, title);
        return id;
    });
}

void ManufacturerPartManager::prefer(ManufacturerPartId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto chosen = read(tx, id);
        tx.run("UPDATE ManufacturerParts SET is_preferred = 0 WHERE part_id = ? AND is_preferred = 1", chosen.part);
        tx.run("UPDATE ManufacturerParts SET is_preferred = 1 WHERE manufacturer_part_id = ?", id);
        HistoryManager{db_}.record(by, Subject::part, chosen.part.value, "manufacturer part preferred", {},
                                   chosen.manufacturer + " " + chosen.number);
    });
}

void ManufacturerPartManager::remove(ManufacturerPartId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto before = read(tx, id);
        tx.run("DELETE FROM ManufacturerParts WHERE manufacturer_part_id = ?", id);
        PartManager{db_}.index(before.part);
        HistoryManager{db_}.record(by, Subject::part, before.part.value, "manufacturer part removed",
                                   before.manufacturer + " " + before.number);
    });
}

std::vector<ManufacturerPart> ManufacturerPartManager::list(PartId part) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<ManufacturerPart>(columns + "WHERE part_id = ? ORDER BY is_preferred DESC, manufacturer, number",
                                       part);
    });
}

std::vector<ManufacturerPart> ManufacturerPartManager::search(std::string_view text, int limit) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<ManufacturerPart>(columns +
                                           "WHERE manufacturer LIKE ?1 ESCAPE '\\' OR number LIKE ?1 ESCAPE '\\' "
                                           "ORDER BY manufacturer, number, manufacturer_part_id LIMIT ?2",
                                       like_anywhere(trimmed(text)), limit);
    });
}

}  // namespace plm
