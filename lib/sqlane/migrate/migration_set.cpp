#include <sqlane/migrator.hpp>

#include "common/sha256.hpp"
#include "handle/migration_connection.hpp"
#include "migrate/place.hpp"
#include "migrate/sql_lexer.hpp"
#include "migrate/stored_down.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

/// Reading migration files: every mistake in one is found here, before anything runs.
namespace sqlane {
namespace fs = std::filesystem;
namespace {

using detail::SqlToken;

[[noreturn]] void refuse(const char* code, const std::string& what) {
    throw MigrationError{MigrationProblem::refused, code, what};
}

[[noreturn]] void refuse_at(const char* code, const Migration& migration, std::size_t offset, const std::string& what) {
    auto place = detail::place_in(migration, offset);
    const auto text = detail::place_text(place) + ": " + what + "\n" + place.excerpt;
    throw MigrationError{MigrationProblem::refused, code, text, std::move(place)};
}

/// Without byte order mark and with LF ends, so that a checkout on Windows is the same migration.
std::string normalised_text(std::string_view raw) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (raw.starts_with(byte_order_mark)) raw.remove_prefix(byte_order_mark.size());
    std::string text;
    text.reserve(raw.size());
    for (std::size_t i = 0; i < raw.size(); ++i)
        if (raw[i] != '\r' || i + 1 == raw.size() || raw[i + 1] != '\n') text += raw[i];
    return text;
}

bool all_of(std::string_view text, bool (*test)(char)) { return !text.empty() && std::ranges::all_of(text, test); }

/// `<digits>_<snake_name>.sql`.
void read_name(Migration& migration) {
    const std::string& file = migration.file;
    const auto underscore = file.find('_');
    const auto dot = file.ends_with(".sql") ? file.size() - 4 : std::string::npos;
    if (file.starts_with("R__"))
        refuse("repeatable-unsupported", file +
                                             ": repeatable migrations (R__) are not supported by this version; "
                                             "give it a version number");
    if (underscore != std::string::npos && dot != std::string::npos && underscore < dot) {
        migration.version = file.substr(0, underscore);
        migration.name = file.substr(underscore + 1, dot - underscore - 1);
        const bool good_name =
            all_of(migration.name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
        const bool good_version = all_of(migration.version, [](char c) { return c >= '0' && c <= '9'; });
        if (good_name && good_version && migration.version.size() <= 18 && migration.number() > 0) return;
    }
    refuse("misnamed-file", file +
                                ": a migration is named <version>_<snake_name>.sql, such as 0002_add_users.sql or "
                                "20260131120000_add_users.sql; rename it, or move it elsewhere");
}

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::vector<std::string> split(std::string_view list) {
    std::vector<std::string> items;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        items.emplace_back(trimmed(list.substr(0, comma)));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return items;
}

void set_foreign_key_check(Migration& migration, std::string_view value) {
    migration.check_foreign_keys = value != "none";
    if (value != "none" && value != "all") migration.foreign_key_tables = split(value);
}

void set_option(Migration& migration, std::size_t offset, std::string_view directive) {
    const auto equals = std::min(directive.find('='), directive.size());
    const auto key = trimmed(directive.substr(0, equals));
    const auto value = equals < directive.size() ? trimmed(directive.substr(equals + 1)) : std::string_view{};
    const bool takes_value = key == "fk-check" || key == "allow-lost" || key == "requires-sqlite";
    if (takes_value == value.empty() && (takes_value || key == "breaking" || key == "out-of-order"))
        refuse_at("bad-option", migration, offset,
                  std::string{key} + (takes_value ? " needs a value: " + std::string{key} + "=…" : " takes no value"));
    if (key == "breaking" && value.empty())
        migration.breaking = true;
    else if (key == "out-of-order" && value.empty())
        migration.out_of_order = true;
    else if (key == "fk-check")
        set_foreign_key_check(migration, value);
    else if (key == "allow-lost")
        std::ranges::copy(split(value), std::back_inserter(migration.allowed_lost));
    else if (key == "requires-sqlite" && detail::parse_sqlite_version(value))
        migration.requires_sqlite = value;
    else if (key == "requires-sqlite")
        refuse_at("bad-option", migration, offset,
                  "requires-sqlite=" + std::string{value} + " is no version such as 3.35");
    else if (key == "no-transaction")
        refuse_at("no-transaction-unsupported", migration, offset,
                  "migrations outside a transaction are not supported by this version");
    else
        refuse_at("unknown-option", migration, offset,
                  "unknown option '" + std::string{key} +
                      "'; known are breaking, out-of-order, fk-check, allow-lost and requires-sqlite");
}

/// "-- migrate: x" gives "x"; nothing for any other comment.
std::optional<std::string_view> directive_of(const SqlToken& token) {
    constexpr std::string_view start = "migrate:";
    if (token.kind != SqlToken::Kind::comment || !token.text.starts_with("--")) return std::nullopt;
    const auto text = trimmed(token.text.substr(2));
    // In any case, so that "-- Migrate:Down" is refused and not run as a comment of the way up.
    if (detail::lower_case(text.substr(0, start.size())) != start) return std::nullopt;
    return trimmed(text.substr(start.size()));
}

/// What `read_sections` has seen so far.
struct Markers {
    std::optional<std::size_t> up;
    std::optional<std::size_t> down;
    std::optional<std::size_t> first_statement;
    std::size_t down_marker = 0;
};

void read_directive(Migration& migration, Markers& seen, const SqlToken& token, std::string_view directive) {
    const auto end = token.offset + token.text.size();
    if (directive == "up") {
        if (seen.up || seen.down || seen.first_statement)
            refuse_at("misplaced-marker", migration, token.offset,
                      "migrate:up stands once, before the first statement");
        seen.up = end;
    } else if (directive == "down") {
        if (seen.down || !seen.up)
            refuse_at("misplaced-marker", migration, token.offset,
                      "migrate:down stands once, after a migrate:up section");
        seen.down = end;
        seen.down_marker = token.offset;
    } else {
        if (seen.first_statement || seen.down)
            refuse_at("misplaced-option", migration, token.offset, "options stand before the first statement");
        set_option(migration, token.offset, directive);
    }
}

void read_sections(Migration& migration) {
    Markers seen;
    for (const auto& token : detail::sql_tokens(migration.text)) {
        if (const auto directive = directive_of(token))
            read_directive(migration, seen, token, *directive);
        else if (token.kind != SqlToken::Kind::comment && !seen.first_statement)
            seen.first_statement = token.offset;
    }
    const auto& text = migration.text;
    const auto begin = seen.up.value_or(0);
    migration.up = {text.substr(begin, (seen.down ? seen.down_marker : text.size()) - begin), begin};
    if (seen.down) migration.down = MigrationSection{text.substr(*seen.down), *seen.down};
    for (const auto* section : {&migration.up, migration.down ? &*migration.down : nullptr})
        if (section != nullptr && detail::count_statements(section->sql) == 0)
            refuse_at("empty-migration", migration, std::min(section->offset, text.empty() ? 0 : text.size() - 1),
                      section == &migration.up ? "the migration holds no statement; write it, or remove the file"
                                               : "the down section holds no statement; write it, or remove its marker");
}

/// The old line ends of a Macintosh: SQLite would take all that follows for a part of the comment.
void require_comments_to_end(const Migration& migration) {
    for (const auto& token : detail::sql_tokens(migration.text)) {
        if (token.kind != SqlToken::Kind::comment || !token.text.starts_with("--")) continue;
        if (const auto lone = token.text.find('\r'); lone != std::string_view::npos)
            refuse_at("lone-carriage-return", migration, token.offset + lone,
                      "a carriage return without a line feed does not end this comment; save the file with LF or CRLF "
                      "line ends");
    }
}

Migration read_migration(std::string file, std::string_view raw) {
    Migration migration;
    migration.file = std::move(file);
    read_name(migration);
    migration.text = normalised_text(raw);
    migration.checksum = "sha256:" + common::sha256(migration.text);
    if (const auto nul = migration.text.find('\0'); nul != std::string::npos)
        refuse_at("nul-character", migration, nul,
                  "the file has a NUL character, where SQLite would stop reading; remove it");
    require_comments_to_end(migration);
    read_sections(migration);
    return migration;
}

void sort_and_check(std::vector<Migration>& migrations) {
    std::ranges::sort(migrations, {}, [](const Migration& m) { return std::pair{m.number(), m.file}; });
    const auto twice = std::ranges::adjacent_find(migrations, {}, &Migration::number);
    if (twice != migrations.end())
        refuse("duplicate-version", twice->file + " and " + std::next(twice)->file + ": the same version " +
                                        twice->version + " twice; give one of them a newer one");
}

std::string read_file(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    std::string text{std::istreambuf_iterator<char>{file}, {}};
    if (!file) throw StorageError{"cannot read '" + path.string() + "'; check its rights"};
    return text;
}

}  // namespace

std::uint64_t Migration::number() const {
    std::uint64_t number = 0;
    std::from_chars(version.data(), version.data() + version.size(), number);
    return number;
}

MigrationSet MigrationSet::from_folder(const fs::path& folder) {
    MigrationSet set;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator{folder, error}) {
        if (detail::lower_case(entry.path().extension().string()) != ".sql") continue;
        if (!entry.is_regular_file())
            refuse("misnamed-file", entry.path().filename().string() + ": is no file; rename it, or move it elsewhere");
        set.migrations_.push_back(read_migration(entry.path().filename().string(), read_file(entry.path())));
    }
    if (error)
        refuse("no-folder", "cannot read the migrations in '" + folder.string() + "': " + error.message() +
                                "; name the folder with --dir");
    sort_and_check(set.migrations_);
    return set;
}

