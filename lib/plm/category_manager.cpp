#include <plm/category_manager.hpp>
#include <plm/history_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

#include <algorithm>

template <>
struct sqlane::RowReader<plm::Category> {
    static plm::Category read(const Row& row) {
        return {.id = row.get<plm::CategoryId>(0),
                .code = row.get<std::string>(1),
                .name = row.get<std::string>(2),
                .labels = row.get<plm::LabelStyle>(3)};
    }
};

template <>
struct sqlane::RowReader<plm::Subcategory> {
    static plm::Subcategory read(const Row& row) {
        return {.id = row.get<plm::SubcategoryId>(0),
                .category = row.get<plm::CategoryId>(1),
                .code = row.get<std::string>(2),
                .name = row.get<std::string>(3)};
    }
};

namespace plm {
namespace {

void require_code(const std::string& code) {
    const bool good =
        std::ranges::all_of(code, [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
    if (!good || code.size() < 2 || code.size() > 4)
        throw InvalidValue{"code", "'" + code + "' is not 2 to 4 capital letters and digits"};
}

Category read(sqlane::Reader& r, std::string_view code) {
    auto category = r.maybe<Category>("SELECT category_id, code, name, labels FROM Categories WHERE code = ?", code);
    if (!category) throw NotFound{"category", "'" + std::string{code} + "'; see the list of categories"};
    return *std::move(category);
}

}  // namespace

CategoryId CategoryManager::add(const std::string& code, const std::string& name, LabelStyle labels,
                                const Actor& by) const {
    require_code(code);
    require_text("name", name);
    return db_.transaction([&](sqlane::Transaction& tx) {
        const CategoryId id = unless_taken("the category " + code + " '" + name + "'", [&] {
            return CategoryId{
                tx.insert("INSERT INTO Categories(code, name, labels) VALUES (?, ?, ?)", code, name, labels)};
        });
        HistoryManager{db_}.record(by, Subject::category, id.value, "created", {}, code + " " + name);
        return id;
    });
}

void CategoryManager::rename(std::string_view code, const std::string& new_code, const std::string& new_name,
                             const Actor& by) const {
    require_code(new_code);
    require_text("name", new_name);
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto before = read(tx, code);
        unless_taken("the category " + new_code + " '" + new_name + "'", [&] {
            return tx.run("UPDATE Categories SET code = ?, name = ? WHERE category_id = ?", new_code, new_name,
                          before.id);
        });
        HistoryManager{db_}.record(by, Subject::category, before.id.value, "renamed", before.code + " " + before.name,
                                   new_code + " " + new_name);
    });
}

void CategoryManager::set_labels(std::string_view code, LabelStyle labels, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto before = read(tx, code);
        tx.run("UPDATE Categories SET labels = ? WHERE category_id = ?", labels, before.id);
        HistoryManager{db_}.record(by, Subject::category, before.id.value, "labels",
                                   std::string{to_text(before.labels)}, std::string{to_text(labels)});
    });
}

void CategoryManager::remove(std::string_view code, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto before = read(tx, code);
        if (tx.maybe<int>("SELECT 1 FROM Parts WHERE category = ? LIMIT 1", code))
            throw Conflict{"there are parts of category " + before.code + ", so it stays"};
        tx.run("DELETE FROM Subcategories WHERE category_id = ?", before.id);
        tx.run("DELETE FROM Categories WHERE category_id = ?", before.id);
        HistoryManager{db_}.record(by, Subject::category, before.id.value, "removed", before.code + " " + before.name);
    });
}

SubcategoryId CategoryManager::add_subcategory(std::string_view category, const std::string& code,
                                               const std::string& name, const Actor& by) const {
    require_code(code);
    require_text("name", name);
    return db_.transaction([&](sqlane::Transaction& tx) {
        const auto parent = read(tx, category);
        const auto title = parent.code + "-" + code;
        const SubcategoryId id = unless_taken("the subcategory " + title, [&] {
            return SubcategoryId{tx.insert("INSERT INTO Subcategories(category_id, code, name) VALUES (?, ?, ?)",
                                           parent.id, code, name)};
        });
        HistoryManager{db_}.record(by, Subject::category, parent.id.value, "subcategory", {}, title + " " + name);
        return id;
    });
}

void CategoryManager::rename_subcategory(std::string_view category, std::string_view code, const std::string& new_code,
                                         const std::string& new_name, const Actor& by) const {
    require_code(new_code);
    require_text("name", new_name);
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto parent = read(tx, category);
        const auto from = parent.code + "-" + std::string{code};
        const auto to = parent.code + "-" + new_code;
        const auto changed = unless_taken("the subcategory " + to, [&] {
            return tx.run("UPDATE Subcategories SET code = ?, name = ? WHERE category_id = ? AND code = ?", new_code,
                          new_name, parent.id, code);
        });
        if (changed == 0) throw NotFound{"subcategory", "'" + from + "'"};
        tx.run("UPDATE Parts SET subcategory = ? WHERE category = ? AND subcategory = ?", new_code, parent.code, code);
        HistoryManager{db_}.record(by, Subject::category, parent.id.value, "subcategory", from, to + " " + new_name);
    });
}

Category CategoryManager::get(std::string_view code) const {
    return db_.execute([&](sqlane::Reader& r) { return read(r, code); });
}

std::vector<Category> CategoryManager::list() const {
    return db_.execute([](sqlane::Reader& r) {
        return r.all<Category>("SELECT category_id, code, name, labels FROM Categories ORDER BY code");
    });
}

std::vector<Subcategory> CategoryManager::subcategories(std::string_view category) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<Subcategory>(
            "SELECT subcategory_id, category_id, code, name FROM Subcategories WHERE category_id = ? ORDER BY code",
            read(r, category).id);
    });
}

}  // namespace plm
