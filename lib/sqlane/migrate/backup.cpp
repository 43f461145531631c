#include "migrate/backup.hpp"

#include "handle/platform.hpp"

#include <sqlane/migrator.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <system_error>
#include <vector>

namespace sqlane::detail {
namespace fs = std::filesystem;
namespace {

/// Removes the half-made copy, and what SQLite keeps beside it, unless told that it is whole.
class Partial {
public:
    explicit Partial(fs::path path) : path_(std::move(path)) {
        remove();  // a crash may have left one
        platform::make_private_file(path_);
    }
    Partial(const Partial&) = delete;
    Partial& operator=(const Partial&) = delete;
    ~Partial() { remove(); }

    [[nodiscard]] const fs::path& path() const noexcept { return path_; }

private:
    void remove() noexcept {
        for (const char* suffix : {"", "-wal", "-shm", "-journal"}) {
            std::error_code ignored;
            fs::remove(path_.string() + suffix, ignored);
        }
    }

    fs::path path_;
};

}  // namespace

std::string utc_stamp() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
#if defined(_WIN32)
    gmtime_s(&parts, &now);
#else
    gmtime_r(&now, &parts);
#endif
    std::array<char, 20> text{};
    static_cast<void>(std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts));
    return text.data();
}

fs::path free_name(const fs::path& file, const std::string& suffix) {
    const auto base = platform::utf8(file) + suffix;
    fs::path name = base;
    for (int number = 2; fs::exists(name); ++number) name = base + "-" + std::to_string(number);
    return name;
}

void copy_checked(MigrationConnection& from, const fs::path& to, const std::string& vfs,
                  const std::function<void(int)>& on_percent) {
    const Partial partial{to.string() + ".partial"};
    {
        MigrationConnection copy{platform::utf8(partial.path()), vfs, MigrationConnection::Access::change, {}};
        copy.copy_from(from, on_percent);
        if (const auto found = copy.value("PRAGMA quick_check"); found != "ok")
            throw MigrationError{MigrationProblem::storage, "backup-damaged",
                                 "the copy of the database is damaged (" + found.value_or("?") +
                                     "); nothing was changed, check the database with 'sqlane doctor'"};
    }
    platform::replace_file(partial.path(), to);
}

void keep_newest_backups(const fs::path& file, std::size_t count) {
    const auto prefix = file.filename().string() + ".bak-";
    std::vector<std::pair<fs::file_time_type, fs::path>> backups;
    for (const auto& entry : fs::directory_iterator{file.parent_path()}) {
        const auto name = entry.path().filename().string();
        const bool beside =
            name.ends_with("-wal") || name.ends_with("-shm") || name.find(".partial") != std::string::npos;
        if (name.starts_with(prefix) && !beside) backups.emplace_back(entry.last_write_time(), entry.path());
    }
    std::ranges::sort(backups, std::greater{});
    for (std::size_t i = count; i < backups.size(); ++i) fs::remove(backups[i].second);
}

}  // namespace sqlane::detail
