#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace plm {

struct Part {
    PartId id;
    /// "EL-RES-10000": stored when it was issued, never computed again.
    std::string number;
    std::string category;
    std::optional<std::string> subcategory;
    std::string name;
    std::string description;
    /// Counts the changes; an update that was made from an older one is a Conflict.
    std::int64_t version = 0;
    std::optional<Time> retired;
    Time created;
    Time modified;
};

struct NewPart {
    std::string category;
    std::optional<std::string> subcategory{};
    std::string name;
    std::string description{};
};

struct PartFilter {
    std::optional<std::string> category{};
    std::optional<std::string> subcategory{};
    /// Of the newest revision.
    std::optional<State> state{};
    bool with_retired = false;
};

/// When a new part can be found by `search`. FTS5 writes what it has collected at every savepoint, which is more than half
/// of the time that a part takes: who adopts many in one transaction says `later`, and calls `index` before it ends.
enum class Words : std::uint8_t { now, later };

enum class PartOrder : std::uint8_t { number, name, newest_change };

struct PartPage {
    std::vector<Part> parts;
    /// Where the next page begins; nothing on the last one.
    std::optional<std::string> next;
};

/// Parts and their numbers.
/// Thread safety: all members.
class PartManager {
public:
    explicit PartManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// Draws the number and inserts the part, both or neither: no gap and no duplicate.
    Part create(const NewPart& part, const Actor& by = {}) const;
    /// A part that has its dates already, from an export, and its number; where it has none, one is drawn. Later numbers
    /// are drawn above it.
    Part adopt(const Part& part, const Actor& by = {}, Words words = Words::now) const;

    /// Writes name, description and subcategory of a part that was read before. Conflict when somebody changed it
    /// since, Locked when its newest revision is no draft.
    Part update(const Part& edited, const Actor& by = {}) const;
    /// Out of sight, not gone; its number is never issued again.
    void retire(PartId id, const Actor& by = {}) const;
    void restore(PartId id, const Actor& by = {}) const;

    [[nodiscard]] Part get(PartId id) const;
    [[nodiscard]] Part find(std::string_view number) const;
    [[nodiscard]] std::int64_t count(const PartFilter& filter = {}) const;
    /// `after` is the `next` of the page before.
    [[nodiscard]] PartPage list(const PartFilter& filter = {}, PartOrder order = PartOrder::number, int size = 100,
                                const std::optional<std::string>& after = {}) const;
    /// In number, name, description, manufacturer numbers and properties; best first. Words match from their
    /// beginning, "words in quotes" in that order. Any text is fine.
    [[nodiscard]] std::vector<Part> search(std::string_view words, int limit = 50) const;

    /// Brings the words of a part up to date, inside of the transaction that changed them.
    void index(PartId id) const;
    /// The same for all from the first to the last.
    void index(PartId first, PartId last) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
