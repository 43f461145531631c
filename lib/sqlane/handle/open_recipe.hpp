#pragma once

#include <string>

struct sqlite3;

namespace sqlane::detail {

/// What a hostile file or a hostile string could otherwise reach: https://www.sqlite.org/security.html
/// Throws StorageError when a setting does not take; `name` is the file's, for the message.
void harden(sqlite3* db, const std::string& name, int attached_files);

/// Once for the process, before the first open: SQLite's own check whether it is ready is not made for two threads.
void make_sqlite_ready();

/// Frames that ROLLBACK TO or a failed statement writes after a transaction has spilled pages carry no valid checksum, and
/// recovery discards them with every later commit: acknowledged commits are lost (measured: 90 of 100 kill -9 cycles).
/// Fixed in 3.50.2, in neither Debian 12 nor 13.
bool spilling_loses_commits();

}  // namespace sqlane::detail
