#pragma once

#include <plm/quantity.hpp>

#include <sqlane/errors.hpp>
#include <sqlane/row.hpp>

#include <array>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// The types of the domain. An id of one kind cannot be taken for one of another, and an enum is kept as its text.
namespace plm {

template <class Tag>
struct Id {
    std::int64_t value = 0;
    friend auto operator<=>(const Id&, const Id&) = default;
};

using PartId = Id<struct PartTag>;
using CategoryId = Id<struct CategoryTag>;
using SubcategoryId = Id<struct SubcategoryTag>;
using UserId = Id<struct UserTag>;
using RevisionId = Id<struct RevisionTag>;
using RelationshipId = Id<struct RelationshipTag>;
using PropertyId = Id<struct PropertyTag>;
using WorkflowId = Id<struct WorkflowTag>;
using StateId = Id<struct StateTag>;
using TransitionId = Id<struct TransitionTag>;
using ApprovalId = Id<struct ApprovalTag>;
using FileId = Id<struct FileTag>;
using ManufacturerPartId = Id<struct ManufacturerPartTag>;
using HistoryId = Id<struct HistoryTag>;

/// UTC, to the second.
using Time = std::chrono::sys_seconds;

/// Who makes a change, for the history; nobody where it is the program itself.
using Actor = std::optional<UserId>;

/// The texts of an enum in the order of its values, and what it is called in an error.
template <class E>
struct EnumText;

template <class E>
concept TextEnum = requires {
    EnumText<E>::texts;
    EnumText<E>::what;
};

enum class Role : std::uint8_t { designer, viewer, admin };
template <>
struct EnumText<Role> {
    static constexpr std::string_view what = "role";
    static constexpr std::array<std::string_view, 3> texts{"Designer", "Viewer", "Admin"};
};

enum class State : std::uint8_t { draft, in_review, released, obsolete };
template <>
struct EnumText<State> {
    static constexpr std::string_view what = "state of a revision";
    static constexpr std::array<std::string_view, 4> texts{"Draft", "In Review", "Released", "Obsolete"};
};

enum class LabelStyle : std::uint8_t { numeric, letters };
template <>
struct EnumText<LabelStyle> {
    static constexpr std::string_view what = "style of revision labels";
    static constexpr std::array<std::string_view, 2> texts{"numeric", "letters"};
};

enum class RelationshipKind : std::uint8_t { bom, reference, substitute, document };
template <>
struct EnumText<RelationshipKind> {
    static constexpr std::string_view what = "kind of relationship";
    static constexpr std::array<std::string_view, 4> texts{"bom", "reference", "substitute", "document"};
};

enum class PropertyType : std::uint8_t { string, integer, floating, boolean, date, url, json };
template <>
struct EnumText<PropertyType> {
    static constexpr std::string_view what = "type of property";
    static constexpr std::array<std::string_view, 7> texts{"string", "integer", "float", "boolean",
                                                           "date",   "url",     "json"};
};

enum class Decision : std::uint8_t { pending, approved, rejected, withdrawn };
template <>
struct EnumText<Decision> {
    static constexpr std::string_view what = "decision";
    static constexpr std::array<std::string_view, 4> texts{"Pending", "Approved", "Rejected", "Withdrawn"};
};

enum class FileKind : std::uint8_t { drawing, model, schematic, document, other };
template <>
struct EnumText<FileKind> {
    static constexpr std::string_view what = "kind of file";
    static constexpr std::array<std::string_view, 5> texts{"drawing", "model", "schematic", "document", "other"};
};

/// What an entry of the history is about.
enum class Subject : std::uint8_t {
    part,
    revision,
    relationship,
    property,
    approval,
    file,
    manufacturer_part,
    category,
    workflow,
    user
};
template <>
struct EnumText<Subject> {
    static constexpr std::string_view what = "subject of the history";
    static constexpr std::array<std::string_view, 10> texts{"part",     "revision", "relationship",      "property",
                                                            "approval", "file",     "manufacturer part", "category",
                                                            "workflow", "user"};
};

template <TextEnum E>
[[nodiscard]] constexpr std::string_view to_text(E value) {
    return EnumText<E>::texts.at(static_cast<std::size_t>(value));
}

/// Throws TypeError with the texts that this build knows: what it does not know is no default.
template <TextEnum E>
[[nodiscard]] E from_text(std::string_view text) {
    const auto& texts = EnumText<E>::texts;
    std::string known;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts.at(i) == text) return static_cast<E>(i);
        known += (i == 0 ? "" : ", ") + std::string{texts.at(i)};
    }
    throw sqlane::TypeError{"'" + std::string{text} + "' is no " + std::string{EnumText<E>::what} +
                            " that this build knows: " + known};
}

}  // namespace plm

template <class Tag>
struct sqlane::Stored<plm::Id<Tag>> {
    using type = std::int64_t;
    static type to(plm::Id<Tag> id) { return id.value; }
    static plm::Id<Tag> from(type value) { return {value}; }
};

template <plm::TextEnum E>
struct sqlane::Stored<E> {
    using type = std::string;
    static type to(E value) { return std::string{plm::to_text(value)}; }
    static E from(const type& text) { return plm::from_text<E>(text); }
};
