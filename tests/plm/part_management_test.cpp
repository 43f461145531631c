#include <doctest/doctest.h>

#include "plm/kit.hpp"

#include <fstream>
#include <functional>
#include <string>
#include <vector>

// The promises of the lifecycle: who may do what, and what is released stays as it is.

using namespace plm;
using plm_test::Company;
using support::caught;
using support::contains;

namespace {

BomLine line_of(const Part& part, Quantity quantity = Quantity{1}) { return {.child = part.id, .quantity = quantity}; }

/// Everything that a failure must leave as it was; the history too.
std::string fingerprint(Company& company) {
    return company.db().execute([](sqlane::Reader& r) {
        std::string all;
        for (const char* table : {"Parts", "PartSequence", "Revisions", "Relationships", "Properties", "Approvals",
                                  "Files", "History", "PartSearch", "ManufacturerParts"})
            all += std::string{table} + " " +
                   std::to_string(r.one<std::int64_t>("SELECT count(*) FROM " + std::string{table})) + "; ";
        return all + "next " + std::to_string(r.one<int>("SELECT next_value FROM PartSequence"));
    });
}

}  // namespace

TEST_CASE("lifecycle: a part goes from draft over review to released, and all of it is in the history") {
    Company company;
    const auto made = company.draft("Gearbox");
    auto management = company.plm.management();
    management.submit(made.revision.id, {company.grace}, company.ada);
    CHECK(company.plm.revisions().get(made.revision.id).state == State::in_review);
    CHECK(company.plm.approvals().pending_for(company.grace).size() == 1);
    management.approve(made.revision.id, company.grace, "good");
    management.release(made.revision.id, company.grace);
    const auto released = company.plm.revisions().get(made.revision.id);
    CHECK(released.state == State::released);
    CHECK(released.released.has_value());
    std::vector<std::string> moves;
    for (const auto& move : company.plm.workflows().moves(made.revision.id)) moves.push_back(*move.to);
    CHECK(moves == std::vector<std::string>{"In Review", "Released"});
}

TEST_CASE("lifecycle: a release makes the older one obsolete") {
    Company company;
    const auto made = company.released("Gearbox");
    const auto second = company.plm.management().new_revision(made.part.id, company.ada, "stronger");
    CHECK(company.plm.revisions().get(made.revision.id).state == State::released);
    company.release(second.id);
    CHECK(company.plm.revisions().get(made.revision.id).state == State::obsolete);
    CHECK(company.plm.revisions().get(second.id).state == State::released);
    CHECK(company.plm.revisions().latest_released(made.part.id)->id == second.id);
}

TEST_CASE("lifecycle: a release with a child that is not released is refused, and names it") {
    Company company;
    const auto screw = company.draft("Screw");
    const auto motor = company.released("Motor");
    const auto made = company.draft("Gearbox", {line_of(screw.part), line_of(motor.part)});
    company.plm.management().submit(made.revision.id, {company.grace}, company.ada);
    company.plm.management().approve(made.revision.id, company.grace);
    const auto error = caught<Conflict>([&] { company.plm.management().release(made.revision.id, company.grace); });
    CHECK(contains(error.what(), "contains what is not: " + screw.part.number));
    CHECK_FALSE(contains(error.what(), motor.part.number));
    CHECK(company.plm.revisions().get(made.revision.id).state == State::in_review);
    const auto draft = company.draft("Car", {line_of(screw.part)});
    CHECK_THROWS_AS(company.plm.management().release(draft.revision.id, company.grace), InvalidTransition);
    company.release(screw.revision.id);
    company.plm.management().release(made.revision.id, company.grace);
}

TEST_CASE("lifecycle: a line pinned to a draft keeps its assembly from release though another one is released") {
    Company company;
    const auto screw = company.released("Screw");
    const auto draft = company.plm.management().new_revision(screw.part.id, company.ada);
    auto line = line_of(screw.part);
    line.pinned = draft.id;
    const auto made = company.draft("Gearbox", {line});
    company.plm.management().submit(made.revision.id, {company.grace}, company.ada);
    company.plm.management().approve(made.revision.id, company.grace);
    const auto error = caught<Conflict>([&] { company.plm.management().release(made.revision.id, company.grace); });
    CHECK(contains(error.what(), screw.part.number + " rev 2"));
}

