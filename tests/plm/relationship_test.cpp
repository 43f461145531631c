#include <doctest/doctest.h>

#include "plm/kit.hpp"

#include <atomic>
#include <string>
#include <vector>

// The promises of bills of materials: exact quantities, no cycle, and lines that freeze with their revision.

using namespace plm;
using plm_test::Company;
using support::caught;
using support::contains;
using support::Crew;
using support::Steps;

namespace {

BomLine line_of(const Part& part, const char* quantity = "1") {
    return {.child = part.id, .quantity = Quantity::parse(quantity)};
}

std::string words_of(const std::vector<ExplodedLine>& lines) {
    std::string text;
    for (const auto& line : lines)
        text += std::string(static_cast<std::size_t>(line.level), '.') + line.name + " " + to_string(line.total) + "\n";
    return text;
}

}  // namespace

TEST_CASE("quantity: exact, and in one form") {
    CHECK(to_string(Quantity::parse("0.10")) == "0.1");
    CHECK(to_string(Quantity::parse("-12.50")) == "-12.5");
    CHECK(to_string(Quantity::parse("007")) == "7");
    Quantity sum;
    for (int i = 0; i < 10; ++i) sum = sum + Quantity::parse("0.1");
    CHECK(sum == Quantity{1});
    CHECK(Quantity::parse("0.25") * Quantity{4} == Quantity{1});
    CHECK(Quantity::parse("1.000001").micro() == 1'000'001);
    CHECK(Quantity::from_micro(2'500'000) == Quantity::parse("2.5"));
    for (const char* bad : {"", ".", "1.", ".5", "-", "1,5", "1e3", " 1", "1 ", "0x1", "nan", "--1", "1.2.3"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(Quantity::parse(bad), InvalidValue);
    }
    CHECK_THROWS_AS(Quantity::parse("99999999999999999999"), InvalidValue);
    CHECK_THROWS_AS(static_cast<void>(Quantity::parse("0.0000001").micro()), InvalidValue);
    CHECK_THROWS_AS(Quantity{9'000'000'000'000'000'000} + Quantity{9'000'000'000'000'000'000}, InvalidValue);
    CHECK_THROWS_AS(Quantity{4'000'000'000} * Quantity{4'000'000'000}, InvalidValue);
}

TEST_CASE("BOM: five levels are exploded depth first, with the quantities multiplied") {
    Company company;
    const auto e = company.draft("E");
    const auto d = company.draft("D", {line_of(e.part, "0.5")});
    const auto c = company.draft("C", {line_of(d.part, "3"), line_of(e.part, "2")});
    const auto b = company.draft("B", {line_of(c.part, "2")});
    const auto a = company.draft("A", {line_of(b.part, "1.5"), line_of(d.part, "4")});
    const auto top = company.draft("Top", {line_of(a.part, "10")});
    const auto lines = company.plm.relationships().explode(top.revision.id);
    CHECK(words_of(lines) ==
          ".A 10\n"
          "..B 15\n"
          "...C 30\n"
          "....D 90\n"
          ".....E 45\n"
          "....E 60\n"
          "..D 40\n"
          "...E 20\n");
    std::string totals;
    for (const auto& flat : company.plm.relationships().flat_totals(top.revision.id))
        totals += flat.name + (flat.is_assembly ? "+ " : " ") + to_string(flat.total) + "\n";
    CHECK(totals == "E 125\nD+ 130\nC+ 30\nB+ 15\nA+ 10\n");
}

TEST_CASE("BOM: lines come by find number, then as they were added") {
    Company company;
    const auto screw = company.part("screw");
    const auto nut = company.part("nut");
    const auto bolt = company.part("bolt");
    const auto made = company.draft("Gearbox");
    auto first = line_of(screw);
    auto second = line_of(nut);
    second.find_number = 20;
    auto third = line_of(bolt);
    third.find_number = 10;
    for (const auto& line : {first, second, third}) company.plm.relationships().add(made.revision.id, line);
    CHECK(words_of(company.plm.relationships().explode(made.revision.id)) == ".bolt 1\n.nut 1\n.screw 1\n");
    third.child = nut.id;
    CHECK(contains(caught<Conflict>([&] { company.plm.relationships().add(made.revision.id, third); }).what(),
                   "a line with the find number 10 is there already"));
}

TEST_CASE("BOM: children are resolved as pinned, as the latest or as the latest released") {
    Company company;
    const auto screw = company.released("Screw");
    const auto draft = company.plm.management().new_revision(screw.part.id, company.ada);
    const auto nut = company.draft("Nut");
    auto pinned = line_of(screw.part);
    pinned.pinned = screw.revision.id;
    const auto made = company.draft("Gearbox", {pinned, line_of(screw.part), line_of(nut.part)});
    const auto resolved = [&](Resolve how) {
        std::vector<std::optional<RevisionId>> all;
        for (const auto& line : company.plm.relationships().explode(made.revision.id, how))
            all.push_back(line.revision);
        return all;
    };
    using All = std::vector<std::optional<RevisionId>>;
    CHECK(resolved(Resolve::pinned) == All{screw.revision.id, draft.id, nut.revision.id});
    CHECK(resolved(Resolve::latest) == All{draft.id, draft.id, nut.revision.id});
    CHECK(resolved(Resolve::latest_released) == All{screw.revision.id, screw.revision.id, std::nullopt});
}

TEST_CASE("BOM: a part cannot contain itself, at no level") {
    Company company;
    const auto c = company.draft("C");
    const auto b = company.draft("B", {line_of(c.part)});
    const auto a = company.draft("A", {line_of(b.part)});
    const auto relationships = company.plm.relationships();
    CHECK(contains(caught<InvalidValue>([&] { relationships.add(c.revision.id, line_of(c.part)); }).what(),
                   "cannot contain itself"));
    CHECK(contains(caught<InvalidValue>([&] { relationships.add(c.revision.id, line_of(a.part)); }).what(),
                   a.part.number + " contains " + c.part.number + " already"));
    const auto line = relationships.lines(b.revision.id).front();
    CHECK_THROWS_AS(relationships.update(line.id, line_of(a.part)), InvalidValue);
    // A reference may go round.
    auto reference = line_of(a.part);
    reference.kind = RelationshipKind::reference;
    relationships.add(c.revision.id, reference);
    CHECK(relationships.explode(c.revision.id).empty());
    CHECK_THROWS_AS(company.db().execute_mut([&](sqlane::Writer& w) {
        w.run("INSERT INTO Relationships(parent_revision_id, child_part_id, quantity_micro) VALUES (?, ?, 1)",
              c.revision.id, c.part.id);
    }),
                    sqlane::ConstraintError);
}

TEST_CASE("BOM: of two threads that insert the halves of a cycle exactly one succeeds") {
    for (int round = 0; round < support::rounds(100); ++round) {
        Company company;
        const auto a = company.draft("A");
        const auto b = company.draft("B");
        Steps steps;
        Crew crew{steps};
        std::atomic<int> succeeded = 0;
        std::atomic<int> refused = 0;
        const auto insert = [&](RevisionId parent, const Part& child) {
            steps.wait_for("both are there");
            try {
                company.plm.relationships().add(parent, line_of(child));
                ++succeeded;
            } catch (const InvalidValue&) {
                ++refused;
            }
        };
        crew.start([&] { insert(a.revision.id, b.part); });
        crew.start([&] { insert(b.revision.id, a.part); });
        steps.reach("both are there");
        crew.join();
        REQUIRE(succeeded == 1);
        REQUIRE(refused == 1);
    }
}

TEST_CASE("BOM: a cycle that was put in behind our back ends with an error") {
    Company company;
    const auto a = company.draft("A");
    const auto b = company.draft("B", {line_of(a.part)});
    company.db().execute_mut([&](sqlane::Writer& w) {
        w.run("INSERT INTO Relationships(parent_revision_id, child_part_id, quantity_micro) VALUES (?, ?, 1000000)",
              a.revision.id, b.part.id);
    });
    CHECK(contains(caught<InvalidValue>([&] { return company.plm.relationships().explode(a.revision.id); }).what(),
                   "something in it contains itself"));
    CHECK(company.plm.relationships().where_used(a.part.id, UsedAt::all_levels).size() == 2);
}

TEST_CASE("BOM: what a line cannot be") {
    Company company;
    const auto screw = company.draft("Screw");
    const auto nut = company.draft("Nut");
    const auto made = company.draft("Gearbox");
    const auto field = [&](const BomLine& line) {
        return caught<InvalidValue>([&] { company.plm.relationships().add(made.revision.id, line); }).field();
    };
    CHECK(field(line_of(screw.part, "0")) == "quantity");
    CHECK(field(line_of(screw.part, "-1")) == "quantity");
    CHECK(field(line_of(screw.part, "0.0000001")) == "quantity");
    auto line = line_of(screw.part);
    line.unit = "";
    CHECK(field(line) == "unit");
    line = line_of(screw.part);
    line.find_number = 0;
    CHECK(field(line) == "find number");
    line = line_of(screw.part);
    line.pinned = nut.revision.id;
    CHECK(field(line) == "child revision");
    CHECK_THROWS_AS(company.plm.relationships().add(made.revision.id, {.child = PartId{77}}), plm::NotFound);
    CHECK(company.plm.relationships().lines(made.revision.id).empty());
}

TEST_CASE("BOM: where a part is used, one level, all levels and at the top, in the latest revisions") {
    Company company;
    const auto screw = company.draft("Screw");
    const auto motor = company.draft("Motor", {line_of(screw.part)});
    const auto gearbox = company.draft("Gearbox", {line_of(motor.part)});
    const auto car = company.draft("Car", {line_of(gearbox.part), line_of(screw.part)});
    const auto relationships = company.plm.relationships();
    const auto used = [&](UsedAt at) {
        std::string text;
        for (const auto& use : relationships.where_used(screw.part.id, at))
            text += std::to_string(use.level) + use.name + (use.is_top ? "! " : " ");
        return text;
    };
    CHECK(used(UsedAt::one_level) == "1Motor 1Car! ");
    CHECK(used(UsedAt::all_levels) == "1Motor 1Car! 2Gearbox ");
    CHECK(used(UsedAt::top_level) == "1Car! ");
    const auto next = company.plm.revisions().create(car.part.id, company.ada);
    for (const auto& line : relationships.lines(next.id)) relationships.remove(line.id);
    CHECK(used(UsedAt::all_levels) == "1Motor 2Gearbox! ");
}

TEST_CASE("BOM: ten thousand lines in one query") {
    Company company;
    const int lines = support::rounds(10'000);
    const auto top = company.draft("Top");
    company.db().transaction([&](sqlane::Transaction& tx) {
        const auto screw = company.part("Screw");
        for (int i = 0; i < lines / 100; ++i) {
            const auto made = company.draft("Assembly");
            company.plm.relationships().add(top.revision.id, line_of(made.part, "2"));
            for (int n = 0; n < 99; ++n)
                tx.run(
                    "INSERT INTO Relationships(parent_revision_id, child_part_id, quantity_micro) "
                    "VALUES (?, ?, 1000000)",
                    made.revision.id, screw.id);
        }
    });
    const auto before = company.db().stats().readers.lent;
    CHECK(company.plm.relationships().explode(top.revision.id).size() == static_cast<std::size_t>(lines));
    CHECK(company.db().stats().readers.lent == before + 1);
    const auto totals = company.plm.relationships().flat_totals(top.revision.id);
    CHECK(totals.back().total + Quantity{0} == Quantity{lines / 100 * 99 * 2});
}

TEST_CASE("BOM: two revisions are compared line by line") {
    Company company;
    const auto screw = company.part("screw");
    const auto nut = company.part("nut");
    const auto bolt = company.part("bolt");
    const auto made = company.draft("Gearbox", {line_of(screw), line_of(nut, "2")});
    const auto next = company.plm.revisions().create(made.part.id, company.ada);
    const auto relationships = company.plm.relationships();
    auto lines = relationships.lines(next.id);
    relationships.remove(lines[0].id);
    relationships.update(lines[1].id, line_of(nut, "3"));
    relationships.add(next.id, line_of(bolt));
    const auto differences = relationships.compare(made.revision.id, next.id);
    REQUIRE(differences.size() == 3);
    CHECK(differences[0].part == screw.id);
    CHECK_FALSE(differences[0].after);
    CHECK(differences[1].before->quantity == Quantity{2});
    CHECK(differences[1].after->quantity == Quantity{3});
    CHECK(differences[2].part == bolt.id);
    CHECK_FALSE(differences[2].before);
}

TEST_CASE("BOM: where a part stands in several lines, only what differs is told") {
    Company company;
    const auto screw = company.part("screw");
    auto line = line_of(screw);
    line.find_number = 20;
    const auto made = company.draft("Gearbox", {line, line_of(screw, "7")});
    const auto next = company.plm.revisions().create(made.part.id, company.ada);
    auto added = line_of(screw, "5");
    added.find_number = 10;
    company.plm.relationships().add(next.id, added);
    const auto differences = company.plm.relationships().compare(made.revision.id, next.id);
    REQUIRE(differences.size() == 1);
    CHECK_FALSE(differences[0].before);
    CHECK(differences[0].after->quantity == Quantity{5});
}
