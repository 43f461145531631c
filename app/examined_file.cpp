#include "examined_file.hpp"

#include "cli.hpp"

#include <sqlane/errors.hpp>

#include <array>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>

namespace cli {
namespace fs = std::filesystem;
namespace {

constexpr std::array companions{"", "-wal", "-journal"};

fs::path beside(fs::path file, const char* ending) { return file += ending; }

std::int64_t size_of(const fs::path& file) {
    std::error_code missing;
    const auto size = fs::file_size(file, missing);
    return missing ? 0 : static_cast<std::int64_t>(size);
}

/// https://www.sqlite.org/fileformat.html#the_database_header. Only before a manager has the file: closing any
/// descriptor of it drops the locks that this process holds on it.
ExaminedFile::Journal journal_of(const fs::path& file) {
    constexpr std::string_view magic{"SQLite format 3\0", 16};
    constexpr std::size_t read_version = 19;
    std::array<char, 20> header{};
    std::ifstream{file, std::ios::binary}.read(header.data(), header.size());
    if (std::string_view{header.data(), magic.size()} != magic) return ExaminedFile::Journal::none;
    return header[read_version] == 2 ? ExaminedFile::Journal::wal : ExaminedFile::Journal::rollback;
}

struct Stamp {
    std::int64_t bytes = 0;
    fs::file_time_type written{};
    bool operator==(const Stamp&) const = default;
};

std::array<Stamp, companions.size()> stamps_of(const fs::path& file) {
    std::array<Stamp, companions.size()> stamps;
    for (std::size_t i = 0; i < companions.size(); ++i) {
        std::error_code missing;
        const auto part = beside(file, companions.at(i));
        const auto written = fs::last_write_time(part, missing);
        if (!missing) stamps.at(i) = {size_of(part), written};
    }
    return stamps;
}

void copy_parts(const fs::path& from, const fs::path& to) {
    for (const char* ending : companions)
        if (fs::exists(beside(from, ending))) fs::copy_file(beside(from, ending), beside(to, ending));
    // The copy of a write-protected file is ours to open.
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
}

void require_space(std::int64_t needed) {
    const auto folder = fs::temp_directory_path();
    const auto available = fs::space(folder).available;
    if (available >= static_cast<std::uintmax_t>(needed)) return;
    throw sqlane::StorageError{"a copy to examine needs " + bytes(needed) + " in " + folder.string() + ", which has " +
                               bytes(static_cast<std::int64_t>(available)) +
                               "; free some space or set TMPDIR to a folder that has it"};
}

void require_file(const fs::path& file) {
    std::error_code error;
    const auto status = fs::symlink_status(file, error);
    if (status.type() == fs::file_type::not_found)
        throw sqlane::StorageError{"cannot examine '" + file.string() +
                                   "': there is no such file; nothing was created"};
    if (error)
        throw sqlane::StorageError{"cannot examine '" + file.string() + "': " + error.message() +
                                   "; check the rights of its folder"};
}

}  // namespace

/// A folder that nobody else can look into, removed with what is in it.
class PrivateFolder {
public:
    PrivateFolder() {
        std::random_device random;
        do {
            path_ = fs::temp_directory_path() / ("sqlane-doctor-" + std::to_string(random()));
        } while (!fs::create_directory(path_));
        fs::permissions(path_, fs::perms::owner_all);
    }
    PrivateFolder(const PrivateFolder&) = delete;
    PrivateFolder& operator=(const PrivateFolder&) = delete;
    ~PrivateFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    fs::path path_;
};

ExaminedFile::ExaminedFile(const fs::path& file) : path_(fs::absolute(file)), opened_(path_) {
    require_file(path_);
    // Directories, links and devices are the manager's to refuse.
    if (!fs::is_regular_file(fs::symlink_status(path_))) return;
    size_ = size_of(path_);
    log_bytes_ = size_of(beside(path_, "-wal"));
    rollback_journal_bytes_ = size_of(beside(path_, "-journal"));
    journal_ = journal_of(path_);
    if (opening_changes_it()) copy();
}

ExaminedFile::~ExaminedFile() = default;

bool ExaminedFile::opening_changes_it() const noexcept {
    return size_ == 0 || journal_ == Journal::rollback || log_bytes_ > 0 || rollback_journal_bytes_ > 0;
}

void ExaminedFile::copy() try {
    const auto needed = size_ + log_bytes_ + rollback_journal_bytes_;
    require_space(needed);
    progress("copying " + bytes(needed) + " to examine the copy", needed);
    auto folder = std::make_unique<PrivateFolder>();
    const auto copy = folder->path() / path_.filename();
    const auto before = stamps_of(path_);
    copy_parts(path_, copy);
    if (stamps_of(path_) != before) {
        // A log that grows has a program behind it, which brings it home by itself: nothing is changed that would not be.
        if (journal_ == Journal::wal) return;
        throw sqlane::Busy{"cannot examine '" + path_.string() + "': another program wrote to it meanwhile; try again"};
    }
    opened_ = copy;
    folder_ = std::move(folder);
} catch (const fs::filesystem_error& error) {
    throw sqlane::StorageError{"cannot copy '" + path_.string() + "' to examine it: " + error.code().message()};
}

}  // namespace cli