TEST_CASE("lifecycle: a release needs every reviewer's approval") {
    Company company;
    const auto made = company.draft("Gearbox");
    company.plm.management().submit(made.revision.id, {company.grace, company.root}, company.ada);
    CHECK_THROWS_AS(company.plm.management().release(made.revision.id, company.grace), Conflict);
    company.plm.management().approve(made.revision.id, company.grace);
    CHECK(contains(caught<Conflict>([&] { company.plm.management().release(made.revision.id, company.grace); }).what(),
                   "not approved by all reviewers"));
    company.plm.management().approve(made.revision.id, company.root);
    company.plm.management().release(made.revision.id, company.grace);
}

TEST_CASE("lifecycle: rejected, it is a draft again, and the same reviewer is asked in a new round") {
    Company company;
    const auto made = company.draft("Gearbox");
    auto management = company.plm.management();
    management.submit(made.revision.id, {company.grace, company.root}, company.ada);
    management.reject(made.revision.id, company.grace, "the teeth are too small");
    CHECK(company.plm.revisions().get(made.revision.id).state == State::draft);
    CHECK(company.plm.approvals().pending_for(company.root).empty());
    management.submit(made.revision.id, {company.grace}, company.ada);
    management.approve(made.revision.id, company.grace);
    management.release(made.revision.id, company.grace);
    const auto all = company.plm.approvals().list(made.revision.id);
    REQUIRE(all.size() == 3);
    CHECK(all[0].round == 1);
    CHECK(all[0].decision == Decision::rejected);
    CHECK(all[0].comment == "the teeth are too small");
    CHECK(all[1].decision == Decision::withdrawn);
    CHECK(all[2].round == 2);
    CHECK(all[2].decision == Decision::approved);
}

TEST_CASE("lifecycle: withdrawn, it can be submitted again, and the approval from before does not count") {
    Company company;
    const auto made = company.draft("Gearbox");
    auto management = company.plm.management();
    management.submit(made.revision.id, {company.grace}, company.ada);
    management.approve(made.revision.id, company.grace);
    management.withdraw(made.revision.id, company.ada);
    management.submit(made.revision.id, {company.grace}, company.ada);
    CHECK_THROWS_AS(management.release(made.revision.id, company.grace), Conflict);
    management.approve(made.revision.id, company.grace);
    management.release(made.revision.id, company.grace);
}

TEST_CASE("lifecycle: the review of a second revision is its own") {
    Company company;
    const auto made = company.released("Gearbox");
    const auto second = company.plm.management().new_revision(made.part.id, company.ada);
    CHECK_FALSE(company.plm.approvals().is_approved(second.id));
    company.plm.management().submit(second.id, {company.grace}, company.ada);
    CHECK(company.plm.approvals().list(second.id).front().round == 1);
    CHECK_THROWS_AS(company.plm.management().release(second.id, company.grace), Conflict);
}

TEST_CASE("lifecycle: a new revision waits until the last one is released") {
    Company company;
    const auto made = company.draft("Gearbox");
    CHECK_THROWS_AS(company.plm.management().new_revision(made.part.id, company.ada), Conflict);
}

TEST_CASE("lifecycle: no transition outside of the table, neither by name nor by raw SQL") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto error =
        caught<InvalidTransition>([&] { company.plm.workflows().move(made.revision.id, "release", company.root); });
    CHECK(error.from() == "Draft");
    CHECK(error.to() == "release");
    CHECK(error.allowed() == std::vector<std::string>{"submit"});
    CHECK(contains(error.what(), "AS-10000 rev 1 is Draft, from where there is no 'release'; allowed: submit"));
    CHECK_THROWS_AS(company.plm.management().release(made.revision.id, company.grace), InvalidTransition);
    CHECK_THROWS_AS(company.db().execute_mut([&](sqlane::Writer& w) {
        w.run("UPDATE Revisions SET state = 'Released' WHERE revision_id = ?", made.revision.id);
    }),
                    sqlane::ConstraintError);
    CHECK_THROWS_AS(company.db().execute_mut([&](sqlane::Writer& w) {
        w.run(
            "INSERT INTO Revisions(part_id, sequence, label, state, author_id, created_date, modified_date) "
            "VALUES (?, 9, '9', 'Released', ?, 0, 0)",
            made.part.id, company.ada);
    }),
                    sqlane::ConstraintError);
}

