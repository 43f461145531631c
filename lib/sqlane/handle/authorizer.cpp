#include "handle/authorizer.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

namespace sqlane::detail {
namespace {

/// Pragmas that only tell, whatever their argument.
constexpr std::array<std::string_view, 19> telling{
    "collation_list",   "compile_options", "data_version",  "database_list", "foreign_key_check",
    "foreign_key_list", "freelist_count",  "function_list", "index_info",    "index_list",
    "index_xinfo",      "integrity_check", "module_list",   "page_count",    "pragma_list",
    "quick_check",      "table_info",      "table_list",    "table_xinfo"};

/// Pragmas that tell when they have no argument, and would change the handle or the file when they have one.
constexpr std::array<std::string_view, 20> telling_without_value{
    "application_id", "auto_vacuum",  "busy_timeout",   "cache_size",         "cache_spill",
    "encoding",       "foreign_keys", "journal_mode",   "locking_mode",       "max_page_count",
    "mmap_size",      "page_size",    "query_only",     "recursive_triggers", "schema_version",
    "synchronous",    "temp_store",   "trusted_schema", "user_version",       "wal_autocheckpoint"};

/// Pragmas with which a closure would take away what the lanes stand on, or reach beyond its own handle.
constexpr std::array<std::string_view, 17> forbidden{"activate_extensions",
                                                     "busy_timeout",
                                                     "cache_spill",
                                                     "data_store_directory",
                                                     "hard_heap_limit",
                                                     "hexkey",
                                                     "hexrekey",
                                                     "journal_mode",
                                                     "key",
                                                     "locking_mode",
                                                     "query_only",
                                                     "rekey",
                                                     "soft_heap_limit",
                                                     "temp_store_directory",
                                                     "trusted_schema",
                                                     "wal_autocheckpoint",
                                                     "writable_schema"};

/// Pragmas that change the file or do work, and leave nothing behind on the handle. Whether defer_foreign_keys did is
/// looked at when the handle comes back.
constexpr std::array<std::string_view, 9> changing_the_file{
    "application_id", "auto_vacuum", "defer_foreign_keys", "encoding",    "incremental_vacuum",
    "optimize",       "page_size",   "shrink_memory",      "user_version"};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
    return std::ranges::find(list, name) != list.end();
}

std::string lower(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

bool only_tells(std::string_view pragma, bool has_value) {
    return contains(telling, pragma) || (!has_value && contains(telling_without_value, pragma));
}

/// SELECT * FROM pragma_optimize writes, and SQLite calls it read-only.
bool reads_a_pragma_that_works(std::string_view table) {
    constexpr std::string_view prefix = "pragma_";
    const auto name = lower(table.substr(0, prefix.size())) == prefix ? lower(table.substr(prefix.size())) : "";
    return !name.empty() && !only_tells(name, false);
}

bool makes_temporary(int action) {
    return action == SQLITE_CREATE_TEMP_INDEX || action == SQLITE_CREATE_TEMP_TABLE ||
           action == SQLITE_CREATE_TEMP_TRIGGER || action == SQLITE_CREATE_TEMP_VIEW;
}

}  // namespace

void Effects::add(const Effects& other) {
    temporary |= other.temporary;
    attaches |= other.attaches;
    defers |= other.defers;
    if (pragma.empty()) pragma = other.pragma;
}

void Authorizer::attach_to(sqlite3* db) { sqlite3_set_authorizer(db, &Authorizer::on_action, this); }

void Authorizer::begin_compile(Role as) {
    compiling_ = true;
    compiling_as_ = as;
    effects_ = {};
    refusal_.clear();
    thrown_ = nullptr;
}

Effects Authorizer::end_compile() {
    compiling_ = false;
    if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    return std::exchange(effects_, {});
}

int Authorizer::on_action(void* context, int action, const char* first, const char* second, const char* database,
                          const char* /*trigger*/) noexcept {
    const auto view = [](const char* text) { return text == nullptr ? std::string_view{} : std::string_view{text}; };
    auto& self = *static_cast<Authorizer*>(context);
    // CREATE TABLE temp.t is no SQLITE_CREATE_TEMP_TABLE, but its entry in the schema of "temp" is one like any other.
    self.effects_.temporary |= action == SQLITE_INSERT && view(database) == "temp";
    try {
        return self.judge(action, view(first), view(second), second != nullptr);
    } catch (...) {
        self.thrown_ = std::current_exception();
        return SQLITE_DENY;
    }
}

int Authorizer::judge(int action, std::string_view first, std::string_view second, bool has_second) {
    if (trusted_) return SQLITE_OK;
    const Role as = compiling_ ? compiling_as_ : role_;
    return as == Role::reader ? judge_reader(action, first, second, has_second)
                              : judge_writer(action, first, second, has_second);
}

int Authorizer::judge_reader(int action, std::string_view first, std::string_view /*second*/, bool has_second) {
    switch (action) {
        case SQLITE_READ:
            if (reads_a_pragma_that_works(first)) return refuse(std::string{first} + " does not only read");
            return SQLITE_OK;
        case SQLITE_SELECT:
        case SQLITE_FUNCTION:
        case SQLITE_RECURSIVE: return SQLITE_OK;
        // R-Tree tables compile their own writes when they are only read. A closure's write is refused when it is
        // not sqlite3_stmt_readonly, and the file is opened read-only besides.
        case SQLITE_INSERT:
        case SQLITE_UPDATE:
        case SQLITE_DELETE: return SQLITE_OK;
        case SQLITE_PRAGMA: {
            const auto name = lower(first);
            effects_.tells = only_tells(name, has_second);
            if (effects_.tells) return SQLITE_OK;
            return refuse("PRAGMA " + name + " is not among those that only read");
        }
        case SQLITE_ATTACH: return refuse("ATTACH and VACUUM INTO can create files");
        case SQLITE_DETACH: return refuse("DETACH changes the handle");
        case SQLITE_TRANSACTION:
        case SQLITE_SAVEPOINT: return refuse("the snapshot of the closure is begun and ended by sqlane");
        default: return refuse("the statement would change the database or the handle");
    }
}

int Authorizer::judge_writer(int action, std::string_view first, std::string_view /*second*/, bool has_second) {
    if ((action == SQLITE_TRANSACTION || action == SQLITE_SAVEPOINT) && compiling_)
        return refuse("BEGIN, COMMIT, ROLLBACK and SAVEPOINT are sqlane's to say; use transaction() and savepoint()");
    if (action == SQLITE_PRAGMA) return judge_pragma(first, has_second);
    effects_.temporary |= makes_temporary(action);
    effects_.attaches |= action == SQLITE_ATTACH || action == SQLITE_DETACH;
    return SQLITE_OK;
}

int Authorizer::judge_pragma(std::string_view raw_name, bool has_value) {
    const auto name = lower(raw_name);
    if (name == "wal_checkpoint") return refuse("checkpoints are sqlane's to run: one that races a commit can lose it");
    effects_.tells = only_tells(name, has_value);
    effects_.defers |= name == "defer_foreign_keys" && has_value;
    if (contains(telling, name) || contains(changing_the_file, name)) return SQLITE_OK;
    if (!has_value) return SQLITE_OK;
    if (contains(forbidden, name))
        return refuse("the lanes rely on what PRAGMA " + name + " would change; see Options");
    effects_.pragma = name;
    return SQLITE_OK;
}

int Authorizer::refuse(std::string why) {
    refusal_ = std::move(why);
    return SQLITE_DENY;
}

}  // namespace sqlane::detail
