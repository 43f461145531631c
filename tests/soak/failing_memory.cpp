#include "failing_memory.hpp"

#include <dlfcn.h>
#include <execinfo.h>
#include <sqlite3.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>
#include <stdexcept>

namespace soak::failing_memory {
namespace {

struct State {
    Of of{};
    std::uint64_t at = 0;
    bool sticky = false;
    bool counting = false;
    std::uint64_t count = 0;
};

/// No constructor runs for them: memory is allocated before any could have.
constinit State state;
constinit std::atomic<std::int64_t> live_allocations{0};
constinit sqlite3_mem_methods beneath{};

bool fails(Of of) noexcept {
    if (!state.counting || state.of != of) return false;
    ++state.count;
    return state.at != 0 && (state.sticky ? state.count >= state.at : state.count == state.at);
}

void* allocate_for_sqlite(int size) { return fails(Of::sqlite) ? nullptr : beneath.xMalloc(size); }

void* reallocate_for_sqlite(void* old, int size) { return fails(Of::sqlite) ? nullptr : beneath.xRealloc(old, size); }

}  // namespace

void go_below_sqlite() {
    auto methods = beneath;
    if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &beneath) != SQLITE_OK) throw std::runtime_error{"SQLite is in use"};
    methods = beneath;
    methods.xMalloc = allocate_for_sqlite;
    methods.xRealloc = reallocate_for_sqlite;
    if (sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) != SQLITE_OK) throw std::runtime_error{"SQLite is in use"};
}

void fail(Of of, std::uint64_t at, bool sticky) noexcept { state = {.of = of, .at = at, .sticky = sticky}; }

void resume() noexcept { state.counting = true; }

void pause() noexcept { state.counting = false; }

std::uint64_t allocations() noexcept { return state.count; }

std::int64_t live() noexcept { return live_allocations.load(std::memory_order_relaxed); }

/// There libstdc++ itself ends the program, because it declares noexcept what allocates.
static bool is_inside_directory_iterator() noexcept {
    std::array<void*, 16> frames{};
    const auto count = static_cast<std::size_t>(::backtrace(frames.data(), static_cast<int>(frames.size())));
    return std::any_of(frames.begin(), frames.begin() + count, [](void* frame) {
        Dl_info info{};
        return ::dladdr(frame, &info) != 0 && info.dli_sname != nullptr &&
               std::strstr(info.dli_sname, "directory_iterator") != nullptr;
    });
}

static void* allocate(std::size_t size) noexcept {
    if (fails(Of::own) && !is_inside_directory_iterator()) return nullptr;
    void* memory = std::malloc(size > 0 ? size : 1);
    if (memory != nullptr) live_allocations.fetch_add(1, std::memory_order_relaxed);
    return memory;
}

static void release(void* memory) noexcept {
    if (memory == nullptr) return;
    live_allocations.fetch_sub(1, std::memory_order_relaxed);
    std::free(memory);
}

}  // namespace soak::failing_memory

// All but those for special alignments. The standard library's own would lead to the first, but a sanitizer's do not.
void* operator new(std::size_t size) {
    if (void* memory = soak::failing_memory::allocate(size)) return memory;
    throw std::bad_alloc{};
}
void* operator new[](std::size_t size) { return operator new(size); }
void* operator new(std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return soak::failing_memory::allocate(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& /*tag*/) noexcept {
    return soak::failing_memory::allocate(size);
}

void operator delete(void* memory) noexcept { soak::failing_memory::release(memory); }
void operator delete[](void* memory) noexcept { soak::failing_memory::release(memory); }
void operator delete(void* memory, std::size_t /*size*/) noexcept { soak::failing_memory::release(memory); }
void operator delete[](void* memory, std::size_t /*size*/) noexcept { soak::failing_memory::release(memory); }
void operator delete(void* memory, const std::nothrow_t& /*tag*/) noexcept { soak::failing_memory::release(memory); }
void operator delete[](void* memory, const std::nothrow_t& /*tag*/) noexcept { soak::failing_memory::release(memory); }
