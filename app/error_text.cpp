#include "cli.hpp"

#include <plm/errors.hpp>
#include <plm/exchange.hpp>

#include <sqlane/errors.hpp>
#include <sqlane/migrator.hpp>

#include <algorithm>
#include <array>
#include <iostream>

namespace cli {
namespace {

template <class T>
bool is(const std::exception* error) {
    return dynamic_cast<const T*>(error) != nullptr;
}

struct Kind {
    const char* name;
    bool (*matches)(const std::exception*);
    const char* advice;
};

constexpr const char* give_time =
    "Close the program that holds the file, or allow more time, as in SQLANE_POOL_TIMEOUT=2m.";
/// A class before its base.
constexpr std::array<Kind, 23> kinds{{
    {"UsageError", is<BadUsage>, ""},
    {"Timeout", is<sqlane::Timeout>, give_time},
    {"Saturated", is<sqlane::Saturated>, "Allow more callers to wait, as in SQLANE_POOL_QUEUE=1000."},
    {"Busy", is<sqlane::Busy>, give_time},
    {"Deadlock", is<sqlane::Deadlock>, ""},
    {"UsageError", is<sqlane::UsageError>, ""},
    {"ImportStopped", is<plm::ImportStopped>, ""},
    {"InvalidValue", is<plm::InvalidValue>, ""},
    {"Conflict", is<plm::Conflict>, ""},
    {"PermissionDenied", is<plm::PermissionDenied>, "See the users and their roles: sqlane user list."},
    {"InvalidTransition", is<plm::InvalidTransition>, ""},
    {"Locked", is<plm::Locked>, ""},
    {"MigrationError", is<sqlane::MigrationError>, "See where the database is: sqlane migrate status."},
    {"Cancelled", is<sqlane::Cancelled>, "Run the command again."},
    {"ConstraintError", is<sqlane::ConstraintError>, ""},
    {"NotFound", is<sqlane::NotFound>, ""},
    {"TypeError", is<sqlane::TypeError>, ""},
    {"CorruptError", is<sqlane::CorruptError>, restore_advice},
    {"StorageError", is<sqlane::StorageError>,
     "Check the path, the rights of the file and of its folder, and the space on the disk."},
    {"Closed", is<sqlane::Closed>, ""},
    {"Aborted", is<sqlane::Aborted>, "Run the command again."},
    {"Error", is<sqlane::Error>, ""},
    {"InternalError", is<std::exception>, "This is a fault of sqlane: please report it with the command."},
}};

const Kind& find_kind(const std::exception& error) {
    return *std::ranges::find_if(kinds, [&](const Kind& kind) { return kind.matches(&error); });
}

/// https://www.sqlite.org/rescode.html#notadb
bool is_not_a_database(const std::exception& error) {
    const auto* ours = dynamic_cast<const sqlane::Error*>(&error);
    return ours != nullptr && (ours->sqlite_code() & 0xff) == 26;
}

/// Where to look for what is not there.
const char* advice_for(const plm::NotFound& error) {
    struct Place {
        const char* kind;
        const char* advice;
    };
    constexpr std::array<Place, 5> places{{{"part", "Look for it: sqlane part search WORDS"},
                                           {"revision", "See the revisions: sqlane rev list NUMBER"},
                                           {"line", "See the lines: sqlane bom explode NUMBER"},
                                           {"category", "See them: sqlane category list"},
                                           {"user", "See them: sqlane user list"}}};
    const auto* found = std::ranges::find(places, error.kind(), &Place::kind);
    return found == places.end() ? "" : found->advice;
}

Json to_json(const plm::ImportResult& result) {
    return {{"rows", result.rows},
            {"imported", result.imported},
            {"bad_rows", result.bad_rows},
            {"settled", result.settled}};
}

/// What a program would otherwise read out of the message.
void add_details(Json& object, const std::exception& error) {
    if (const auto* conflict = dynamic_cast<const plm::Conflict*>(&error)) {
        object["changes"] = Json::array();
        for (const auto& change : conflict->changes())
            object["changes"].push_back({{"field", change.field}, {"theirs", change.theirs}, {"yours", change.yours}});
    }
    if (const auto* transition = dynamic_cast<const plm::InvalidTransition*>(&error)) {
        object["from"] = transition->from();
        object["to"] = transition->to();
        object["allowed"] = transition->allowed();
    }
    if (const auto* value = dynamic_cast<const plm::InvalidValue*>(&error)) object["field"] = value->field();
    if (const auto* stopped = dynamic_cast<const plm::ImportStopped*>(&error))
        object["result"] = to_json(stopped->result());
}

void print_changes(const plm::Conflict& conflict) {
    if (conflict.changes().empty()) return;
    std::vector<std::vector<std::string>> rows{{"field", "theirs", "yours"}};
    for (const auto& change : conflict.changes())
        rows.push_back({printable(change.field), printable(change.theirs), printable(change.yours)});
    std::cerr << table(rows, "lll");
}

}  // namespace

std::string kind_of(const std::exception& error) { return find_kind(error).name; }

std::string advice_for(const std::exception& error) {
    if (const auto* usage_error = dynamic_cast<const BadUsage*>(&error)) return usage_error->advice();
    if (is_not_a_database(error)) return "Name a SQLite database. If this one is encrypted, sqlane cannot read it.";
    if (const auto* not_found = dynamic_cast<const plm::NotFound*>(&error)) return advice_for(*not_found);
    return find_kind(error).advice;
}

Json to_json(const std::exception& error) {
    Json object{{"kind", kind_of(error)}, {"message", error.what()}};
    if (const auto advice = advice_for(error); !advice.empty()) object["advice"] = advice;
    if (const auto* ours = dynamic_cast<const sqlane::Error*>(&error); ours != nullptr && ours->sqlite_code() != 0)
        object["sqlite_code"] = ours->sqlite_code();
    add_details(object, error);
    return object;
}

void print_error(std::string_view kind, std::string_view message, std::string_view advice) {
    std::cerr << "sqlane: " << kind << ": " << printable(message, true) << '\n';
    if (!advice.empty()) std::cerr << "  " << advice << '\n';
}

void tell(const std::exception& error, bool json) {
    if (json) return print(Json{{"error", to_json(error)}});
    print_error(kind_of(error), error.what(), advice_for(error));
    if (const auto* conflict = dynamic_cast<const plm::Conflict*>(&error)) print_changes(*conflict);
}

bool is_cancelled(const std::exception& error) {
    const auto* migration = dynamic_cast<const sqlane::MigrationError*>(&error);
    return is<sqlane::Cancelled>(&error) ||
           (migration != nullptr && migration->problem() == sqlane::MigrationProblem::cancelled);
}

}  // namespace cli
