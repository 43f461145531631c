#if !defined(_WIN32)

#include "handle/platform.hpp"

#include <sqlane/errors.hpp>

#include <fcntl.h>
#include <pthread.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <sys/vfs.h>
#else
#include <sys/mount.h>
#include <sys/param.h>
#endif

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>
#include <utility>

namespace sqlane::detail::platform {
namespace fs = std::filesystem;
namespace {

std::atomic<std::uint64_t> generation{0};

[[noreturn]] void storage_error(const std::string& what, int error, const std::string& advice) {
    throw StorageError{what + ": " + std::generic_category().message(error) + "; " + advice};
}

/// Names of file systems whose locks and shared memory do not reach the other machines that use the file.
/// Numbers from statfs(2).
const char* network_file_system(const fs::path& folder) {
    struct statfs info {};
    if (::statfs(folder.c_str(), &info) != 0) return nullptr;
#if defined(__linux__)
    struct Kind {
        std::uint32_t magic;
        const char* name;
    };
    static constexpr std::array kinds{Kind{0x00006969, "NFS"},   Kind{0x0000517B, "SMB"}, Kind{0xFE534D42, "SMB"},
                                      Kind{0xFF534D42, "CIFS"},  Kind{0x5346414F, "AFS"}, Kind{0x73757245, "Coda"},
                                      Kind{0x00C36400, "Ceph"},  Kind{0x0000564C, "NCP"}, Kind{0x47504653, "GPFS"},
                                      Kind{0x0BD00BD0, "Lustre"}};
    const auto magic = static_cast<std::uint32_t>(info.f_type);
    const auto* found = std::ranges::find(kinds, magic, &Kind::magic);
    return found == kinds.end() ? nullptr : found->name;
#else
    for (const std::string_view name : {"nfs", "smbfs", "afpfs", "webdav"})
        if (name == info.f_fstypename) return name.data();
    return nullptr;
#endif
}

fs::path absolute_without_links(const fs::path& path) {
    if (path.empty()) throw UsageError{"cannot open a database: the path is empty; name a file, or use in_memory()"};
    if (path.native().find('\0') != std::string::npos)
        throw UsageError{"cannot open '" + std::string{path.c_str()} + "': the path contains a NUL character"};
    if (path == ":memory:")
        throw UsageError{"cannot open ':memory:': each handle would be a database of its own; use in_memory()"};
    std::error_code error;
    const auto folder = fs::canonical(path.has_parent_path() ? path.parent_path() : fs::path{"."}, error);
    if (error)
        storage_error("cannot open '" + path.string() + "': its folder cannot be reached", error.value(),
                      "create the folder or correct the path");
    return folder / path.filename();
}

/// Refuses what is there and is not a file that SQLite may work on.
void require_regular_file(const fs::path& path, const struct stat& info) {
    const std::string name = "cannot open '" + path.string() + "': ";
    if (S_ISLNK(info.st_mode)) {
        std::error_code ignored;
        throw UsageError{name + "it is a symbolic link to '" + fs::read_symlink(path, ignored).string() +
                         "'; open that file by its own name, so that every program uses the same -wal file"};
    }
    if (S_ISDIR(info.st_mode)) throw UsageError{name + "it is a directory; name a file in it"};
    if (!S_ISREG(info.st_mode)) throw UsageError{name + "it is not a regular file; name a database file"};
}

bool flush(const fs::path& path, int flags) noexcept {
    const int opened = ::open(path.c_str(), flags | O_CLOEXEC);
    if (opened < 0) return false;
    const bool flushed = ::fsync(opened) == 0;
    ::close(opened);
    return flushed;
}

/// True when this call made the file.
void make_if_missing(const fs::path& path, struct stat& info) {
    if (::lstat(path.c_str(), &info) == 0) return;
    if (errno != ENOENT) storage_error("cannot open '" + path.string() + "'", errno, "correct the path or its rights");
    // 0600 from the first moment; SQLite gives -wal and -shm the same mode.
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (made < 0 && errno != EEXIST)
        storage_error("cannot create '" + path.string() + "'", errno, "choose a folder that this user can write to");
    if (made >= 0) ::close(made);  // claimed under the registry's mutex: no lock of ours can be on it yet
    if (::lstat(path.c_str(), &info) != 0)
        storage_error("cannot open '" + path.string() + "'", errno, "the file was removed while it was being opened");
}

struct Registry {
    std::mutex mutex;
    std::map<FileIdentity, std::uint64_t> claimed;  // and the process generation that claimed it
};

Registry& registry() {
    static Registry instance;
    return instance;
}

constexpr std::string_view folder_prefix = "sqlane-memory-";

fs::path ram_disk_or_temp() {
#if defined(__linux__)
    if (::access("/dev/shm", W_OK | X_OK) == 0) return "/dev/shm";
#endif
    return fs::temp_directory_path();
}

/// The lock lives as long as its process, so a folder whose lock is free belongs to nobody any more.
int take_lock(const fs::path& folder) noexcept {
    const int lock = ::open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat info {};
    // Its name must still be there: somebody may have removed the folder between the two calls.
    if (lock >= 0 && ::flock(lock, LOCK_EX | LOCK_NB) == 0 && ::fstat(lock, &info) == 0 && info.st_nlink > 0)
        return lock;
    if (lock >= 0) ::close(lock);
    return -1;
}

bool is_left_over(const fs::path& folder) {
    struct stat info {};
    if (::lstat(folder.c_str(), &info) != 0 || !S_ISDIR(info.st_mode) || info.st_uid != ::geteuid()) return false;
    struct stat lock {};
    // A folder without its lock file is being made at this moment.
    return ::lstat((folder / "lock").c_str(), &lock) == 0;
}

void remove_left_overs(const fs::path& base) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(base, error)) {
        if (!entry.path().filename().string().starts_with(folder_prefix) || !is_left_over(entry.path())) continue;
        const int lock = take_lock(entry.path());
        if (lock < 0) continue;
        std::error_code ignored;  // somebody else may be removing it too
        fs::remove_all(entry.path(), ignored);
        ::close(lock);
    }
}

}  // namespace

