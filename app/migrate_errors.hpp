#pragma once

#include "cli.hpp"

#include <exception>
#include <string>

namespace cli {

/// Beside those that all commands share.
enum MigrateExitCode : int { pending = 3, refused, newer, busy, drifted, storage };

/// What the words about an error depend on.
struct MigrateContext {
    std::string database;
    double lock_timeout = 0;
    bool commit_each_file = false;
};

/// Tells, on stderr or as JSON, what stands in the way and what can be done. Returns the exit code. Rethrows what is
/// neither the user's fault nor that of the files, the database or the disk.
int tell_error(const std::exception& error, const MigrateContext& context, bool json);

}  // namespace cli
