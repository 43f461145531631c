#include "support/shim_vfs.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace support {
namespace {

using Kind = DiskCall::Kind;

std::string_view text_of(const char* path) { return path == nullptr ? std::string_view{} : path; }

}  // namespace

bool changes_disk(Kind kind) noexcept {
    return kind == Kind::write || kind == Kind::truncate || kind == Kind::sync || kind == Kind::remove;
}

/// What SQLite calls, on an open file and on the VFS.
struct ShimVfs::Methods {
    /// Behind it stands the file of the VFS beneath.
    struct Opened {
        sqlite3_file head;
        ShimVfs* shim;
        /// SQLite keeps the name for as long as the file is open.
        const char* path;
    };

    static ShimVfs& shim_of(sqlite3_vfs* vfs) { return *static_cast<ShimVfs*>(vfs->pAppData); }
    static Opened& opened(sqlite3_file* file) { return *reinterpret_cast<Opened*>(file); }
    static sqlite3_file* real(sqlite3_file* file) { return reinterpret_cast<sqlite3_file*>(&opened(file) + 1); }
    static const sqlite3_io_methods& beneath(sqlite3_file* file) { return *real(file)->pMethods; }

    template <class Real>
    static int pass(ShimVfs& shim, const DiskCall& call, Real&& run) {
        if (const auto fate = shim.hook_.before(call); fate.code != SQLITE_OK) return fate.code;
        const int code = run();
        if (code == SQLITE_OK) shim.hook_.after(call);
        return code;
    }
    template <class Real>
    static int pass(sqlite3_file* file, Kind kind, std::int64_t offset, Real&& run) {
        const DiskCall call{.kind = kind, .path = text_of(opened(file).path), .offset = offset};
        return pass(*opened(file).shim, call, std::forward<Real>(run));
    }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
        auto& shim = shim_of(vfs);
        file->pMethods = nullptr;
        opened(file).shim = &shim;
        opened(file).path = path;
        real(file)->pMethods = nullptr;
        return pass(shim, {.kind = Kind::open, .path = text_of(path)}, [&] {
            const int code = shim.beneath_->xOpen(shim.beneath_, path, real(file), flags, out);
            if (real(file)->pMethods == nullptr) return code;
            ++shim.open_files_;
            file->pMethods = methods_for(real(file)->pMethods->iVersion);
            return code;
        });
    }

    static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
        auto& shim = shim_of(vfs);
        return pass(shim, {.kind = Kind::remove, .path = text_of(path), .sync_folder = sync_folder != 0},
                    [&] { return shim.beneath_->xDelete(shim.beneath_, path, sync_folder); });
    }
    static int access(sqlite3_vfs* vfs, const char* path, int flags, int* out) {
        auto& shim = shim_of(vfs);
        return pass(shim, {.kind = Kind::access, .path = text_of(path)},
                    [&] { return shim.beneath_->xAccess(shim.beneath_, path, flags, out); });
    }
    static int full_path(sqlite3_vfs* vfs, const char* path, int size, char* out) {
        return shim_of(vfs).beneath_->xFullPathname(shim_of(vfs).beneath_, path, size, out);
    }

    static int close(sqlite3_file* file) {
        const int code = beneath(file).xClose(real(file));
        --opened(file).shim->open_files_;
        return code;
    }
    static int read(sqlite3_file* file, void* to, int size, sqlite3_int64 offset) {
        return pass(file, Kind::read, offset, [&] { return beneath(file).xRead(real(file), to, size, offset); });
    }
    static int write(sqlite3_file* file, const void* from, int size, sqlite3_int64 offset) {
        const std::string_view data{static_cast<const char*>(from), static_cast<std::size_t>(size)};
        const DiskCall call{.kind = Kind::write, .path = text_of(opened(file).path), .offset = offset, .data = data};
        auto& hook = opened(file).shim->hook_;
        const auto fate = hook.before(call);
        if (fate.code != SQLITE_OK) {
            const auto part = data.substr(0, fate.torn_after);
            if (part.empty()) return fate.code;
            beneath(file).xWrite(real(file), part.data(), static_cast<int>(part.size()), offset);
            hook.torn(call);
            return fate.code;
        }
        const int code = beneath(file).xWrite(real(file), from, size, offset);
        if (code == SQLITE_OK) hook.after(call);
        return code;
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        return pass(file, Kind::truncate, size, [&] { return beneath(file).xTruncate(real(file), size); });
    }
    static int sync(sqlite3_file* file, int how) {
        return pass(file, Kind::sync, 0, [&] { return beneath(file).xSync(real(file), how); });
    }
    static int size(sqlite3_file* file, sqlite3_int64* to) {
        return pass(file, Kind::size, 0, [&] { return beneath(file).xFileSize(real(file), to); });
    }
    static int lock(sqlite3_file* file, int how) {
        return pass(file, Kind::lock, how, [&] { return beneath(file).xLock(real(file), how); });
    }
    static int map_shared(sqlite3_file* file, int region, int size, int extend, void volatile** to) {
        return pass(file, Kind::share, region,
                    [&] { return beneath(file).xShmMap(real(file), region, size, extend, to); });
    }
    static int lock_shared(sqlite3_file* file, int at, int count, int how) {
        const auto run = [&] { return beneath(file).xShmLock(real(file), at, count, how); };
        return (how & SQLITE_SHM_LOCK) != 0 ? pass(file, Kind::lock_shared, at, run) : run();
    }
    /// At offset 0 and without a page it says that all that was mapped is out of date.
    static int unfetch(sqlite3_file* file, sqlite3_int64 offset, void* page) {
        if (page != nullptr) return beneath(file).xUnfetch(real(file), offset, page);
        return pass(file, Kind::unfetch, offset, [&] { return beneath(file).xUnfetch(real(file), offset, page); });
    }

    static sqlite3_io_methods make(int version) {
        sqlite3_io_methods m{};
        m.iVersion = version;
        m.xClose = close;
        m.xRead = read;
        m.xWrite = write;
        m.xTruncate = truncate;
        m.xSync = sync;
        m.xFileSize = size;
        m.xLock = lock;
        m.xUnlock = [](sqlite3_file* f, int how) { return beneath(f).xUnlock(real(f), how); };
        m.xCheckReservedLock = [](sqlite3_file* f, int* out) { return beneath(f).xCheckReservedLock(real(f), out); };
        m.xFileControl = [](sqlite3_file* f, int what, void* with) {
            return beneath(f).xFileControl(real(f), what, with);
        };
        m.xSectorSize = [](sqlite3_file* f) { return beneath(f).xSectorSize(real(f)); };
        m.xDeviceCharacteristics = [](sqlite3_file* f) { return beneath(f).xDeviceCharacteristics(real(f)); };
        m.xShmMap = map_shared;
        m.xShmLock = lock_shared;
        m.xShmBarrier = [](sqlite3_file* f) { beneath(f).xShmBarrier(real(f)); };
        m.xShmUnmap = [](sqlite3_file* f, int unlink) { return beneath(f).xShmUnmap(real(f), unlink); };
        m.xFetch = [](sqlite3_file* f, sqlite3_int64 at, int length, void** to) {
            return beneath(f).xFetch(real(f), at, length, to);
        };
        m.xUnfetch = unfetch;
        return m;
    }

    /// A file that offers less than shared memory or mapping must go on saying so.
    static const sqlite3_io_methods* methods_for(int version) {
        static const std::array methods{make(1), make(2), make(3)};
        return &methods.at(static_cast<std::size_t>(std::clamp(version, 1, 3) - 1));
    }
};

ShimVfs::ShimVfs(std::string name, DiskHook& hook)
    : name_(std::move(name)), hook_(hook), beneath_(sqlite3_vfs_find(nullptr)), vfs_(*beneath_) {
    vfs_.zName = name_.c_str();
    vfs_.pNext = nullptr;
    vfs_.pAppData = this;
    vfs_.szOsFile = static_cast<int>(sizeof(Methods::Opened)) + beneath_->szOsFile;
    vfs_.xOpen = Methods::open;
    vfs_.xDelete = Methods::remove;
    vfs_.xAccess = Methods::access;
    vfs_.xFullPathname = Methods::full_path;
    sqlite3_vfs_register(&vfs_, 0);
}

ShimVfs::~ShimVfs() { sqlite3_vfs_unregister(&vfs_); }

}  // namespace support
