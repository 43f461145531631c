#include "migrate/backup.hpp"

#include "handle/platform.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
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
        for (const auto& file : all_) {
            std::error_code ignored;
            fs::remove(file, ignored);
        }
    }

    fs::path path_;
    /// Named beforehand: removing them must not need memory.
    std::array<fs::path, 4> all_{path_, path_.string() + "-wal", path_.string() + "-shm", path_.string() + "-journal"};
};

/// "0003-20260131T120000Z", perhaps with a number behind it; not what somebody named parts.db.bak-good.
bool is_ours(std::string_view rest) {
    std::string shape;
    for (const char c : rest) {
        const bool digit = c >= '0' && c <= '9';
        if (!digit || !shape.ends_with('9')) shape += digit ? '9' : c;
    }
    return shape == "9-9T9Z" || shape == "9-9T9Z-9";
}

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

void copy_checked(MigrationConnection& from, const fs::path& to, const MigrationOptions& options,
                  const std::function<void(int)>& on_percent) {
    const Partial partial{to.string() + ".partial"};
    {
        MigrationConnection copy{platform::utf8(partial.path()),
                                 options.vfs,
                                 MigrationConnection::Access::change,
                                 {.timeout = options.lock_timeout, .stop = options.stop, .on_tick = {}}};
        copy.copy_from(from, on_percent);
        if (const auto found = copy.value("PRAGMA quick_check(1)"); found != "ok")
            throw MigrationError{MigrationProblem::storage, "backup-damaged",
                                 "the copy of the database is damaged (" + found.value_or("?") +
                                     "); nothing was changed, check the database with 'sqlane doctor'"};
    }
    platform::replace_file(partial.path(), to);
}

void remove_partial_backups(const fs::path& file) {
    const auto prefix = file.filename().string() + ".bak-";
    constexpr std::string_view suffix = ".partial";
    std::error_code ignored;  // a copy too many must not fail the run
    for (const auto& entry : fs::directory_iterator{file.parent_path(), ignored}) {
        const auto name = entry.path().filename().string();
        if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
        if (is_ours(std::string_view{name}.substr(prefix.size(), name.size() - prefix.size() - suffix.size())))
            fs::remove(entry.path(), ignored);
    }
}

void keep_newest_backups(const fs::path& file, std::size_t count) {
    const auto prefix = file.filename().string() + ".bak-";
    std::vector<std::pair<fs::file_time_type, fs::path>> backups;
    // The run has succeeded: a copy too many, or one that another process was quicker to remove, must not fail it.
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator{file.parent_path(), ignored}) {
        const auto name = entry.path().filename().string();
        if (name.starts_with(prefix) && is_ours(name.substr(prefix.size())))
            backups.emplace_back(entry.last_write_time(ignored), entry.path());
    }
    std::ranges::sort(backups, std::greater{});
    for (std::size_t i = count; i < backups.size(); ++i) fs::remove(backups[i].second, ignored);
}

}  // namespace sqlane::detail
