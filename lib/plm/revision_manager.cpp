#include <plm/history_manager.hpp>
#include <plm/revision_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>
#include <charconv>

template <>
struct sqlane::RowReader<plm::Revision> {
    static plm::Revision read(const Row& row) {
        return {.id = row.get<plm::RevisionId>(0),
                .part = row.get<plm::PartId>(1),
                .sequence = row.get<std::int64_t>(2),
                .label = row.get<std::string>(3),
                .state = row.get<plm::State>(4),
                .author = row.get<plm::UserId>(5),
                .change_note = row.get<std::string>(6),
                .version = row.get<std::int64_t>(7),
                .workflow = row.get<plm::WorkflowId>(8),
                .created = row.get<plm::Time>(9),
                .modified = row.get<plm::Time>(10),
                .released = row.get<std::optional<plm::Time>>(11)};
    }
};

namespace plm {
namespace {

const std::string columns =
    "SELECT revision_id, part_id, sequence, label, state, author_id, change_note, version, workflow_id, created_date, "
    "modified_date, released_date FROM Revisions ";

Revision read(sqlane::Reader& r, RevisionId id) {
    auto revision = r.maybe<Revision>(columns + "WHERE revision_id = ?", id);
    if (!revision) throw NotFound{"revision", "with id " + std::to_string(id.value)};
    return *std::move(revision);
}

/// Nothing for what nobody counts to, so that no successor overflows.
std::optional<std::int64_t> as_number(const std::string& label) {
    constexpr std::size_t longest = 9;
    if (label.size() > longest) return {};
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), value);
    if (error != std::errc{} || end != label.data() + label.size()) return {};
    return value;
}

bool is_letters(const std::string& label) {
    return std::ranges::all_of(label, [](char c) { return c >= 'A' && c <= 'Z'; });
}

std::string next_number(const std::vector<std::string>& labels) {
    std::int64_t highest = 0;
    for (const auto& label : labels) highest = std::max(highest, as_number(label).value_or(0));
    return std::to_string(highest + 1);
}

/// "B" after "A", "AA" after "Z".
std::string successor(std::string label) {
    for (auto digit = label.rbegin(); digit != label.rend(); ++digit) {
        if (*digit != 'Z') {
            ++*digit;
            return label;
        }
        *digit = 'A';
    }
    return "A" + label;
}

std::string next_letters(const std::vector<std::string>& labels) {
    std::string highest;
    for (const auto& label : labels) {
        const bool above = label.size() != highest.size() ? label.size() > highest.size() : label > highest;
        if (is_letters(label) && above) highest = label;
    }
    return highest.empty() ? "A" : successor(highest);
}

/// Everything that belongs to a revision, into a draft that has nothing yet.
void copy_content(sqlane::Writer& w, RevisionId from, RevisionId to) {
    w.run(
        "INSERT INTO Relationships(parent_revision_id, child_part_id, child_revision_id, kind, quantity_micro, unit, "
        "find_number, designators, note) "
        "SELECT ?, child_part_id, child_revision_id, kind, quantity_micro, unit, find_number, designators, note "
        "FROM Relationships WHERE parent_revision_id = ? ORDER BY relationship_id",
        to, from);
    w.run(
        "INSERT INTO Properties(revision_id, key, type, value) "
        "SELECT ?, key, type, value FROM Properties WHERE revision_id = ? ORDER BY property_id",
        to, from);
    w.run(
        "INSERT INTO Files(revision_id, path, kind, sha256, bytes, added_date) "
        "SELECT ?, path, kind, sha256, bytes, added_date FROM Files WHERE revision_id = ? ORDER BY file_id",
        to, from);
}

/// 3 of "3" and of "C": where a revision stands when none of its part was ever left out.
std::optional<std::int64_t> place_of(const std::string& label) {
    constexpr std::size_t longest = 6;  // nobody counts that far, and no number overflows
    if (label.size() > longest) return {};
    if (!is_letters(label)) return as_number(label);
    std::int64_t place = 0;
    for (const char letter : label) place = place * 26 + (letter - 'A' + 1);
    return place;
}

std::optional<std::int64_t> free_place(sqlane::Reader& r, PartId part, const std::string& label) {
    auto place = place_of(label);
    if (!place || *place < 1) return {};
    if (r.maybe<int>("SELECT 1 FROM Revisions WHERE part_id = ? AND sequence = ?", part, *place)) return {};
    return place;
}

/// Also of those that were discarded: the history goes on telling of them under their ids.
RevisionId unused_id(sqlane::Reader& r) {
    return {
        r.one<std::int64_t>("SELECT 1 + max(coalesce((SELECT max(revision_id) FROM Revisions), 0), "
                            "coalesce((SELECT max(subject_id) FROM History WHERE subject = ?), 0))",
                            Subject::revision)};
}

RevisionId insert(sqlane::Transaction& tx, const Revision& revision) {
    if (!tx.maybe<int>("SELECT 1 FROM Users WHERE user_id = ?", revision.author))
        throw NotFound{"user", "with id " + std::to_string(revision.author.value)};
    return {
        tx.insert("INSERT INTO Revisions(revision_id, part_id, sequence, label, author_id, change_note, workflow_id, "
                  "created_date, modified_date) VALUES (?8, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                  revision.part, revision.sequence, revision.label, revision.author, revision.change_note,
                  revision.workflow, now(), unused_id(tx))};
}

}  // namespace