std::uint64_t next_thread_number() noexcept {
    static std::atomic<std::uint64_t> next{1};
    return next.fetch_add(1, std::memory_order_relaxed);
}

std::int64_t this_system_thread() noexcept {
#if defined(__linux__)
    thread_local const auto number = static_cast<std::int64_t>(::syscall(SYS_gettid));
    return number;
#else
    return 0;
#endif
}

std::string thread_name(std::int64_t system_thread) {
    std::string name;
#if defined(__linux__)
    std::ifstream file{"/proc/self/task/" + std::to_string(system_thread) + "/comm"};
    std::getline(file, name);
#else
    static_cast<void>(system_thread);
#endif
    return name;
}

std::uint64_t process_generation() noexcept {
    static const int registered =
        ::pthread_atfork(nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
    static_cast<void>(registered);
    return generation.load(std::memory_order_relaxed);
}

std::string utf8(const fs::path& path) { return path.string(); }

std::int64_t file_size(const fs::path& path) noexcept {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 ? static_cast<std::int64_t>(info.st_size) : 0;
}

fs::path existing_file(const fs::path& path) {
    auto absolute = absolute_without_links(path);
    struct stat info {};
    if (::lstat(absolute.c_str(), &info) != 0) {
        if (errno == ENOENT) return {};
        storage_error("cannot open '" + absolute.string() + "'", errno, "correct the path or its rights");
    }
    require_regular_file(absolute, info);
    return absolute;
}

void make_private_file(const fs::path& path) {
    const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (made < 0)
        storage_error("cannot create '" + path.string() + "'", errno, "free its name, or choose another folder");
    ::close(made);
}

void replace_file(const fs::path& from, const fs::path& to) {
    if (!flush(from, O_RDONLY)) storage_error("cannot flush '" + from.string() + "'", errno, "check the disk");
    if (::rename(from.c_str(), to.c_str()) != 0)
        storage_error("cannot rename '" + from.string() + "' to '" + to.string() + "'", errno,
                      "check the folder's rights");
    if (!flush(to.parent_path(), O_RDONLY | O_DIRECTORY))
        storage_error("cannot flush the folder of '" + to.string() + "'", errno, "check the disk");
}

ClaimedFile::ClaimedFile(const fs::path& path) : path_(absolute_without_links(path)) {
    if (const char* kind = network_file_system(path_.parent_path()))
        throw StorageError{"cannot open '" + path_.string() + "': it is on a network file system (" + kind +
                           "), where the write-ahead log cannot be shared; keep the database on a local disk"};
    // From the look at the file to its claim under one lock: of two managers, one gets it.
    const std::lock_guard lock{registry().mutex};
    struct stat info {};
    make_if_missing(path_, info);
    require_regular_file(path_, info);
    identity_ = {static_cast<std::uint64_t>(info.st_dev), static_cast<std::uint64_t>(info.st_ino)};
    const auto [claim, is_new] = registry().claimed.try_emplace(identity_, process_generation());
    if (!is_new)
        throw UsageError{"cannot open '" + path_.string() + "': " +
                         (claim->second == process_generation()
                              ? "a ConnectionManager of this process has it open already; share that one"
                              : "a ConnectionManager had it open when this process was forked, and SQLite's locks do "
                                "not survive that; open it in a program of its own")};
}

ClaimedFile::~ClaimedFile() {
    const std::lock_guard lock{registry().mutex};
    registry().claimed.erase(identity_);
}

PrivateFolder::PrivateFolder() {
    const auto base = ram_disk_or_temp();
    remove_left_overs(base);
    constexpr int tries = 100;  // somebody who looks for left-overs may take ours before it has its lock
    for (int i = 0; i < tries && lock_ < 0; ++i) {
        std::string pattern = (base / folder_prefix).string() + "XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) break;
        path_ = pattern;
        lock_ = take_lock(path_);
    }
    if (lock_ < 0)
        storage_error("cannot make a folder for an in-memory database in '" + base.string() + "'", errno,
                      "free some space or set TMPDIR");
}

PrivateFolder::~PrivateFolder() {
    std::error_code ignored;  // what cannot be removed now is removed as a left-over next time
    fs::remove_all(path_, ignored);
    if (lock_ >= 0) ::close(lock_);
}

#if defined(F_OFD_SETLK)

namespace {

/// One byte far behind everything that a log can hold.
struct flock mark_lock(short type) noexcept {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = off_t{1} << 60;
    lock.l_len = 1;
    return lock;
}

}  // namespace

bool Mark::open() noexcept {
    if (descriptor_ < 0) descriptor_ = ::open(file_.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    return descriptor_ >= 0;
}

/// Shared, so that several can wait; who looks asks whether it could have the byte for itself.
void Mark::set() noexcept {
    auto lock = mark_lock(F_RDLCK);
    if (!set_ && open()) set_ = ::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0;
}

void Mark::clear() noexcept {
    auto lock = mark_lock(F_UNLCK);
    if (std::exchange(set_, false)) ::fcntl(descriptor_, F_OFD_SETLK, &lock);
}

bool Mark::is_set_elsewhere() noexcept {
    auto lock = mark_lock(F_WRLCK);
    return open() && ::fcntl(descriptor_, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

#else

bool Mark::open() noexcept { return false; }
void Mark::set() noexcept {}
void Mark::clear() noexcept {}
bool Mark::is_set_elsewhere() noexcept { return false; }

#endif

Mark::~Mark() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace sqlane::detail::platform

#endif
