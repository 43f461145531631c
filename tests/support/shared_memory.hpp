#pragma once

#include "support/child_process.hpp"

#include <sys/mman.h>

#include <new>

namespace support {

/// What a process shares with the children that it forks from then on. Pages that nobody touches cost nothing.
template <class T>
class SharedMemory {
public:
    SharedMemory()
        : memory_(
              ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
        require(memory_ != MAP_FAILED, "mmap");
        new (memory_) T;
    }
    SharedMemory(const SharedMemory&) = delete;
    SharedMemory& operator=(const SharedMemory&) = delete;
    ~SharedMemory() { ::munmap(memory_, sizeof(T)); }

    T& operator*() const noexcept { return *static_cast<T*>(memory_); }
    T* operator->() const noexcept { return static_cast<T*>(memory_); }

private:
    void* memory_;
};

}  // namespace support
