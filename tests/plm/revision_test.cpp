#include <doctest/doctest.h>

#include "plm/kit.hpp"

#include <fstream>
#include <string>
#include <vector>

// The promises of revisions: their order, their labels, and what a new one begins with.

using namespace plm;
using plm_test::Company;
using support::caught;
using support::contains;

namespace {

std::vector<std::string> labels_of(const std::vector<Revision>& revisions) {
    std::vector<std::string> labels;
    for (const auto& revision : revisions) labels.push_back(revision.label);
    return labels;
}

}  // namespace

TEST_CASE("revision: twelve comes after eleven, and the latest is the last one made") {
    Company company;
    const auto part = company.part("Gearbox");
    const auto revisions = company.plm.revisions();
    for (int i = 1; i <= 12; ++i) CHECK(revisions.create(part.id, company.ada).label == std::to_string(i));
    CHECK(revisions.latest(part.id)->label == "12");
    CHECK(labels_of(revisions.list(part.id)).back() == "12");
    CHECK(revisions.next_label(part.id) == "13");
}

TEST_CASE("revision: AA comes after Z, and BA after AZ") {
    Company company;
    company.plm.categories().set_labels("AS", LabelStyle::letters);
    const auto part = company.part("Gearbox", "AS");
    const auto revisions = company.plm.revisions();
    for (int i = 0; i < 26; ++i) revisions.create(part.id, company.ada);
    CHECK(revisions.latest(part.id)->label == "Z");
    CHECK(revisions.create(part.id, company.ada).label == "AA");
    for (int i = 0; i < 25; ++i) revisions.create(part.id, company.ada);
    CHECK(revisions.latest(part.id)->label == "AZ");
    CHECK(revisions.create(part.id, company.ada).label == "BA");
}

TEST_CASE("revision: a category that changes its style goes on without a duplicate") {
    Company company;
    const auto part = company.part("Gearbox", "AS");
    const auto revisions = company.plm.revisions();
    revisions.create(part.id, company.ada);
    company.plm.categories().set_labels("AS", LabelStyle::letters);
    CHECK(revisions.create(part.id, company.ada).label == "A");
    company.plm.categories().set_labels("AS", LabelStyle::numeric);
    CHECK(revisions.create(part.id, company.ada).label == "2");
    CHECK(labels_of(revisions.list(part.id)) == std::vector<std::string>{"1", "A", "2"});
}

TEST_CASE("revision: two within one second are in the order in which they were made") {
    Company company;
    const auto part = company.part("Gearbox");
    const auto revisions = company.plm.revisions();
    const auto first = revisions.create(part.id, company.ada);
    const auto second = revisions.create(part.id, company.ada);
    company.db().execute_mut([&](sqlane::Writer& w) {
        w.run("UPDATE Revisions SET created_date = 1000, modified_date = 1000 WHERE part_id = ?", part.id);
    });
    CHECK(revisions.latest(part.id)->id == second.id);
    CHECK(revisions.list(part.id).front().id == first.id);
}

TEST_CASE("revision: a new one has the lines, the properties and the files of the last one") {
    Company company;
    const auto screw = company.part("Screw");
    const auto made = company.draft("Gearbox", {{.child = screw.id,
                                                 .quantity = Quantity::parse("2.5"),
                                                 .unit = "kg",
                                                 .find_number = 10,
                                                 .designators = "S1, S2",
                                                 .note = "greased"}});
    const sqlane::testing::TemporaryFolder project;
    std::ofstream{project.path() / "drawing.txt"} << "lines";
    company.plm.files().attach(made.revision.id, project.path(), "drawing.txt", FileKind::drawing);
    company.plm.properties().set(made.revision.id, {"mass", PropertyType::floating, "2"});
    const auto next = company.plm.revisions().create(made.part.id, company.grace);
    CHECK(next.state == State::draft);
    CHECK(next.author == company.grace);
    CHECK(company.plm.relationships().lines(next.id).front().line ==
          company.plm.relationships().lines(made.revision.id).front().line);
    CHECK(company.plm.relationships().compare(made.revision.id, next.id).empty());
    CHECK(company.plm.properties().get(next.id, "mass").value == "2");
    CHECK(company.plm.files().list(next.id).front().path == "drawing.txt");
    // They are its own from here on.
    company.plm.properties().set(next.id, {"mass", PropertyType::floating, "3"});
    CHECK(company.plm.properties().get(made.revision.id, "mass").value == "2");
}

