#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <csignal>

/// The default VFS, until a chosen one of the operations that change files: there the process kills itself, as by
/// kill -9, before the operation or with half of a write done.
namespace processes {

class KillingVfs {
public:
    static constexpr const char* name = "killing";

    /// `at` counts from 1.
    static void install(int at, bool torn) {
        state() = {at, torn, sqlite3_vfs_find(nullptr)};
        static sqlite3_vfs vfs = *state().base;
        vfs.zName = name;
        vfs.pNext = nullptr;
        vfs.szOsFile = static_cast<int>(sizeof(File)) + state().base->szOsFile;
        vfs.xOpen = open;
        vfs.xDelete = remove;
        sqlite3_vfs_register(&vfs, 0);
    }

private:
    struct State {
        int left = 0;
        bool torn = false;
        sqlite3_vfs* base = nullptr;
    };
    struct File {
        sqlite3_file head;
        // What the default VFS makes stands behind.
    };

    static State& state() {
        static State instance;
        return instance;
    }

    static sqlite3_file* real(sqlite3_file* file) {
        return reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(File));
    }

    [[noreturn]] static void die() {
        ::kill(::getpid(), SIGKILL);
        for (;;) ::pause();
    }

    static bool is_last() { return --state().left == 0; }

    static int open(sqlite3_vfs* /*vfs*/, const char* path, sqlite3_file* file, int flags, int* out) {
        static const sqlite3_io_methods methods = make_methods();
        const int code = state().base->xOpen(state().base, path, real(file), flags, out);
        file->pMethods = real(file)->pMethods != nullptr ? &methods : nullptr;
        return code;
    }
    static int remove(sqlite3_vfs* /*vfs*/, const char* path, int sync) {
        if (is_last()) die();
        return state().base->xDelete(state().base, path, sync);
    }

    static int write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
        if (is_last()) {
            if (state().torn) real(file)->pMethods->xWrite(real(file), data, size / 2, offset);
            die();
        }
        return real(file)->pMethods->xWrite(real(file), data, size, offset);
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) {
        if (is_last()) die();
        return real(file)->pMethods->xTruncate(real(file), size);
    }
    static int sync(sqlite3_file* file, int flags) {
        if (is_last()) die();
        return real(file)->pMethods->xSync(real(file), flags);
    }

    /// No memory mapping (version 2), so that every write comes along here.
    static sqlite3_io_methods make_methods() {
        sqlite3_io_methods m{};
        m.iVersion = 2;
        m.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
        m.xRead = [](sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
            return real(f)->pMethods->xRead(real(f), to, size, at);
        };
        m.xWrite = write;
        m.xTruncate = truncate;
        m.xSync = sync;
        m.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) { return real(f)->pMethods->xFileSize(real(f), size); };
        m.xLock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xLock(real(f), how); };
        m.xUnlock = [](sqlite3_file* f, int how) { return real(f)->pMethods->xUnlock(real(f), how); };
        m.xCheckReservedLock = [](sqlite3_file* f, int* out) {
            return real(f)->pMethods->xCheckReservedLock(real(f), out);
        };
        m.xFileControl = [](sqlite3_file* f, int what, void* with) {
            return real(f)->pMethods->xFileControl(real(f), what, with);
        };
        m.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
        m.xDeviceCharacteristics = [](sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); };
        m.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** to) {
            return real(f)->pMethods->xShmMap(real(f), page, size, extend, to);
        };
        m.xShmLock = [](sqlite3_file* f, int at, int count, int how) {
            return real(f)->pMethods->xShmLock(real(f), at, count, how);
        };
        m.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
        m.xShmUnmap = [](sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); };
        return m;
    }
};

}  // namespace processes
