#pragma once

#include <array>
#include <cstdint>

struct sqlite3;

namespace sqlane::detail {

/// The header of the write-ahead log's index, in memory that all processes share. It changes with every commit, of
/// whatever process, so that a snapshot is the newest for as long as it stays the same:
/// https://www.sqlite.org/walformat.html#the_wal_index_file_format
/// Behind it stands how much of the log is in the database file already. A reader that begins anew when a checkpoint has
/// brought all of it home no longer needs the log, which can then be begun anew itself.
///
/// Reached through the VFS interface of the open connection, never by opening the -shm file: closing any descriptor of it
/// drops the locks that this process has.
/// Thread safety: belongs to the thread that the connection is lent to.
class LogHeader {
public:
    /// The 48 bytes of it, and the number of frames that are home.
    struct Copy {
        std::array<std::uint64_t, 6> header{};
        std::uint32_t home = 0;
    };

    /// For a connection that has read in WAL mode. Where there is nothing to look at, `is_there` stays false.
    void attach(sqlite3* db) noexcept;
    [[nodiscard]] bool is_there() const noexcept { return header_ != nullptr; }

    /// False while a commit is being written.
    bool copy(Copy& to) const noexcept;
    [[nodiscard]] bool is_still(const Copy& copy) const noexcept;

private:
    void barrier() const noexcept;

    /// Kept by SQLite twice in a row; the copies differ while it writes.
    const volatile std::uint64_t* header_ = nullptr;
    const volatile std::uint32_t* home_ = nullptr;
    void* file_ = nullptr;
};

}  // namespace sqlane::detail
