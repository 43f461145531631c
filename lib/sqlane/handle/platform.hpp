#pragma once

#include <compare>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#if defined(_MSC_VER)
#include <intrin.h>
#endif

/// What differs between operating systems, behind functions with the same promise everywhere.
namespace sqlane::detail::platform {

std::uint64_t next_thread_number() noexcept;

/// Numbers the threads of this process from 1 in the order in which they first used sqlane.
inline std::uint64_t this_thread() noexcept {
    static constinit thread_local std::uint64_t number = 0;
    if (number == 0) number = next_thread_number();
    return number;
}

/// The operating system's number of this thread, for `thread_name`.
std::int64_t this_system_thread() noexcept;

/// The name that debuggers show; empty when it has none or has ended.
std::string thread_name(std::int64_t system_thread);

/// Between two looks of a thread that waits without sleeping.
inline void relax() noexcept {
#if defined(_MSC_VER)
    _mm_pause();
#elif defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

/// Changes in the child of a fork, so that what was made before it can be recognised.
std::uint64_t process_generation() noexcept;

/// UTF-8, as SQLite wants it.
std::string utf8(const std::filesystem::path& path);

/// 0 when there is no such file.
std::int64_t file_size(const std::filesystem::path& path) noexcept;

/// The absolute path without symbolic links of a file that is there; empty when there is none. Throws as ClaimedFile does
/// for what is no regular file.
std::filesystem::path existing_file(const std::filesystem::path& path);

/// An empty file of mode 0600. Throws StorageError when it is there already or cannot be made.
void make_private_file(const std::filesystem::path& path);

/// Puts `from` in the place of `to` in one step that survives a power failure: content first, then the name.
void replace_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// What a file is, whatever names lead to it.
struct FileIdentity {
    std::uint64_t device = 0;
    std::uint64_t file = 0;
    auto operator<=>(const FileIdentity&) const = default;
};

/// A database file that this process uses through one manager. Holds no descriptor: closing any descriptor of a
/// database file drops the process's POSIX locks on it
/// (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
class ClaimedFile {
public:
    /// Absolute path without symbolic links; makes an empty file of mode 0600 when there is none.
    /// Throws UsageError for a path that names no usable file or is claimed already, StorageError when the
    /// system refuses it.
    explicit ClaimedFile(const std::filesystem::path& path);
    ClaimedFile(const ClaimedFile&) = delete;
    ClaimedFile& operator=(const ClaimedFile&) = delete;
    /// The file stays, also when this made it and nothing came of it: another process may have opened it by now, and who
    /// works on a file that has no name any more meets the journal of the one that took its name.
    ~ClaimedFile();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
    FileIdentity identity_;
};

/// A mark on a file that other processes see until it is taken back, or its process ends. Where the system has no locks
/// that belong to an open file, nobody sees it. Not for a database file or its -shm: closing a descriptor of those
/// drops the process's locks on them.
/// Thread safety: one thread at a time.
class Mark {
public:
    explicit Mark(std::string file) : file_(std::move(file)) {}
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;
    ~Mark();

    void set() noexcept;
    void clear() noexcept;
    [[nodiscard]] bool is_set() const noexcept { return set_; }
    /// By another process, or through another object.
    [[nodiscard]] bool is_set_elsewhere() noexcept;

private:
    bool open() noexcept;

    std::string file_;
    int descriptor_ = -1;
    bool set_ = false;
};

/// A folder of mode 0700, on a RAM disk where there is one, removed with its content when this goes.
/// Folders that a crashed process left are removed when the next one is made.
class PrivateFolder {
public:
    PrivateFolder();
    PrivateFolder(const PrivateFolder&) = delete;
    PrivateFolder& operator=(const PrivateFolder&) = delete;
    ~PrivateFolder();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
    int lock_ = -1;
};

}  // namespace sqlane::detail::platform