Revision RevisionManager::create(PartId part, UserId author, const std::string& change_note) const {
    require_readable("change note", change_note);
    return db_.transaction([&](sqlane::Transaction& tx) {
        const auto label = next_label(part);
        const auto last = latest(part);
        const auto id = insert(tx, {.part = part,
                                    .sequence = last ? last->sequence + 1 : 1,
                                    .label = label,
                                    .author = author,
                                    .change_note = change_note,
                                    .workflow = last ? last->workflow : WorkflowId{1}});
        if (last) copy_content(tx, last->id, id);
        HistoryManager{db_}.record(author, Subject::revision, id.value, "created", {}, title_of(tx, id));
        return read(tx, id);
    });
}

Revision RevisionManager::adopt(PartId part, const std::string& label, UserId author) const {
    require_text("revision", label);
    return db_.transaction([&](sqlane::Transaction& tx) {
        const auto last = latest(part);
        const auto id = unless_taken("revision " + label + " of " + number_of(tx, part), [&] {
            return insert(tx, {.part = part,
                               .sequence = free_place(tx, part, label).value_or(last ? last->sequence + 1 : 1),
                               .label = label,
                               .author = author,
                               .workflow = last ? last->workflow : WorkflowId{1}});
        });
        HistoryManager{db_}.record(author, Subject::revision, id.value, "adopted", {}, title_of(tx, id));
        return read(tx, id);
    });
}

Revision RevisionManager::set_change_note(const Revision& read_before, const std::string& note, const Actor& by) const {
    require_readable("change note", note);
    return db_.transaction([&](sqlane::Transaction& tx) {
        const auto before = read(tx, read_before.id);
        if (before.version != read_before.version)
            throw Conflict{title_of(tx, before.id) + " was changed by somebody else; read it again",
                           {{"change note", before.change_note, note}}};
        plm::require_draft(tx, before.id);
        tx.run(
            "UPDATE Revisions SET change_note = ?, version = version + 1, modified_date = max(?, created_date) "
            "WHERE revision_id = ?",
            note, now(), before.id);
        HistoryManager{db_}.record(by, Subject::revision, before.id.value, "change note", before.change_note, note);
        return read(tx, before.id);
    });
}

void RevisionManager::set_workflow(RevisionId id, WorkflowId workflow, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        plm::require_draft(tx, id);
        const auto states = tx.all<std::string, bool>(
            "SELECT name, is_initial FROM WorkflowStates WHERE workflow_id = ? ORDER BY state_id", workflow);
        if (states.empty()) throw NotFound{"workflow", "with id " + std::to_string(workflow.value)};
        for (const auto& [name, is_initial] : states)
            if (const auto state = from_text<State>(name); is_initial && state != State::draft)
                throw InvalidValue{"workflow", "begins with " + name + ", and a revision begins as Draft"};
        const auto before = read(tx, id).workflow;
        tx.run(
            "UPDATE Revisions SET workflow_id = ?, version = version + 1, modified_date = max(?, created_date) "
            "WHERE revision_id = ?",
            workflow, now(), id);
        HistoryManager{db_}.record(by, Subject::revision, id.value, "workflow", std::to_string(before.value),
                                   std::to_string(workflow.value));
    });
}

void RevisionManager::discard(RevisionId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        plm::require_draft(tx, id);
        const auto title = title_of(tx, id);
        if (const auto user = tx.maybe<std::string>(
                "SELECT number FROM Relationships JOIN Revisions ON revision_id = parent_revision_id "
                "JOIN Parts USING (part_id) WHERE child_revision_id = ? ORDER BY number LIMIT 1",
                id))
            throw Conflict{*user + " uses exactly " + title + "; change that line first"};
        if (tx.maybe<int>("SELECT 1 FROM Approvals WHERE revision_id = ? LIMIT 1", id))
            throw Conflict{title + " was reviewed, and its reviews are kept; change it and submit it again"};
        const auto part = read(tx, id).part;
        tx.run("DELETE FROM Revisions WHERE revision_id = ?", id);
        HistoryManager{db_}.record(by, Subject::revision, id.value, "discarded", title);
        HistoryManager{db_}.record(by, Subject::part, part.value, "revision discarded", title);
    });
}

Revision RevisionManager::get(RevisionId id) const {
    return db_.execute([&](sqlane::Reader& r) { return read(r, id); });
}

Revision RevisionManager::find(PartId part, std::string_view label) const {
    return db_.execute([&](sqlane::Reader& r) {
        auto revision = r.maybe<Revision>(columns + "WHERE part_id = ? AND label = ?", part, label);
        if (!revision) throw NotFound{"revision", "'" + std::string{label} + "' of " + number_of(r, part)};
        return *std::move(revision);
    });
}

std::vector<Revision> RevisionManager::list(PartId part) const {
    return db_.execute(
        [&](sqlane::Reader& r) { return r.all<Revision>(columns + "WHERE part_id = ? ORDER BY sequence", part); });
}

std::optional<Revision> RevisionManager::latest(PartId part) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.maybe<Revision>(columns + "WHERE part_id = ? ORDER BY sequence DESC LIMIT 1", part);
    });
}

std::optional<Revision> RevisionManager::latest_released(PartId part) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.maybe<Revision>(columns + "WHERE part_id = ? AND state = 'Released' ORDER BY sequence DESC LIMIT 1",
                                 part);
    });
}

std::string RevisionManager::next_label(PartId part) const {
    return db_.execute([&](sqlane::Reader& r) {
        const auto style =
            r.maybe<LabelStyle>("SELECT labels FROM Parts JOIN Categories ON code = category WHERE part_id = ?", part);
        if (!style) throw NotFound{"part", "with id " + std::to_string(part.value)};
        const auto labels = r.all<std::string>("SELECT label FROM Revisions WHERE part_id = ? ORDER BY sequence", part);
        return *style == LabelStyle::numeric ? next_number(labels) : next_letters(labels);
    });
}

}  // namespace plm
