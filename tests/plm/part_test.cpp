#include <doctest/doctest.h>

#include "plm/kit.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

// The promises of parts: their numbers, their pages, what is found, and who was there first.

using namespace plm;
using plm_test::Company;
using support::caught;
using support::contains;
using support::Crew;
using support::Steps;

namespace {

std::vector<std::string> names_of(const std::vector<Part>& parts) {
    std::vector<std::string> names;
    for (const auto& part : parts) names.push_back(part.name);
    return names;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("part: the number is category, subcategory and the next of the sequence") {
    Company company;
    const auto parts = company.plm.parts();
    CHECK(parts.create({.category = "EL", .subcategory = "RES", .name = "R"}).number == "EL-RES-10000");
    CHECK(parts.create({.category = "AS", .name = "A"}).number == "AS-10001");
    CHECK(parts.find("AS-10001").name == "A");
}

TEST_CASE("part: eight threads draw numbers without a gap and without a duplicate") {
    Company company;
    const int each = support::rounds(500);
    Steps steps;
    Crew crew{steps};
    for (int i = 0; i < 8; ++i) {
        crew.start([&] {
            steps.wait_for("all are there");
            for (int n = 0; n < each; ++n) company.draft("part");
        });
    }
    steps.reach("all are there");
    crew.join();
    CHECK(company.value<int>("SELECT count(*) FROM Parts") == 8 * each);
    CHECK(company.value<int>("SELECT count(DISTINCT number) FROM Parts") == 8 * each);
    CHECK(company.value<int>("SELECT max(CAST(substr(number, 4) AS INTEGER)) FROM Parts") == 10000 + 8 * each - 1);
    CHECK(company.value<int>("SELECT next_value FROM PartSequence") == 10000 + 8 * each);
    const auto stats = company.db().stats();
    CHECK(stats.writer.timeouts + stats.writer.rejections == 0);
}

TEST_CASE("part: a failure draws no number") {
    Company company;
    const auto parts = company.plm.parts();
    CHECK(caught<InvalidValue>([&] { parts.create({.category = "XX", .name = "x"}); }).field() == "category");
    CHECK(caught<InvalidValue>([&] { parts.create({.category = "EL", .subcategory = "XYZ", .name = "x"}); }).field() ==
          "subcategory");
    CHECK(caught<InvalidValue>([&] { parts.create({.category = "EL", .name = " "}); }).field() == "name");
    CHECK(caught<InvalidValue>([&] { parts.create({.category = "EL", .name = "a\x01"}); }).field() == "name");
    CHECK(company.part("x").number == "EL-10000");
}

TEST_CASE("part: the second of two editors learns what the first one changed") {
    Company company;
    const auto read = company.part("Resistor");
    auto first = read;
    first.name = "Resistor 4k7";
    auto second = read;
    second.name = "Resistor 10k";
    second.description = "0603";
    const auto parts = company.plm.parts();
    CHECK(parts.update(first, company.ada).version == 2);
    const auto conflict = caught<Conflict>([&] { parts.update(second, company.grace); });
    REQUIRE(conflict.changes().size() == 2);
    CHECK(conflict.changes()[0].field == "name");
    CHECK(conflict.changes()[0].theirs == "Resistor 4k7");
    CHECK(conflict.changes()[0].yours == "Resistor 10k");
    CHECK(conflict.changes()[1].field == "description");
    CHECK(contains(conflict.what(),
                   "EL-10000 was changed by somebody else (version 2, yours was made from 1); "
                   "differs in name, description; read it again"));
    CHECK(parts.get(read.id).name == "Resistor 4k7");
    auto again = parts.get(read.id);
    again.description = "0603";
    CHECK(parts.update(again, company.grace).version == 3);
}

TEST_CASE("part: of many editors at once each change is made from the newest or refused") {
    Company company;
    const auto part = company.part("0");
    Steps steps;
    Crew crew{steps};
    std::atomic<int> won = 0;
    for (int i = 0; i < 4; ++i) {
        crew.start([&] {
            for (int n = 0; n < support::rounds(100);) {
                auto edited = company.plm.parts().get(part.id);
                edited.name = std::to_string(std::stoi(edited.name) + 1);
                try {
                    company.plm.parts().update(edited);
                    ++won;
                    ++n;
                } catch (const Conflict&) {
                    continue;
                }
            }
        });
    }
    crew.join();
    CHECK(company.plm.parts().get(part.id).name == std::to_string(won.load()));
}

TEST_CASE("part: what is updated is in the history, field by field") {
    Company company;
    auto part = company.part("Resistor");
    part.name = "R";
    part.subcategory = "RES";
    company.plm.parts().update(part, company.grace);
    const auto entries = company.plm.history().of(part.id);
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].action == "created");
    CHECK(entries[0].by == company.ada);
    CHECK(entries[1].action == "name");
    CHECK(*entries[1].from == "Resistor");
    CHECK(*entries[1].to == "R");
    CHECK(entries[2].action == "subcategory");
    CHECK(entries[2].by == company.grace);
}

