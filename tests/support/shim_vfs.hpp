#pragma once

#include <sqlite3.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

/// SQLite's disk with somebody in between, who sees each call and decides what becomes of it.
/// https://www.sqlite.org/vfs.html
namespace support {

/// One call that SQLite makes of the disk. What it points to lives as long as the call.
struct DiskCall {
    enum class Kind : std::uint8_t {
        open,
        remove,
        /// Whether a file is there.
        access,
        read,
        write,
        truncate,
        sync,
        size,
        lock,
        /// Memory that connections share is mapped, or locked.
        share,
        lock_shared,
        /// What was mapped of the file is out of date.
        unfetch
    };
    Kind kind{};
    /// Empty for a temporary file without a name.
    std::string_view path;
    /// Of a read or a write; what a truncate cuts to.
    std::int64_t offset = 0;
    /// Of a remove: that the file is gone is to be flushed too.
    bool sync_folder = false;
    /// What is written.
    std::string_view data{};
};

/// Whether a call changes what is on the disk.
[[nodiscard]] bool changes_disk(DiskCall::Kind kind) noexcept;

/// What becomes of a call.
struct Fate {
    /// SQLITE_OK lets it through; anything else is its result.
    int code = SQLITE_OK;
    /// So many bytes of a write that fails reach the disk all the same.
    std::size_t torn_after = 0;
};

/// Thread safety: called on whatever thread SQLite works on, several at a time.
class DiskHook {
public:
    DiskHook() = default;
    DiskHook(const DiskHook&) = delete;
    DiskHook& operator=(const DiskHook&) = delete;
    virtual ~DiskHook() = default;

    /// Before the call. Whoever wants it to stall waits in here.
    virtual Fate before(const DiskCall& /*call*/) { return {}; }
    /// The call was let through and succeeded.
    virtual void after(const DiskCall& /*call*/) {}
    /// A write that is to fail has been done in part.
    virtual void torn(const DiskCall& /*call*/) {}
};

/// A VFS over the platform's own, with all that that one can do: shared memory and memory mapping too.
/// Thread safety: as the VFS below it; made and destroyed while nobody uses it.
class ShimVfs {
public:
    ShimVfs(std::string name, DiskHook& hook);
    ShimVfs(const ShimVfs&) = delete;
    ShimVfs& operator=(const ShimVfs&) = delete;
    ~ShimVfs();

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// Files that were opened and not yet closed: 0 when all connections are.
    [[nodiscard]] int open_files() const noexcept { return open_files_.load(); }

private:
    struct Methods;

    std::string name_;
    DiskHook& hook_;
    sqlite3_vfs* beneath_;
    sqlite3_vfs vfs_;
    std::atomic<int> open_files_{0};
};

}  // namespace support
