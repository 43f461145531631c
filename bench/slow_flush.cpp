// Preloaded into the benchmark (LD_PRELOAD), it makes each flush slower, as on a disk that really writes before it
// answers. Counts them too, so that the benchmark can tell that commits did flush.

#include <dlfcn.h>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace {

constexpr timespec delay{.tv_sec = 0, .tv_nsec = 5'000'000};
std::atomic<std::uint64_t> flushes{0};

using Flush = int (*)(int);

int slowly(const char* name, int descriptor) {
    ++flushes;
    nanosleep(&delay, nullptr);
    const auto real = reinterpret_cast<Flush>(dlsym(RTLD_NEXT, name));
    return real(descriptor);
}

}  // namespace

extern "C" {

std::uint64_t sqlane_bench_flushes();
std::uint64_t sqlane_bench_flushes() { return flushes.load(); }

// The C library's own name of the parameter is reserved.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name)
int fsync(int descriptor) { return slowly("fsync", descriptor); }
int fdatasync(int descriptor) { return slowly("fdatasync", descriptor); }
// NOLINTEND(readability-inconsistent-declaration-parameter-name)
}