TEST_CASE("part: what is not there is NotFound, and says which") {
    Company company;
    const auto parts = company.plm.parts();
    CHECK(caught<plm::NotFound>([&] { return parts.get(PartId{77}); }).which() == "with id 77");
    CHECK(std::string{caught<plm::NotFound>([&] { return parts.find("EL-1"); }).what()} == "there is no part 'EL-1'");
    CHECK_THROWS_AS(parts.update({.id = PartId{77}, .name = "x"}), plm::NotFound);
    CHECK_THROWS_AS(parts.retire(PartId{77}), plm::NotFound);
    CHECK_THROWS_AS(parts.restore(PartId{77}), plm::NotFound);
    CHECK_THROWS_AS(company.plm.properties().set(PartId{77}, {"k", PropertyType::string, "v"}), plm::NotFound);
    CHECK_THROWS_AS(company.plm.revisions().create(PartId{77}, company.ada), plm::NotFound);
    CHECK_THROWS_AS(company.plm.manufacturer_parts().add(PartId{77}, "m", "n"), plm::NotFound);
    CHECK_THROWS_AS(company.plm.relationships().where_used(PartId{77}), plm::NotFound);
    CHECK_THROWS_AS(company.plm.files().detach(FileId{77}), plm::NotFound);
    CHECK_THROWS_AS(company.plm.relationships().remove(RelationshipId{77}), plm::NotFound);
    CHECK_THROWS_AS(company.plm.workflows().move(RevisionId{77}, "submit"), plm::NotFound);
    CHECK_THROWS_AS(company.plm.approvals().withdraw(RevisionId{77}), plm::NotFound);
    CHECK_THROWS_AS(company.plm.categories().rename("XX", "YY", "y"), plm::NotFound);
    CHECK_THROWS_AS(company.plm.users().set_role(UserId{77}, Role::viewer, company.root), plm::NotFound);
    CHECK(company.value<int>("SELECT count(*) FROM History WHERE subject <> 'user'") == 0);
}

TEST_CASE("part: retired it is out of sight and its number is not issued again, restored it is back") {
    Company company;
    const auto part = company.part("Resistor");
    const auto parts = company.plm.parts();
    parts.retire(part.id);
    CHECK(parts.list().parts.empty());
    CHECK(parts.search("resistor").empty());
    CHECK(parts.list({.with_retired = true}).parts.size() == 1);
    CHECK(parts.get(part.id).retired.has_value());
    CHECK(company.part("other").number == "EL-10001");
    parts.restore(part.id);
    CHECK(parts.search("resistor").size() == 1);
}

TEST_CASE("part: a number from elsewhere is kept, and later ones are drawn above it") {
    Company company;
    Part old{.number = "EL-RES-20000", .category = "EL", .subcategory = "RES", .name = "old"};
    old.created = Time{std::chrono::seconds{1000}};
    old.modified = Time{std::chrono::seconds{2000}};
    const auto parts = company.plm.parts();
    const auto adopted = parts.adopt(old);
    CHECK(adopted.number == "EL-RES-20000");
    CHECK(adopted.created == old.created);
    CHECK(company.part("new").number == "EL-20001");
    CHECK_THROWS_AS(parts.adopt(old), Conflict);
    old.number = "EL-RES-15000";
    parts.adopt(old);
    CHECK(company.part("new").number == "EL-20002");
}

