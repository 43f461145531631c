#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <optional>
#include <string>
#include <vector>

namespace plm {

struct BomLine {
    PartId child;
    /// Nothing: which revision is taken is decided when the BOM is exploded.
    std::optional<RevisionId> pinned{};
    Quantity quantity{1};
    std::string unit = "pcs";
    std::optional<int> find_number{};
    /// "R1, R2".
    std::string designators{};
    std::string note{};
    RelationshipKind kind = RelationshipKind::bom;

    friend bool operator==(const BomLine&, const BomLine&) = default;
};

struct Relationship {
    RelationshipId id;
    RevisionId parent;
    BomLine line;
};

/// Which revision of a child an explosion goes on with.
enum class Resolve : std::uint8_t {
    /// The pinned one, or else the latest.
    pinned,
    latest,
    latest_released
};

struct ExplodedLine {
    /// 1 for the lines of the revision itself.
    int level = 0;
    Relationship line;
    std::string number;
    std::string name;
    /// The one it was resolved to; nothing when the child has none of that kind.
    std::optional<RevisionId> revision;
    std::string label;
    /// In one of the top: multiplied all the way down.
    Quantity total;
};

struct FlatLine {
    PartId part;
    std::string number;
    std::string name;
    std::string unit;
    Quantity total;
    /// It has lines of its own, whose parts are counted too.
    bool is_assembly = false;
};

struct WhereUsed {
    /// 1 for what contains the part itself.
    int level = 0;
    PartId part;
    std::string number;
    std::string name;
    RevisionId revision;
    std::string label;
    /// Nothing contains it.
    bool is_top = false;
};

enum class UsedAt : std::uint8_t { one_level, all_levels, top_level };

struct BomDifference {
    PartId part;
    std::string number;
    /// Nothing where it was added.
    std::optional<BomLine> before;
    /// Nothing where it was removed.
    std::optional<BomLine> after;
};

/// Bills of materials and other links between parts. Lines belong to a revision and freeze with it.
/// Thread safety: all members.
class RelationshipManager {
public:
    explicit RelationshipManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// Refuses a part in itself, at any level and in any revision; Locked when the parent is no draft.
    RelationshipId add(RevisionId parent, const BomLine& line, const Actor& by = {}) const;
    void update(RelationshipId id, const BomLine& line, const Actor& by = {}) const;
    void remove(RelationshipId id, const Actor& by = {}) const;

    [[nodiscard]] Relationship get(RelationshipId id) const;
    /// By find number, then in the order in which they were added.
    [[nodiscard]] std::vector<Relationship> lines(RevisionId parent,
                                                  RelationshipKind kind = RelationshipKind::bom) const;
    /// Depth first: each line is followed by those of its child.
    [[nodiscard]] std::vector<ExplodedLine> explode(RevisionId top, Resolve resolve = Resolve::pinned) const;
    /// What one of the top needs in all, by number.
    [[nodiscard]] std::vector<FlatLine> flat_totals(RevisionId top, Resolve resolve = Resolve::pinned) const;
    /// In the latest revisions.
    [[nodiscard]] std::vector<WhereUsed> where_used(PartId part, UsedAt at = UsedAt::one_level) const;
    [[nodiscard]] std::vector<BomDifference> compare(RevisionId before, RevisionId after) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
