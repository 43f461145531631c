#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace plm {

struct ManufacturerPart {
    ManufacturerPartId id;
    PartId part;
    std::string manufacturer;
    std::string number;
    std::string url;
    bool preferred = false;
};

/// Under which numbers a part can be bought. Names compare without case and without the space around them.
/// Thread safety: all members.
class ManufacturerPartManager {
public:
    explicit ManufacturerPartManager(sqlane::ConnectionManager& db) : db_(db) {}

    ManufacturerPartId add(PartId part, std::string_view manufacturer, std::string_view number,
                           const std::string& url = {}, const Actor& by = {}) const;
    /// At most one of a part is.
    void prefer(ManufacturerPartId id, const Actor& by = {}) const;
    void remove(ManufacturerPartId id, const Actor& by = {}) const;
    [[nodiscard]] std::vector<ManufacturerPart> list(PartId part) const;
    /// Those whose manufacturer or number contains the text; % and _ are letters like others.
    [[nodiscard]] std::vector<ManufacturerPart> search(std::string_view text, int limit = 50) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
