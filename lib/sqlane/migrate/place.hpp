#pragma once

#include <sqlane/migrator.hpp>

#include <cstddef>
#include <string>

namespace sqlane::detail {

/// Line, column and caret of a byte of the migration's text.
MigrationPlace place_in(const Migration& migration, std::size_t offset);

/// "0002_add_users.sql:3:14".
std::string place_text(const MigrationPlace& place);

}  // namespace sqlane::detail
