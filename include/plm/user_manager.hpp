#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace plm {

struct User {
    UserId id;
    std::string name;
    Role role{};
    bool active = true;
    Time created;
};

/// Who works here. Only an Admin may change it; the first user of a database makes himself, and is one.
/// Thread safety: all members.
class UserManager {
public:
    explicit UserManager(sqlane::ConnectionManager& db) : db_(db) {}

    UserId add(const std::string& name, Role role, const Actor& by = {}) const;
    void set_role(UserId id, Role role, const Actor& by) const;
    /// Somebody who has left stays in the history, and may do nothing more.
    void deactivate(UserId id, const Actor& by) const;

    [[nodiscard]] User get(UserId id) const;
    /// Regardless of case.
    [[nodiscard]] User find(std::string_view name) const;
    [[nodiscard]] std::vector<User> list() const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
