#pragma once

// After doctest.
#include <plm/plm.hpp>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "handle/platform.hpp"
#include "support/steps.hpp"

#include <string>
#include <utility>
#include <vector>

/// What the tests of the domain share.
namespace plm_test {

/// A migrated database with a few people in it, gone with the test; on a RAM disk where there is one.
class Company {
public:
    explicit Company(const sqlane::Options& options = {}) : plm(folder_.path() / "company.db", options) {}

    [[nodiscard]] sqlane::ConnectionManager& db() { return plm.connections(); }

    plm::Part part(const std::string& name, const std::string& category = "EL") {
        return plm.parts().create({.category = category, .name = name}, ada);
    }
    /// A part with its first revision, a draft.
    plm::CreatedPart draft(const std::string& name, const std::vector<plm::BomLine>& bom = {}) {
        return plm.management().create_part({.part = {.category = "AS", .name = name}, .bom = bom}, ada);
    }
    /// The same, released by Grace.
    plm::CreatedPart released(const std::string& name, const std::vector<plm::BomLine>& bom = {}) {
        auto made = draft(name, bom);
        release(made.revision.id);
        return made;
    }
    void release(plm::RevisionId revision) {
        plm.management().submit(revision, {grace}, ada);
        plm.management().approve(revision, grace);
        plm.management().release(revision, grace);
    }
    template <class T, class... Args>
    T value(std::string_view sql, const Args&... args) {
        return db().execute([&](sqlane::Reader& r) { return r.one<T>(sql, args...); });
    }

private:
    sqlane::detail::platform::PrivateFolder folder_;

public:
    plm::DatabaseManager plm;
    plm::UserId root = plm.users().add("root", plm::Role::admin);
    plm::UserId ada = plm.users().add("Ada", plm::Role::designer, root);
    plm::UserId grace = plm.users().add("Grace", plm::Role::designer, root);
    plm::UserId vera = plm.users().add("Vera", plm::Role::viewer, root);
};

}  // namespace plm_test
