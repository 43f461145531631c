#pragma once

// After doctest.
#include <sqlane/errors.hpp>
#include <sqlane/reader.hpp>
#include <sqlane/stats.hpp>

#include <sqlite3.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

/// What the tests of the handle room share.
namespace handle_tests {

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// What the call complains of. The test fails when it throws nothing, or another class.
template <class E, class Call>
std::string complaint(Call&& call, const std::source_location& at = std::source_location::current()) {
    const auto fail = [&at](const std::string& what) {
        ADD_FAIL_CHECK_AT(at.file_name(), static_cast<int>(at.line()), what);
        return std::string{};
    };
    try {
        call();
    } catch (const E& error) {
        return error.what();
    } catch (const std::exception& other) {
        return fail(std::string{"threw another class: "} + other.what());
    }
    return fail("threw nothing");
}

/// What a folder holds, to prove that nothing appeared. Opens none of the files: closing any descriptor of a live
/// database drops the locks of this process on it.
inline std::vector<std::string> names_in(const std::filesystem::path& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{folder})
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

/// Only for files that no manager has open.
inline std::string content_of(const std::filesystem::path& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// While this lives, every connection that SQLite opens gets the SQL function raw_handle(), by which a test reaches the
/// connection beneath a Reader, and so does to it what no closure can.
class RawHandles {
public:
    RawHandles() { sqlite3_auto_extension(reinterpret_cast<void (*)()>(&RawHandles::on_open)); }
    RawHandles(const RawHandles&) = delete;
    RawHandles& operator=(const RawHandles&) = delete;
    ~RawHandles() { sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(&RawHandles::on_open)); }

    static sqlite3* of(sqlane::Reader& reader) {
        return reinterpret_cast<sqlite3*>(reader.one<std::int64_t>("SELECT raw_handle()"));
    }

private:
    static int on_open(sqlite3* db, char** /*message*/, const void* /*api*/) {
        return sqlite3_create_function(db, "raw_handle", 0, SQLITE_UTF8, nullptr, &RawHandles::tell, nullptr, nullptr);
    }
    static void tell(sqlite3_context* context, int /*count*/, sqlite3_value** /*values*/) {
        sqlite3_result_int64(context, reinterpret_cast<std::intptr_t>(sqlite3_context_db_handle(context)));
    }
};

/// The first value that a statement returns, asked beneath sqlane; the message when it fails.
inline std::string raw_value(sqlite3* db, const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, nullptr) != SQLITE_OK) return sqlite3_errmsg(db);
    std::string value;
    const int code = sqlite3_step(statement);
    if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        value = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    else if (code != SQLITE_DONE)
        value = sqlite3_errmsg(db);
    sqlite3_finalize(statement);
    return value;
}

/// Warnings of one kind, oldest first.
inline std::vector<sqlane::Warning> warnings_of(const sqlane::Report& report, sqlane::Warning::Kind kind) {
    std::vector<sqlane::Warning> found;
    for (const auto& warning : report.warnings)
        if (warning.kind == kind) found.push_back(warning);
    return found;
}

}  // namespace handle_tests
