#pragma once

#include <sqlane/migrator.hpp>

#include <string>

namespace sqlane::detail {

/// The way back of a migration as it is kept in the database, for a build that has no such file: its SQL behind the
/// options that say what may be lost and what is checked. Empty when there is none.
[[nodiscard]] std::string stored_down(const Migration& migration);

/// What an older build runs of it.
[[nodiscard]] Migration from_stored_down(const std::string& version, const std::string& name, const std::string& sql);

}  // namespace sqlane::detail