TEST_CASE("revision: a draft can be discarded unless somebody uses exactly it") {
    Company company;
    const auto screw = company.draft("Screw");
    const auto made = company.draft("Gearbox", {{.child = screw.part.id, .pinned = screw.revision.id}});
    const auto revisions = company.plm.revisions();
    CHECK(contains(caught<Conflict>([&] { revisions.discard(screw.revision.id); }).what(),
                   made.part.number + " uses exactly " + screw.part.number + " rev 1"));
    revisions.discard(made.revision.id);
    revisions.discard(screw.revision.id);
    CHECK(revisions.list(screw.part.id).empty());
    CHECK_THROWS_AS(revisions.get(screw.revision.id), plm::NotFound);
    CHECK_THROWS_AS(revisions.find(screw.part.id, "1"), plm::NotFound);
}

TEST_CASE("revision: the second of two who note a change is told") {
    Company company;
    const auto read = company.draft("Gearbox").revision;
    const auto revisions = company.plm.revisions();
    revisions.set_change_note(read, "stronger teeth");
    const auto conflict = caught<Conflict>([&] { revisions.set_change_note(read, "weaker teeth"); });
    REQUIRE(conflict.changes().size() == 1);
    CHECK(conflict.changes()[0].theirs == "stronger teeth");
}

// ---- workflows ----

TEST_CASE("workflow: needs one beginning, from which every state can be reached, and ends that are its own") {
    Company company;
    const auto workflows = company.plm.workflows();
    const auto refused = [&](const NewWorkflow& workflow) {
        return std::string{caught<InvalidValue>([&] { workflows.add(workflow); }).what()};
    };
    CHECK(contains(refused({"w", {}, {}}), "needs at least one"));
    CHECK(contains(refused({"w", {"a", "b"}, {}}), "no transition leads from a to b"));
    CHECK(contains(refused({"w", {"a", "b"}, {{"go", "a", "c"}}}), "'c' is no state of this workflow"));
    CHECK(contains(refused({"w", {"a", "a"}, {}}), "named twice"));
    CHECK(contains(refused({"w", {"a", "b"}, {{"go", "a", "b"}, {"stay", "a", "a"}}}), "to itself"));
    CHECK(contains(refused({" ", {"a"}, {}}), "must not be empty"));
    CHECK_THROWS_AS(workflows.add({"Lifecycle", {"a"}, {}}), Conflict);
    CHECK(workflows.list().size() == 1);
    const auto id = workflows.add({"Quick",
                                   {"Draft", "In Review", "Released"},
                                   {{"submit", "Draft", "In Review"}, {"release", "In Review", "Released"}}});
    CHECK(workflows.get(id).states.front().is_initial);
    CHECK(workflows.find("Quick").transitions.size() == 2);
    workflows.remove(id);
    CHECK_THROWS_AS(workflows.get(id), plm::NotFound);
    CHECK_THROWS_AS(workflows.remove(WorkflowId{1}), Conflict);
}

TEST_CASE("workflow: a revision follows its own") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto workflows = company.plm.workflows();
    const auto id = workflows.add({"Quick",
                                   {"Draft", "Released", "Obsolete"},
                                   {{"publish", "Draft", "Released"}, {"obsolete", "Released", "Obsolete"}}});
    company.plm.revisions().set_workflow(made.revision.id, id);
    CHECK_THROWS_AS(workflows.move(made.revision.id, "submit"), InvalidTransition);
    REQUIRE(workflows.allowed(made.revision.id).size() == 1);
    workflows.move(made.revision.id, "publish");
    CHECK(company.plm.revisions().get(made.revision.id).state == State::released);
    CHECK_THROWS_AS(workflows.remove(id), Conflict);
    const auto other = workflows.add({"Other", {"New", "Old"}, {{"age", "New", "Old"}}});
    const auto next = company.plm.revisions().create(made.part.id, company.ada);
    CHECK(next.workflow == id);
    CHECK_THROWS_AS(company.plm.revisions().set_workflow(next.id, other), sqlane::TypeError);
}

