#pragma once

#include "handle/migration_connection.hpp"

#include <sqlane/migrator.hpp>

#include <filesystem>
#include <functional>
#include <string>

namespace sqlane::detail {

/// "20260131T120000Z".
[[nodiscard]] std::string utc_stamp();

/// `<file><suffix>`, with a number behind it when that is taken.
[[nodiscard]] std::filesystem::path free_name(const std::filesystem::path& file, const std::string& suffix);

/// A whole, checked copy of what is committed in `from`, its write-ahead log included. Under another name until it is
/// proved good and on the disk; nothing remains of one that failed.
void copy_checked(MigrationConnection& from, const std::filesystem::path& to, const MigrationOptions& options,
                  const std::function<void(int)>& on_percent);

/// Deletes what a run that was killed left of its copy. For who holds the write lock: nobody else is making one.
void remove_partial_backups(const std::filesystem::path& file);

/// Deletes all but the newest of `<file>.bak-…`.
void keep_newest_backups(const std::filesystem::path& file, std::size_t count);

}  // namespace sqlane::detail