TEST_CASE("locked: each edit of a released item is refused, by the managers and by raw SQL") {
    Company company;
    const auto screw = company.released("Screw");
    const auto nut = company.released("Nut");
    const auto made = company.draft("Gearbox", {line_of(screw.part)});
    const auto id = made.revision.id;
    sqlane::testing::TemporaryFolder project;
    std::ofstream{project.path() / "a.txt"} << "a";
    const auto file = company.plm.files().attach(id, project.path(), "a.txt");
    company.plm.properties().set(made.part.id, {"mass", PropertyType::floating, "1.5"});
    company.plm.properties().set(id, {"colour", PropertyType::string, "red"});
    const auto line = company.plm.relationships().lines(id).front();
    company.release(id);
    const auto before = fingerprint(company);

    auto part = company.plm.parts().get(made.part.id);
    part.name = "Gearbox 2";
    const auto relationships = company.plm.relationships();
    CHECK_THROWS_AS(company.plm.parts().update(part), Locked);
    CHECK_THROWS_AS(relationships.add(id, line_of(nut.part)), Locked);
    CHECK_THROWS_AS(relationships.update(line.id, line_of(nut.part)), Locked);
    CHECK_THROWS_AS(relationships.remove(line.id), Locked);
    CHECK_THROWS_AS(company.plm.properties().set(made.part.id, {"mass", PropertyType::floating, "2"}), Locked);
    CHECK_THROWS_AS(company.plm.properties().set(id, {"colour", PropertyType::string, "blue"}), Locked);
    CHECK_THROWS_AS(company.plm.properties().remove(id, "colour"), Locked);
    CHECK_THROWS_AS(company.plm.properties().remove(made.part.id, "mass"), Locked);
    CHECK_THROWS_AS(company.plm.files().attach(id, project.path(), "a.txt"), Locked);
    CHECK_THROWS_AS(company.plm.files().detach(file.id), Locked);
    CHECK_THROWS_AS(company.plm.revisions().discard(id), Locked);
    CHECK_THROWS_AS(company.plm.revisions().set_change_note(company.plm.revisions().get(id), "x"), Locked);
    CHECK_THROWS_AS(company.plm.revisions().set_workflow(id, WorkflowId{1}), Locked);
    CHECK_THROWS_AS(company.plm.management().edit(id, company.root, [] {}), Locked);
    CHECK(contains(caught<Locked>([&] { relationships.remove(line.id); }).what(),
                   made.part.number + " rev 1 is locked: it is Released; make a new revision to change it"));

    const auto revision = std::to_string(id.value);
    const auto part_id = std::to_string(made.part.id.value);
    for (const std::string& sql : std::vector<std::string>{
             "UPDATE Parts SET name = 'x' WHERE part_id = " + part_id,
             "UPDATE Parts SET description = 'x' WHERE part_id = " + part_id,
             "UPDATE Parts SET number = 'x' WHERE part_id = " + part_id,
             "DELETE FROM Parts WHERE part_id = " + part_id,
             "UPDATE Revisions SET label = 'x' WHERE revision_id = " + revision,
             "UPDATE Revisions SET change_note = 'x' WHERE revision_id = " + revision,
             "UPDATE Revisions SET author_id = 1 WHERE revision_id = " + revision,
             "UPDATE Revisions SET state = 'Draft' WHERE revision_id = " + revision,
             "DELETE FROM Revisions WHERE revision_id = " + revision,
             "UPDATE Relationships SET quantity_micro = 7 WHERE parent_revision_id = " + revision,
             "DELETE FROM Relationships WHERE parent_revision_id = " + revision,
             "INSERT INTO Relationships(parent_revision_id, child_part_id, quantity_micro) VALUES (" + revision +
                 ", 2, 1)",
             "UPDATE Relationships SET parent_revision_id = 1 WHERE parent_revision_id = " + revision,
             "UPDATE Properties SET value = 'x' WHERE revision_id = " + revision,
             "UPDATE Properties SET value = 'x' WHERE part_id = " + part_id,
             "DELETE FROM Properties WHERE revision_id = " + revision,
             "DELETE FROM Properties WHERE part_id = " + part_id,
             "INSERT INTO Properties(revision_id, key, type, value) VALUES (" + revision + ", 'k', 'string', 'v')",
             "INSERT INTO Properties(part_id, key, type, value) VALUES (" + part_id + ", 'k', 'string', 'v')",
             "UPDATE Files SET path = 'x' WHERE revision_id = " + revision,
             "DELETE FROM Files WHERE revision_id = " + revision,
             "UPDATE Approvals SET decision = 'Rejected' WHERE revision_id = " + revision,
             "UPDATE History SET new_value = 'x'",
             "DELETE FROM History"}) {
        CAPTURE(sql);
        CHECK_THROWS_AS(company.db().execute_mut([&](sqlane::Writer& w) { w.run(sql); }), sqlane::ConstraintError);
    }
    CHECK(fingerprint(company) == before);
    CHECK(company.plm.relationships().lines(id).front().line == line.line);
}