// ---- reviews ----

TEST_CASE("review: at least one reviewer is not the author, and none is named twice") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto approvals = company.plm.approvals();
    CHECK_THROWS_AS(approvals.request(made.revision.id, {}), InvalidValue);
    CHECK(contains(caught<InvalidValue>([&] { approvals.request(made.revision.id, {company.ada}); }).what(),
                   "somebody else than the author, Ada"));
    CHECK(contains(caught<InvalidValue>([&] {
                       approvals.request(made.revision.id, {company.grace, company.grace});
                   }).what(),
                   "Grace is named twice"));
    CHECK_THROWS_AS(approvals.request(made.revision.id, {UserId{77}}), plm::NotFound);
    CHECK(approvals.request(made.revision.id, {company.ada, company.grace}) == 1);
    CHECK_THROWS_AS(approvals.request(made.revision.id, {company.grace}), Conflict);
    CHECK_THROWS_AS(company.db().execute_mut([&](sqlane::Writer& w) {
        w.run("INSERT INTO Approvals(revision_id, round, reviewer_id, requested_date) VALUES (?, 1, ?, 0)",
              made.revision.id, company.grace);
    }),
                    sqlane::ConstraintError);
}

TEST_CASE("review: who was not asked cannot answer, and nobody answers twice") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto approvals = company.plm.approvals();
    approvals.request(made.revision.id, {company.grace, company.root});
    CHECK_THROWS_AS(approvals.approve(made.revision.id, company.vera), plm::NotFound);
    approvals.approve(made.revision.id, company.grace);
    CHECK_THROWS_AS(approvals.approve(made.revision.id, company.grace), Conflict);
    CHECK_THROWS_AS(approvals.reject(made.revision.id, company.root, " "), InvalidValue);
    CHECK_FALSE(approvals.is_approved(made.revision.id));
    approvals.approve(made.revision.id, company.root);
    CHECK(approvals.is_approved(made.revision.id));
}

// ---- what was found by trying ----

TEST_CASE("revision: the history of a discarded one is its own, and its part tells of it") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto part = company.part("Screw");
    const auto revisions = company.plm.revisions();
    const auto gone = revisions.create(part.id, company.ada);
    revisions.discard(gone.id, company.ada);
    const auto next = revisions.create(made.part.id, company.ada);
    CHECK(next.id != gone.id);
    CHECK(company.plm.history().of(next.id).size() == 1);
    CHECK(company.plm.history().of(part.id).back().action == "revision discarded");
}

TEST_CASE("revision: one that was reviewed is not discarded, for its reviews are kept") {
    Company company;
    const auto made = company.draft("Gearbox");
    company.plm.management().submit(made.revision.id, {company.grace}, company.ada);
    company.plm.management().reject(made.revision.id, company.grace, "no");
    CHECK_THROWS_AS(company.plm.revisions().discard(made.revision.id), Conflict);
    CHECK(company.plm.approvals().list(made.revision.id).size() == 1);
}

TEST_CASE("revision: a label that nobody counts to is passed over") {
    Company company;
    const auto part = company.part("Gearbox");
    company.plm.revisions().adopt(part.id, "9223372036854775807", company.ada);
    CHECK(company.plm.revisions().next_label(part.id) == "1");
}

TEST_CASE("lifecycle: an older revision is not released over a newer one") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto newer = company.plm.revisions().create(made.part.id, company.ada);
    company.release(newer.id);
    company.plm.management().submit(made.revision.id, {company.grace}, company.ada);
    company.plm.management().approve(made.revision.id, company.grace);
    CHECK_THROWS_AS(company.plm.management().release(made.revision.id, company.grace), Conflict);
    CHECK(company.plm.revisions().get(newer.id).state == State::released);
}
