#include <plm/history_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

template <>
struct sqlane::RowReader<plm::HistoryEntry> {
    static plm::HistoryEntry read(const Row& row) {
        return {.id = row.get<plm::HistoryId>(0),
                .by = row.get<plm::Actor>(1),
                .subject = row.get<plm::Subject>(2),
                .subject_id = row.get<std::int64_t>(3),
                .action = row.get<std::string>(4),
                .from = row.get<std::optional<std::string>>(5),
                .to = row.get<std::optional<std::string>>(6),
                .at = row.get<plm::Time>(7)};
    }
};

namespace plm {

void HistoryManager::record(const Actor& by, Subject subject, std::int64_t subject_id, const std::string& action,
                            const std::optional<std::string>& from, const std::optional<std::string>& to) const {
    db_.execute_mut([&](sqlane::Writer& w) {
        w.run(
            "INSERT INTO History(user_id, subject, subject_id, action, old_value, new_value, happened_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            by, subject, subject_id, action, from, to, now());
    });
}

std::vector<HistoryEntry> HistoryManager::of(Subject subject, std::int64_t subject_id) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<HistoryEntry>(
            "SELECT history_id, user_id, subject, subject_id, action, old_value, new_value, happened_at FROM History "
            "WHERE subject = ? AND subject_id = ? ORDER BY history_id",
            subject, subject_id);
    });
}

std::vector<HistoryEntry> HistoryManager::newest(int count) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<HistoryEntry>(
            "SELECT history_id, user_id, subject, subject_id, action, old_value, new_value, happened_at FROM History "
            "ORDER BY history_id DESC LIMIT ?",
            count);
    });
}

}  // namespace plm
