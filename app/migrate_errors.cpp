#include "migrate_errors.hpp"

#include <sqlane/migrator.hpp>

#include <array>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <optional>

namespace cli {
namespace {

using sqlane::MigrationError;
using sqlane::MigrationProblem;

struct Trouble {
    int exit_code = failed;
    /// Stable, for machines.
    std::string problem;
    std::string code;
    std::string message;
    std::string advice;
};

int exit_code_for(MigrationProblem problem) {
    switch (problem) {
        case MigrationProblem::failed: return failed;
        case MigrationProblem::refused: return refused;
        case MigrationProblem::newer: return newer;
        case MigrationProblem::busy: return busy;
        case MigrationProblem::drift: return drifted;
        case MigrationProblem::storage: return storage;
        case MigrationProblem::cancelled: return cancelled;
    }
    return failed;
}

std::string seconds(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%g s", value);
    return text.data();
}

std::string words_for_busy(const MigrateContext& context) {
    return "another process kept " + context.database + " locked; gave up " +
           (context.lock_timeout > 0 ? "after waiting " + seconds(context.lock_timeout) : "at once");
}

std::string what_is_left(const MigrateContext& context) {
    return context.commit_each_file ? "The files before it stay applied, see status." : "Nothing was changed.";
}

Trouble trouble(MigrationProblem problem, const std::string& code, const std::string& message,
                const MigrateContext& context) {
    Trouble trouble{.exit_code = exit_code_for(problem),
                    .problem = sqlane::to_string(problem),
                    .code = code,
                    .message = message,
                    .advice = {}};
    switch (problem) {
        case MigrationProblem::failed:
            trouble.advice = what_is_left(context) + " Correct the file, and run the command again.";
            break;
        case MigrationProblem::newer:
            if (code == "newer-database")
                trouble.advice = "Or undo what the newer build did, with the SQL that it stored: up --downgrade.";
            break;
        case MigrationProblem::busy:
            trouble.message = words_for_busy(context);
            trouble.advice = "Close the program that uses it, or wait longer: --lock-timeout SECONDS.";
            break;
        case MigrationProblem::storage:
            trouble.advice = what_is_left(context) + " Run the command again when the disk is in order.";
            break;
        case MigrationProblem::cancelled: trouble.advice = what_is_left(context); break;
        case MigrationProblem::refused:
        case MigrationProblem::drift: break;  // the message says it all
    }
    return trouble;
}

/// For a person who has just pressed Ctrl-C, the place alone.
std::string words_of(const MigrationError& error) {
    const auto& place = error.place();
    if (error.problem() != MigrationProblem::cancelled || !place) return error.what();
    return place->file + ", statement " + std::to_string(place->statement) + " of " + std::to_string(place->statements);
}

template <class T>
bool is(const std::exception& error) {
    return dynamic_cast<const T*>(&error) != nullptr;
}

/// What the calls throw that run no migration.
std::optional<Trouble> trouble_of_other(const std::exception& error, const MigrateContext& context) {
    constexpr int not_a_database = 26;  // https://www.sqlite.org/rescode.html#notadb
    const auto* ours = dynamic_cast<const sqlane::Error*>(&error);
    const int sqlite_code = ours == nullptr ? 0 : ours->sqlite_code() & 0xff;
    const auto make = [&](MigrationProblem problem, const char* code) {
        return trouble(problem, code, error.what(), context);
    };
    if (is<BadUsage>(error) || (is<sqlane::UsageError>(error) && sqlite_code == 0))
        return Trouble{.exit_code = usage,
                       .problem = "usage",
                       .code = "usage",
                       .message = error.what(),
                       .advice = advice_for(error)};
    if (is<sqlane::Busy>(error)) return make(MigrationProblem::busy, "busy");
    if (is<sqlane::Cancelled>(error)) return make(MigrationProblem::cancelled, "cancelled");
    if (is<sqlane::StorageError>(error) || is<std::filesystem::filesystem_error>(error))
        return make(MigrationProblem::storage, "storage");
    if (!is<sqlane::CorruptError>(error)) return std::nullopt;
    if (sqlite_code == not_a_database)
        return Trouble{
            .exit_code = newer,
            .problem = "foreign",
            .code = "not-a-database",
            .message = context.database + " is no SQLite database, or an encrypted one; it was left as it is",
            .advice = "Name another file: --db FILE."};
    auto damaged = make(MigrationProblem::storage, "damaged-database");
    damaged.advice = advice_for(error);
    return damaged;
}

Json to_json(const Trouble& trouble, const std::exception& error) {
    Json object{
        {"kind", kind_of(error)}, {"problem", trouble.problem}, {"code", trouble.code}, {"message", trouble.message}};
    if (!trouble.advice.empty()) object["advice"] = trouble.advice;
    if (const auto* ours = dynamic_cast<const sqlane::Error*>(&error); ours != nullptr && ours->sqlite_code() != 0)
        object["sqlite_code"] = ours->sqlite_code();
    const auto* migration = dynamic_cast<const MigrationError*>(&error);
    if (migration == nullptr || !migration->place()) return object;
    const auto& place = *migration->place();
    object["place"] = {{"file", place.file},
                       {"line", place.line},
                       {"column", place.column},
                       {"statement", place.statement},
                       {"statements", place.statements},
                       {"excerpt", place.excerpt}};
    return object;
}

/// A tab would be shown as a control character; the line and the caret below it have the same ones.
std::string without_tabs(const std::string& text) {
    std::string shown;
    for (const char c : text) shown += c == '\t' ? std::string(4, ' ') : std::string{c};
    return shown;
}

}  // namespace

int tell_error(const std::exception& error, const MigrateContext& context, bool json) {
    const auto* migration = dynamic_cast<const MigrationError*>(&error);
    const auto found = migration == nullptr
                           ? trouble_of_other(error, context)
                           : trouble(migration->problem(), migration->code(), words_of(*migration), context);
    if (!found) throw;
    if (json)
        print(Json{{"error", to_json(*found, error)}});
    else
        print_error(found->exit_code == usage ? "UsageError" : found->problem, without_tabs(found->message),
                    found->advice);
    return found->exit_code;
}

}  // namespace cli
