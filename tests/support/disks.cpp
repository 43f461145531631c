#include "support/disks.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace support {
namespace {

using Kind = DiskCall::Kind;

int io_error_of(Kind kind) noexcept {
    switch (kind) {
        case Kind::open: return SQLITE_CANTOPEN;
        case Kind::remove: return SQLITE_IOERR_DELETE;
        case Kind::read: return SQLITE_IOERR_READ;
        case Kind::write: return SQLITE_IOERR_WRITE;
        case Kind::truncate: return SQLITE_IOERR_TRUNCATE;
        case Kind::sync: return SQLITE_IOERR_FSYNC;
        case Kind::size: return SQLITE_IOERR_FSTAT;
        case Kind::lock: return SQLITE_IOERR_LOCK;
        case Kind::access: return SQLITE_IOERR_ACCESS;
        case Kind::share: return SQLITE_IOERR_SHMMAP;
        case Kind::lock_shared: return SQLITE_IOERR_SHMLOCK;
        default: return SQLITE_IOERR;
    }
}

bool can_fail(FailingDisk::Fault fault, Kind kind) noexcept {
    return fault == FailingDisk::Fault::io_error ? kind != Kind::unfetch : kind == Kind::write;
}

bool is_shared_memory(std::string_view path) { return path.ends_with("-shm"); }

std::string content_of_file(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    return {std::istreambuf_iterator<char>{file}, {}};
}

bool coin(std::mt19937_64& random) { return (random() & 1) != 0; }

}  // namespace

void FailingDisk::fail(const Plan& plan) {
    const std::lock_guard lock{mutex_};
    plan_ = plan;
    calls_ = 0;
}

bool FailingDisk::has_failed() const {
    const std::lock_guard lock{mutex_};
    return plan_.at != 0 && calls_ >= plan_.at;
}

Fate FailingDisk::before(const DiskCall& call) {
    const std::lock_guard lock{mutex_};
    if (plan_.at == 0 || !can_fail(plan_.fault, call.kind)) return {};
    ++calls_;
    if (calls_ < plan_.at || (calls_ > plan_.at && !plan_.sticky)) return {};
    switch (plan_.fault) {
        case Fault::io_error:
        case Fault::write_error: return {.code = io_error_of(call.kind)};
        case Fault::full: return {.code = SQLITE_FULL};
        case Fault::short_write: break;
    }
    return {.code = SQLITE_FULL, .torn_after = call.data.size() / 2};
}

const char* to_string(FailingDisk::Fault fault) noexcept {
    switch (fault) {
        case FailingDisk::Fault::io_error: return "I/O error";
        case FailingDisk::Fault::write_error: return "write error";
        case FailingDisk::Fault::full: return "disk full";
        default: return "short write";
    }
}

void RecordedDisk::after(const DiskCall& call) {
    if (is_shared_memory(call.path) || call.path.empty()) return;
    if (call.kind != Kind::open && !changes_disk(call.kind)) return;
    record(call);
    if (call.kind != Kind::open && on_change_) on_change_();
}

void RecordedDisk::record(const DiskCall& call) {
    const std::lock_guard lock{mutex_};
    auto found = files_.find(call.path);
    if (found == files_.end()) {
        found = files_.emplace(call.path, File{}).first;
        // What was there before is on the disk. What this open has made is not, until it is flushed.
        found->second.content = call.kind == Kind::open ? content_of_file(found->first) : std::string{};
        found->second.is_there = !found->second.content.empty();
    }
    auto& file = found->second;
    if (call.kind == Kind::open) {
        file.unsynced.push_back({.kind = Kind::open});
    } else if (call.kind != Kind::sync) {
        file.unsynced.push_back(
            {.kind = call.kind, .offset = static_cast<std::size_t>(call.offset), .data = std::string{call.data}});
    }
    if (lies_) return;
    // SQLite flushes the folder of a journal or a log that it has made, and when it is told to remove one for good.
    const bool is_new =
        call.kind == Kind::sync &&
        (!file.is_there || std::ranges::find(file.unsynced, Kind::remove, &Change::kind) != file.unsynced.end());
    if (call.kind == Kind::sync) flush(file, file.unsynced.size());
    if (is_new || call.sync_folder) flush_folder();
}

void RecordedDisk::flush(File& file, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) apply(file, file.unsynced[i]);
    file.unsynced.erase(file.unsynced.begin(), file.unsynced.begin() + static_cast<std::ptrdiff_t>(count));
}

/// All files are in one. What was removed is gone for good.
void RecordedDisk::flush_folder() {
    for (auto& [path, file] : files_) {
        const auto removed = std::find_if(file.unsynced.rbegin(), file.unsynced.rend(),
                                          [](const Change& change) { return change.kind == Kind::remove; });
        flush(file, static_cast<std::size_t>(file.unsynced.rend() - removed));
    }
}

void RecordedDisk::apply(File& file, const Change& change) {
    file.is_there = change.kind != Kind::remove;
    if (change.kind == Kind::remove) file.content.clear();
    if (change.kind == Kind::truncate) file.content.resize(change.offset);
    if (change.kind != Kind::write) return;
    if (file.content.size() < change.offset + change.data.size())
        file.content.resize(change.offset + change.data.size());
    file.content.replace(change.offset, change.data.size(), change.data);
}

void RecordedDisk::apply_sectors(File& file, const Change& change, std::mt19937_64& random) {
    if (change.kind != Kind::write) {
        if (coin(random)) apply(file, change);
        return;
    }
    for (std::size_t at = 0; at < change.data.size();) {
        const auto size = sector - (change.offset + at) % sector;
        if (coin(random))
            apply(file, {.kind = Kind::write, .offset = change.offset + at, .data = change.data.substr(at, size)});
        at += size;
    }
}

RecordedDisk::File RecordedDisk::after_power_cut(const File& file, Unsynced unsynced, std::mt19937_64& random) {
    File left{.is_there = file.is_there, .content = file.content, .unsynced = {}};
    if (unsynced == Unsynced::none) return left;
    for (const auto& change : file.unsynced) {
        // Its name still leads to the old file, and what was written to a new one cannot be reached.
        if (change.kind == Kind::remove && unsynced != Unsynced::all && coin(random)) return left;
        if (unsynced == Unsynced::all || change.kind == Kind::remove)
            apply(left, change);
        else if (unsynced == Unsynced::torn)
            apply_sectors(left, change, random);
        else if (coin(random))
            apply(left, change);
    }
    return left;
}

RecordedDisk::Image RecordedDisk::image(Unsynced unsynced, std::mt19937_64& random) const {
    const std::lock_guard lock{mutex_};
    Image image;
    for (const auto& [path, file] : files_)
        if (auto left = after_power_cut(file, unsynced, random); left.is_there)
            image.emplace(path, std::move(left.content));
    return image;
}

const char* to_string(RecordedDisk::Unsynced unsynced) noexcept {
    switch (unsynced) {
        case RecordedDisk::Unsynced::none: return "none";
        case RecordedDisk::Unsynced::some: return "some";
        case RecordedDisk::Unsynced::torn: return "torn";
        default: return "all";
    }
}

}  // namespace support
