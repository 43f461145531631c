#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <optional>
#include <string>
#include <vector>

namespace plm {

struct HistoryEntry {
    HistoryId id;
    Actor by;
    Subject subject{};
    std::int64_t subject_id = 0;
    /// "created", or the field that changed.
    std::string action;
    std::optional<std::string> from;
    std::optional<std::string> to;
    Time at;
};

/// Who changed what, when, from and to. Written in the transaction of the change; never edited, the database sees to it.
/// Thread safety: all members, as all managers.
class HistoryManager {
public:
    explicit HistoryManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// For a change that is under way: inside of its transaction.
    void record(const Actor& by, Subject subject, std::int64_t subject_id, const std::string& action,
                const std::optional<std::string>& from = {}, const std::optional<std::string>& to = {}) const;

    /// Oldest first.
    [[nodiscard]] std::vector<HistoryEntry> of(Subject subject, std::int64_t subject_id) const;
    [[nodiscard]] std::vector<HistoryEntry> of(PartId id) const { return of(Subject::part, id.value); }
    [[nodiscard]] std::vector<HistoryEntry> of(RevisionId id) const { return of(Subject::revision, id.value); }
    /// The newest entries about anything, newest first.
    [[nodiscard]] std::vector<HistoryEntry> newest(int count) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
