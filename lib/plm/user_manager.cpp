#include <plm/history_manager.hpp>
#include <plm/part_management_manager.hpp>
#include <plm/user_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "support.hpp"

template <>
struct sqlane::RowReader<plm::User> {
    static plm::User read(const Row& row) {
        return {.id = row.get<plm::UserId>(0),
                .name = row.get<std::string>(1),
                .role = row.get<plm::Role>(2),
                .active = row.get<bool>(3),
                .created = row.get<plm::Time>(4)};
    }
};

namespace plm {
namespace {

void require_admin(const UserManager& users, const Actor& by) {
    if (!by) throw PermissionDenied{"only an Admin may manage users; say who does it"};
    const auto user = users.get(*by);
    if (user.active && PartManagementManager::has_right(user.role, Right::manage_users)) return;
    throw PermissionDenied{user.name + " (" + std::string{to_text(user.role)} +
                           (user.active ? "" : ", no longer active") + ") may not manage users; ask an Admin"};
}

/// Without one nobody could ever change a user again.
void require_another_admin(sqlane::Reader& r, UserId id) {
    if (r.maybe<int>("SELECT 1 FROM Users WHERE role = ? AND active = 1 AND user_id <> ? LIMIT 1", Role::admin, id))
        return;
    throw Conflict{"this is the last active Admin; make somebody else one first"};
}

}  // namespace

UserId UserManager::add(const std::string& name, Role role, const Actor& by) const {
    require_text("name", name);
    if (name.find_first_of("\r\n\t") != std::string::npos) throw InvalidValue{"name", "stands on one line"};
    return db_.transaction([&](sqlane::Transaction& tx) {
        const bool first = !tx.maybe<int>("SELECT 1 FROM Users LIMIT 1");
        if (!first) require_admin(*this, by);
        if (first && role != Role::admin)
            throw InvalidValue{"role", "the first user must be an Admin, or nobody could add another one"};
        const UserId id = unless_taken("the user '" + trimmed(name) + "'", [&] {
            return UserId{
                tx.insert("INSERT INTO Users(name, role, created_date) VALUES (?, ?, ?)", trimmed(name), role, now())};
        });
        HistoryManager{db_}.record(by, Subject::user, id.value, "created", {}, trimmed(name));
        return id;
    });
}

void UserManager::set_role(UserId id, Role role, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        require_admin(*this, by);
        const auto before = get(id);
        if (before.role == role) return;
        if (before.role == Role::admin) require_another_admin(tx, id);
        tx.run("UPDATE Users SET role = ? WHERE user_id = ?", role, id);
        HistoryManager{db_}.record(by, Subject::user, id.value, "role", std::string{to_text(before.role)},
                                   std::string{to_text(role)});
    });
}

void UserManager::deactivate(UserId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        require_admin(*this, by);
        const auto user = get(id);
        if (!user.active) return;
        if (user.role == Role::admin) require_another_admin(tx, id);
        tx.run("UPDATE Users SET active = 0 WHERE user_id = ?", id);
        HistoryManager{db_}.record(by, Subject::user, id.value, "deactivated");
    });
}

User UserManager::get(UserId id) const {
    return db_.execute([&](sqlane::Reader& r) {
        auto user = r.maybe<User>("SELECT user_id, name, role, active, created_date FROM Users WHERE user_id = ?", id);
        if (!user) throw NotFound{"user", "with id " + std::to_string(id.value)};
        return *std::move(user);
    });
}

User UserManager::find(std::string_view name) const {
    return db_.execute([&](sqlane::Reader& r) {
        auto user =
            r.maybe<User>("SELECT user_id, name, role, active, created_date FROM Users WHERE name = ?", trimmed(name));
        if (!user) throw NotFound{"user", "'" + trimmed(name) + "'"};
        return *std::move(user);
    });
}

std::vector<User> UserManager::list() const {
    return db_.execute([](sqlane::Reader& r) {
        return r.all<User>("SELECT user_id, name, role, active, created_date FROM Users ORDER BY name");
    });
}

}  // namespace plm
