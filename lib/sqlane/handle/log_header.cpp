#include "handle/log_header.hpp"

#include <sqlite3.h>

#include <cstddef>

// SQLite writes the header without telling the sanitizer, and reads it in a function that is exempt for the same reason.
#if defined(__GNUC__)
#define SQLANE_READS_SHARED_MEMORY __attribute__((no_sanitize("thread")))
#else
#define SQLANE_READS_SHARED_MEMORY
#endif

namespace sqlane::detail {
namespace {

/// Of the first region, in which the header stands; the size of all regions.
constexpr int region_size = 32768;

using Header = std::array<std::uint64_t, 6>;

SQLANE_READS_SHARED_MEMORY bool same(const volatile std::uint64_t* there, const Header& header) noexcept {
    bool equal = true;
    for (std::size_t i = 0; i < header.size(); ++i) equal = equal && there[i] == header[i];
    return equal;
}

SQLANE_READS_SHARED_MEMORY void take(const volatile std::uint64_t* there, Header& header) noexcept {
    for (std::size_t i = 0; i < header.size(); ++i) header[i] = there[i];
}

SQLANE_READS_SHARED_MEMORY std::uint32_t number(const volatile std::uint32_t* there) noexcept { return *there; }

}  // namespace

void LogHeader::attach(sqlite3* db) noexcept {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK || file == nullptr) return;
    const auto* methods = file->pMethods;
    if (methods == nullptr || methods->iVersion < 2 || methods->xShmMap == nullptr || methods->xShmBarrier == nullptr)
        return;
    void volatile* region = nullptr;
    if (methods->xShmMap(file, 0, region_size, 0, &region) != SQLITE_OK || region == nullptr) return;
    header_ = static_cast<const volatile std::uint64_t*>(region);
    home_ = reinterpret_cast<const volatile std::uint32_t*>(header_ + 2 * Header{}.size());
    file_ = file;
}

bool LogHeader::copy(Copy& to) const noexcept {
    if (header_ == nullptr) return false;
    to.home = number(home_);
    take(header_, to.header);
    barrier();
    return same(header_ + to.header.size(), to.header);
}

bool LogHeader::is_still(const Copy& copy) const noexcept {
    barrier();
    return same(header_, copy.header) && number(home_) == copy.home;
}

void LogHeader::barrier() const noexcept {
    auto* file = static_cast<sqlite3_file*>(file_);
    file->pMethods->xShmBarrier(file);
}

}  // namespace sqlane::detail