TEST_CASE("part: an enum text that this build does not know is an error that says what it knows") {
    Company company;
    const auto made = company.draft("Gearbox");
    // A newer build may know more states than the CHECK of this one.
    company.db().execute_mut([&](sqlane::Writer& w) {
        w.run("PRAGMA ignore_check_constraints=ON");
        w.run("UPDATE Revisions SET label = label WHERE 0");
        w.run("INSERT INTO WorkflowStates(workflow_id, name) VALUES (1, 'Frozen')");
        w.run(
            "INSERT INTO WorkflowTransitions(workflow_id, name, from_state_id, to_state_id) "
            "VALUES (1, 'freeze', 1, (SELECT state_id FROM WorkflowStates WHERE name = 'Frozen'))");
        w.run("UPDATE Revisions SET state = 'Frozen' WHERE revision_id = ?", made.revision.id);
    });
    const auto error = caught<sqlane::TypeError>([&] { return company.plm.revisions().get(made.revision.id); });
    CHECK(contains(error.what(),
                   "'Frozen' is no state of a revision that this build knows: Draft, In Review, "
                   "Released, Obsolete"));
}

TEST_CASE("part: pages follow one another without a gap, also while parts are added, in every order") {
    Company company;
    for (const char* name : {"beta", "Alpha", "gamma", "Beta", "alpha", "delta", "Echo"}) company.part(name);
    const auto parts = company.plm.parts();
    for (const auto order : {PartOrder::number, PartOrder::name, PartOrder::newest_change}) {
        CAPTURE(static_cast<int>(order));
        const auto all = names_of(parts.list({}, order).parts);
        for (const int size : {1, 2, 3, 7, 8}) {
            CAPTURE(size);
            Names paged;
            std::optional<std::string> after;
            do {
                const auto page = parts.list({}, order, size, after);
                CHECK(page.parts.size() <= static_cast<std::size_t>(size));
                for (const auto& name : names_of(page.parts)) paged.push_back(name);
                after = page.next;
            } while (after);
            CHECK(paged == all);
        }
    }
    CHECK(names_of(parts.list({}, PartOrder::name).parts) ==
          Names{"Alpha", "alpha", "beta", "Beta", "delta", "Echo", "gamma"});
    CHECK_THROWS_AS(parts.list({}, PartOrder::name, 2, "nonsense"), InvalidValue);
    CHECK_THROWS_AS(parts.list({}, PartOrder::name, 0), InvalidValue);
}

TEST_CASE("part: lists are filtered by category, subcategory and the state of the newest revision") {
    Company company;
    company.plm.parts().create({.category = "EL", .subcategory = "RES", .name = "R"});
    company.plm.parts().create({.category = "EL", .subcategory = "CAP", .name = "C"});
    company.draft("draft");
    company.released("released");
    const auto parts = company.plm.parts();
    CHECK(names_of(parts.list({.category = "EL"}).parts) == Names{"C", "R"});
    CHECK(names_of(parts.list({.category = "EL", .subcategory = "CAP"}).parts) == Names{"C"});
    CHECK(names_of(parts.list({.state = State::released}).parts) == Names{"released"});
    CHECK(parts.count({.category = "EL"}) == 2);
    CHECK(parts.count({.state = State::draft}) == 1);
    CHECK(parts.count() == 4);
}

// ---- search ----

TEST_CASE("search: in number, name, description, manufacturer numbers and properties, in step with every change") {
    Company company;
    const auto parts = company.plm.parts();
    auto part = parts.create(
        {.category = "EL", .subcategory = "RES", .name = "Resistor 4k7", .description = "thin film, 0.1 %"});
    const auto finds = [&](std::string_view words) { return parts.search(words).size() == 1; };
    CHECK(finds("EL-RES-10000"));
    CHECK(finds("10000"));
    CHECK(finds("resis"));
    CHECK(finds("RESISTOR film"));
    CHECK(finds("\"thin film\""));
    CHECK_FALSE(finds("\"film thin\""));
    CHECK_FALSE(finds("resistor capacitor"));
    const auto id = company.plm.manufacturer_parts().add(part.id, "Yageo", "RC0603FR-074K7L");
    CHECK(finds("yageo"));
    CHECK(finds("rc0603fr"));
    company.plm.manufacturer_parts().remove(id);
    CHECK_FALSE(finds("yageo"));
    company.plm.properties().set(part.id, {"package", PropertyType::string, "SMD1234"});
    CHECK(finds("smd1234"));
    company.plm.properties().remove(part.id, "package");
    CHECK_FALSE(finds("smd1234"));
    part = parts.get(part.id);
    part.name = "Widerstand";
    parts.update(part);
    CHECK(finds("widerst"));
    CHECK_FALSE(finds("resistor"));
    // What was rolled back is not found.
    CHECK_THROWS(company.db().transaction([&] {
        company.part("phantom");
        throw std::runtime_error{"no"};
    }));
    CHECK(parts.search("phantom").empty());
}