TEST_CASE("locked: what is in review stays as it is too") {
    Company company;
    const auto made = company.draft("Gearbox");
    company.plm.management().submit(made.revision.id, {company.grace}, company.ada);
    CHECK(contains(caught<Locked>([&] { company.plm.management().edit(made.revision.id, company.ada, [] {}); }).what(),
                   "is In Review; withdraw it to change it"));
}

// ---- rights ----

TEST_CASE("rights: every cell of the table") {
    using enum Right;
    const auto may = [](Role role) {
        std::vector<bool> all;
        for (const auto right :
             {read, create_parts, edit_own_drafts, edit_others_drafts, decide, decide_own, manage_users})
            all.push_back(PartManagementManager::has_right(role, right));
        return all;
    };
    CHECK(may(Role::designer) == std::vector{true, true, true, false, true, false, false});
    CHECK(may(Role::viewer) == std::vector{true, false, false, false, false, false, false});
    CHECK(may(Role::admin) == std::vector{true, true, true, true, true, false, true});
    for (const auto role : {Role::designer, Role::viewer})
        CHECK_FALSE(PartManagementManager::has_right(role, decide_own, OwnWork::allowed));
    CHECK(PartManagementManager::has_right(Role::admin, decide_own, OwnWork::allowed));
}

TEST_CASE("rights: every step of the lifecycle asks for them") {
    // Of Ada's part: who may do the step, when nothing else stands in the way.
    struct Step {
        const char* name;
        std::vector<std::string> allowed;
        std::function<void(Company&, const CreatedPart&)> prepare;
        std::function<void(Company&, const CreatedPart&, UserId)> run;
    };
    const auto submit = [](Company& c, const CreatedPart& p) {
        c.plm.management().submit(p.revision.id, {c.grace, c.root, c.vera, c.ada}, c.ada);
    };
    const auto approved = [](Company& c, const CreatedPart& p) {
        c.plm.management().submit(p.revision.id, {c.grace}, c.ada);
        c.plm.management().approve(p.revision.id, c.grace);
    };
    const auto released = [](Company& c, const CreatedPart& p) { c.release(p.revision.id); };
    const auto nothing = [](Company&, const CreatedPart&) {};
    const std::vector<Step> steps{
        {"read",
         {"Ada", "Grace", "Vera", "root"},
         nothing,
         [](Company& c, const CreatedPart& p, UserId) { static_cast<void>(c.plm.parts().get(p.part.id)); }},
        {"create",
         {"Ada", "Grace", "root"},
         nothing,
         [](Company& c, const CreatedPart&, UserId by) {
             c.plm.management().create_part({.part = {.category = "EL", .name = "x"}}, by);
         }},
        {"edit",
         {"Ada", "root"},
         nothing,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().edit(p.revision.id, by, [] {}); }},
        {"submit",
         {"Ada", "root"},
         nothing,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().submit(p.revision.id, {c.grace}, by); }},
        {"withdraw",
         {"Ada", "root"},
         submit,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().withdraw(p.revision.id, by); }},
        {"approve",
         {"Grace", "root"},
         submit,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().approve(p.revision.id, by); }},
        {"reject",
         {"Grace", "root"},
         submit,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().reject(p.revision.id, by, "no"); }},
        {"release",
         {"Grace", "root"},
         approved,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().release(p.revision.id, by); }},
        {"obsolete",
         {"Grace", "root"},
         released,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().make_obsolete(p.revision.id, by); }},
        {"new revision",
         {"Ada", "Grace", "root"},
         released,
         [](Company& c, const CreatedPart& p, UserId by) { c.plm.management().new_revision(p.part.id, by); }},
        {"manage users", {"root"}, nothing, [](Company& c, const CreatedPart&, UserId by) {
             c.plm.users().add("New", Role::viewer, by);
         }}};
    for (const auto& step : steps) {
        CAPTURE(step.name);
        std::vector<std::string> allowed;
        for (const char* name : {"Ada", "Grace", "Vera", "root"}) {
            Company company;
            const auto made = company.draft("Gearbox");
            step.prepare(company, made);
            const auto before = fingerprint(company);
            try {
                step.run(company, made, company.plm.users().find(name).id);
                allowed.emplace_back(name);
            } catch (const PermissionDenied& error) {
                CHECK(contains(error.what(), name));
                CHECK(fingerprint(company) == before);
            }
        }
        CHECK(allowed == step.allowed);
    }
}

