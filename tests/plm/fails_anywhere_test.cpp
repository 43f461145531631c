#include <doctest/doctest.h>

#include "plm/kit.hpp"

#include <sqlite3.h>

#include <string>

// The promise: whichever statement fails, nothing of the whole stays, and the number that was drawn is not lost.

using namespace plm;
using plm_test::Company;

namespace {

/// Interrupts the statement that is the given one from now on, on every connection opened while this lives.
class FailAt {
public:
    FailAt() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&on_open)); }
    FailAt(const FailAt&) = delete;
    FailAt& operator=(const FailAt&) = delete;
    ~FailAt() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&on_open)); }

    static void arm(int statement) { left() = statement; }
    /// False when there were not as many statements.
    static bool has_failed() { return left() <= 0; }

private:
    static int& left() {
        static int statements = 0;
        return statements;
    }
    static int on_open(sqlite3* db, char** /*message*/, const void* /*api*/) {
        return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, &on_statement, db);
    }
    static int on_statement(unsigned /*kind*/, void* db, void* /*statement*/, void* /*text*/) {
        if (left() > 0 && --left() == 0) sqlite3_interrupt(static_cast<sqlite3*>(db));
        return 0;
    }
};

std::string everything(Company& company) {
    return company.db().execute([](sqlane::Reader& r) {
        std::string all;
        for (const char* sql : {"SELECT group_concat(number || name || version) FROM Parts",
                                "SELECT group_concat(part_id || label || state) FROM Revisions",
                                "SELECT group_concat(parent_revision_id || child_part_id) FROM Relationships",
                                "SELECT group_concat(key || value) FROM Properties",
                                "SELECT group_concat(history_id || action) FROM History",
                                "SELECT group_concat(rowid || name) FROM PartSearch",
                                "SELECT CAST(next_value AS TEXT) FROM PartSequence"})
            all += r.one<std::optional<std::string>>(sql).value_or("-") + "\n";
        return all;
    });
}

}  // namespace

TEST_CASE("create_part: a failure at every statement leaves nothing of it, and the number is not lost") {
    const FailAt fail;
    Company company;
    const auto screw = company.part("Screw");
    const auto nut = company.part("Nut");
    const PartPackage package{.part = {.category = "EL", .subcategory = "RES", .name = "Board"},
                              .bom = {{.child = screw.id, .find_number = 1}, {.child = nut.id, .find_number = 2}},
                              .properties = {{"mass", PropertyType::floating, "0.5"}}};
    const auto before = everything(company);
    int statement = 1;
    for (;; ++statement) {
        CAPTURE(statement);
        FailAt::arm(statement);
        try {
            const auto made = company.plm.management().create_part(package, company.ada);
            FailAt::arm(0);
            CHECK(made.part.number == "EL-RES-10002");
            break;
        } catch (const sqlane::Error&) {
            REQUIRE(FailAt::has_failed());
            REQUIRE(everything(company) == before);
        }
    }
    MESSAGE("statements that failed, one after the other: " << statement - 1);
    CHECK(statement > 30);
}