TEST_CASE("search: whatever is typed is no syntax error") {
    Company company;
    company.part("a \"quoted\" name (with) brackets");
    const auto parts = company.plm.parts();
    for (const std::string& typed : std::vector<std::string>{"",         " ",        "\"",
                                                             "\"\"",     "*",        "a*",
                                                             "(",        ")",        "(a",
                                                             "NEAR(",    "AND",      "OR",
                                                             "NOT",      "a AND",    "a OR b",
                                                             "-",        "--",       "-a",
                                                             "+",        "^a",       "{a}",
                                                             "a:b",      "name:a",   ":",
                                                             "'",        "';--",     "%",
                                                             "_",        "\\",       "\"a",
                                                             "a\"b",     "\"a\" \"", std::string("a\0b", 3),
                                                             "\xff\xfe", "a\nb",     "ä ö ü",
                                                             "日本",     "–",        "\"–\"",
                                                             "...",      "a.b,c;d"}) {
        CAPTURE(typed);
        CHECK_NOTHROW(parts.search(typed));
    }
    CHECK(parts.search("\"quoted\" brackets").size() == 1);
    CHECK(parts.search("\"quoted\" -- (brack").size() == 1);
    CHECK(parts.search("a AND quoted").empty());  // AND is a word like others
}

TEST_CASE("search: the number before the name before the rest, and no more than asked for") {
    Company company;
    company.plm.parts().create({.category = "EL", .name = "other", .description = "motor"});
    company.plm.parts().create({.category = "EL", .name = "motor"});
    CHECK(names_of(company.plm.parts().search("motor")) == Names{"motor", "other"});
    CHECK(company.plm.parts().search("motor", 1).size() == 1);
}

TEST_CASE("part: texts are readable everywhere, so that what is kept can be exported and shown") {
    Company company;
    const auto made = company.draft("Gearbox");
    const auto screw = company.part("Screw");
    for (const std::string& bad : {std::string("a\0b", 3), std::string{"\x1b[2J"}, std::string{"\xff"}}) {
        CAPTURE(bad);
        const auto parts = company.plm.parts();
        CHECK(caught<InvalidValue>([&] {
                  parts.create({.category = "EL", .name = "x", .description = bad});
              }).field() == "description");
        CHECK_THROWS_AS(parts.create({.category = "EL", .name = bad}), InvalidValue);
        CHECK_THROWS_AS(company.plm.relationships().add(made.revision.id, {.child = screw.id, .note = bad}),
                        InvalidValue);
        CHECK_THROWS_AS(company.plm.properties().set(made.part.id, {"k", PropertyType::string, bad}), InvalidValue);
        CHECK_THROWS_AS(company.plm.revisions().set_change_note(made.revision, bad), InvalidValue);
        CHECK_THROWS_AS(company.plm.manufacturer_parts().add(screw.id, "m", "n", bad), InvalidValue);
    }
    CHECK(company.plm.parts()
              .create({.category = "EL", .name = "ä", .description = "two\r\nlines\tand a tab"})
              .description.size() == 20);
}

TEST_CASE("part: a number from elsewhere cannot use the sequence up") {
    Company company;
    company.plm.parts().adopt({.number = "EL-9223372036854775806", .category = "EL", .name = "x"});
    CHECK(company.part("next").number == "EL-10000");
}

TEST_CASE("part: a number that an adopted part has is passed over when it is drawn") {
    Company company;
    const auto parts = company.plm.parts();
    parts.adopt({.number = "EL-999999999999999", .category = "EL", .name = "x"});
    parts.adopt({.number = "EL-1000000000000000", .category = "EL", .name = "y"});
    CHECK(company.part("z").number == "EL-1000000000000001");
}

TEST_CASE("part: a number from elsewhere can be typed, and stands before @revision") {
    Company company;
    for (const char* bad : {" ", "A 1", "A-1 ", "A@1", "A\n1", "A\t1"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(company.plm.parts().adopt({.number = bad, .category = "EL", .name = "x"}), InvalidValue);
    }
}