TEST_CASE("rights: nobody approves his own work, an Admin neither unless the call says so") {
    Company company;
    auto management = company.plm.management();
    const auto made = management.create_part({.part = {.category = "AS", .name = "Root's"}}, company.root);
    management.submit(made.revision.id, {company.root, company.grace}, company.root);
    CHECK(contains(caught<PermissionDenied>([&] { management.approve(made.revision.id, company.root); }).what(),
                   "it is root's own work"));
    management.approve(made.revision.id, company.root, "", OwnWork::allowed);
    management.approve(made.revision.id, company.grace);
    CHECK_THROWS_AS(management.release(made.revision.id, company.root), PermissionDenied);
    management.release(made.revision.id, company.root, OwnWork::allowed);

    const auto ada = company.draft("Ada's");
    management.submit(ada.revision.id, {company.ada, company.grace}, company.ada);
    CHECK_THROWS_AS(management.approve(ada.revision.id, company.ada, "", OwnWork::allowed), PermissionDenied);
}

TEST_CASE("rights: who has left may do nothing more") {
    Company company;
    company.plm.users().deactivate(company.ada, company.root);
    CHECK(contains(caught<PermissionDenied>([&] { company.draft("x"); }).what(), "no longer active"));
}

TEST_CASE("rights: the first user is an Admin, and the last one stays") {
    Company company;
    CHECK_THROWS_AS(company.plm.users().set_role(company.root, Role::viewer, company.root), Conflict);
    CHECK_THROWS_AS(company.plm.users().deactivate(company.root, company.root), Conflict);
    CHECK_THROWS_AS(company.plm.users().add("nobody's", Role::viewer), PermissionDenied);
    const sqlane::testing::TemporaryFolder folder;
    DatabaseManager empty{folder.path() / "empty.db"};
    CHECK_THROWS_AS(empty.users().add("first", Role::designer), InvalidValue);
}

// ---- composition ----

TEST_CASE("create_part: with its revision, BOM and properties in one transaction") {
    Company company;
    const auto screw = company.part("Screw", "ME");
    const auto made = company.plm.management().create_part(
        {.part = {.category = "EL", .subcategory = "RES", .name = "Board", .description = "with screws"},
         .bom = {line_of(screw, Quantity{4})},
         .properties = {{"mass", PropertyType::floating, "0.5"}},
         .change_note = "first"},
        company.ada);
    CHECK(made.part.number == "EL-RES-10001");
    CHECK(made.revision.label == "1");
    CHECK(made.revision.change_note == "first");
    CHECK(company.plm.relationships().lines(made.revision.id).front().line.quantity == Quantity{4});
    CHECK(company.plm.properties().get(made.part.id, "mass").value == "0.5");
}

TEST_CASE("create_part: inside another transaction, on a pool of one") {
    sqlane::Options options;
    options.readers = {.min_idle = 1, .max = 1, .overflow = 0};
    Company company{options};
    const auto before = fingerprint(company);
    struct Stop {};
    CHECK_THROWS_AS(company.db().transaction([&] {
        company.draft("Gearbox");
        company.draft("Motor");
        throw Stop{};
    }),
                    Stop);
    CHECK(fingerprint(company) == before);
    const auto made = company.db().transaction([&] { return company.draft("Gearbox"); });
    CHECK(made.part.number == "AS-10000");
}

TEST_CASE("warnings: what uses a retired or an obsolete part is told") {
    Company company;
    const auto screw = company.released("Screw");
    const auto nut = company.part("Nut");
    const auto motor = company.released("Motor");
    const auto made = company.draft("Gearbox", {line_of(screw.part), line_of(nut), line_of(motor.part)});
    CHECK(company.plm.management().warnings(made.revision.id).empty());
    company.plm.management().make_obsolete(screw.revision.id, company.grace);
    company.plm.parts().retire(nut.id);
    CHECK(company.plm.management().warnings(made.revision.id) ==
          std::vector<std::string>{screw.part.number + " is obsolete", nut.number + " is retired"});
}