MigrationSet MigrationSet::from_files(std::span<const MigrationFile> files) {
    MigrationSet set;
    for (const auto& file : files) set.migrations_.push_back(read_migration(std::string{file.name}, file.text));
    sort_and_check(set.migrations_);
    return set;
}

const Migration* MigrationSet::find(std::string_view version) const {
    Migration wanted;
    wanted.version = version;
    const auto found = std::ranges::find(migrations_, wanted.number(), &Migration::number);
    return found == migrations_.end() ? nullptr : &*found;
}

namespace detail {
namespace {

std::string joined(const std::vector<std::string>& names) {
    std::string list;
    for (const auto& name : names) list += (list.empty() ? "" : ",") + name;
    return list;
}

}  // namespace

std::string stored_down(const Migration& migration) {
    if (!migration.down) return {};
    std::string options;
    if (!migration.allowed_lost.empty()) options += "-- migrate: allow-lost=" + joined(migration.allowed_lost) + "\n";
    if (!migration.check_foreign_keys) options += "-- migrate: fk-check=none\n";
    if (!migration.foreign_key_tables.empty())
        options += "-- migrate: fk-check=" + joined(migration.foreign_key_tables) + "\n";
    return options + migration.down->sql;
}

Migration from_stored_down(const std::string& version, const std::string& name, const std::string& sql) {
    Migration migration;
    migration.version = version;
    migration.name = name;
    migration.file = version + "_" + name + ".sql (stored)";
    migration.text = sql;
    read_sections(migration);
    migration.down = std::exchange(migration.up, {});
    return migration;
}

}  // namespace detail

std::string MigrationSet::newest() const { return migrations_.empty() ? std::string{} : migrations_.back().version; }

}  // namespace sqlane
