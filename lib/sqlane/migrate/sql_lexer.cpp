#include "migrate/sql_lexer.hpp"

#include "handle/migration_connection.hpp"

#include <algorithm>
#include <cctype>

namespace sqlane::detail {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool is_word(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return std::isalnum(byte) != 0 || c == '_' || c == '$' || byte >= 0x80;
}

std::size_t after(std::string_view sql, std::string_view end, std::size_t from) {
    const auto found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
}

/// Past the closing quote; a doubled quote is part of the text.
std::size_t after_quote(std::string_view sql, std::size_t from) {
    const char quote = sql[from];
    for (auto i = from + 1; i < sql.size(); ++i) {
        if (sql[i] != quote) continue;
        if (i + 1 == sql.size() || sql[i + 1] != quote) return i + 1;
        ++i;
    }
    return sql.size();
}

struct Cut {
    SqlToken::Kind kind;
    std::size_t end;
};

Cut next_token(std::string_view sql, std::size_t from) {
    using Kind = SqlToken::Kind;
    const char c = sql[from];
    const auto rest = sql.substr(from);
    if (rest.starts_with("--")) {
        const auto line_end = std::min(sql.find('\n', from), sql.size());
        return {Kind::comment, line_end};
    }
    if (rest.starts_with("/*")) return {Kind::comment, after(sql, "*/", from + 2)};
    if (c == '\'') return {Kind::string, after_quote(sql, from)};
    if (c == '"' || c == '`') return {Kind::quoted_name, after_quote(sql, from)};
    if (c == '[') return {Kind::quoted_name, after(sql, "]", from)};
    if (!is_word(c)) return {Kind::symbol, from + 1};
    const auto kind = std::isdigit(static_cast<unsigned char>(c)) != 0 ? Kind::number : Kind::word;
    auto end = from;
    while (end < sql.size() && is_word(sql[end])) ++end;
    return {kind, end};
}

std::string unquoted(std::string_view name) {
    const char close = name.front() == '[' ? ']' : name.front();
    std::string text;
    for (std::size_t i = 1; i + 1 < name.size(); ++i) {
        text += name[i];
        if (name[i] == close && i + 2 < name.size() && name[i + 1] == close) ++i;
    }
    return text;
}

/// ALTER TABLE … RENAME quotes names that were not. What could not stand without quotes keeps them.
std::string normalised_name(std::string_view quoted) {
    const auto name = lower_case(unquoted(quoted));
    const bool could_be_word = !name.empty() && std::ranges::all_of(name, is_word) &&
                               std::isdigit(static_cast<unsigned char>(name.front())) == 0;
    return could_be_word ? name : '"' + name + '"';
}

}  // namespace

std::string lower_case(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::vector<SqlToken> sql_tokens(std::string_view sql) {
    std::vector<SqlToken> tokens;
    for (std::size_t at = 0; at < sql.size();) {
        if (is_space(sql[at])) {
            ++at;
            continue;
        }
        const auto [kind, end] = next_token(sql, at);
        tokens.push_back({kind, sql.substr(at, end - at), at});
        at = end;
    }
    return tokens;
}

std::string normalised_sql(std::string_view sql) {
    std::string text;
    for (const auto& token : sql_tokens(sql)) {
        if (token.kind == SqlToken::Kind::comment) continue;
        if (!text.empty()) text += ' ';
        if (token.kind == SqlToken::Kind::quoted_name)
            text += normalised_name(token.text);
        else
            text += token.kind == SqlToken::Kind::string ? std::string{token.text} : lower_case(token.text);
    }
    return text;
}

int count_statements(std::string_view sql) {
    int count = 0;
    std::size_t begin = 0;
    bool content = false;
    for (const auto& token : sql_tokens(sql)) {
        if (token.kind == SqlToken::Kind::comment) continue;
        if (token.text != ";") {
            content = true;
            continue;
        }
        const auto end = token.offset + 1;
        if (content && !is_complete_statement(sql.substr(begin, end - begin))) continue;  // inside a trigger
        count += content ? 1 : 0;
        begin = end;
        content = false;
    }
    return count + (content ? 1 : 0);
}

}  // namespace sqlane::detail
