#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sqlane::detail {

/// A piece of SQL text as SQLite's tokenizer would cut it: https://www.sqlite.org/lang_keywords.html and neighbours.
struct SqlToken {
    enum class Kind : std::uint8_t { comment, word, quoted_name, string, number, symbol };
    Kind kind{};
    std::string_view text;
    std::size_t offset = 0;
};

/// Everything but white space. What never ends (an open quote or comment) runs to the end of the text.
std::vector<SqlToken> sql_tokens(std::string_view sql);

/// The words of a statement without comments, spacing and the case of its keywords, for comparing.
std::string normalised_sql(std::string_view sql);

/// How many statements a script has, triggers counting as one.
int count_statements(std::string_view sql);

/// Lower case, ASCII only, as SQLite compares names.
std::string lower_case(std::string_view text);

}  // namespace sqlane::detail
