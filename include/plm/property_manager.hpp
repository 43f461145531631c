#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace plm {

/// What a property belongs to.
using PropertyOwner = std::variant<PartId, RevisionId>;

struct Property {
    std::string key;
    PropertyType type{};
    /// As text, in the one form that its type has: "true", "2026-01-31", "4700".
    std::string value;
    friend bool operator==(const Property&, const Property&) = default;
};

/// Typed properties of a part or of a revision; a key once per owner.
/// Thread safety: all members.
class PropertyManager {
public:
    explicit PropertyManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// InvalidValue when the value is not of its type, Locked when the owner is no draft.
    void set(const PropertyOwner& owner, const Property& property, const Actor& by = {}) const;
    void remove(const PropertyOwner& owner, std::string_view key, const Actor& by = {}) const;
    [[nodiscard]] Property get(const PropertyOwner& owner, std::string_view key) const;
    /// By key.
    [[nodiscard]] std::vector<Property> list(const PropertyOwner& owner) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
