#include "driver/context.hpp"

#include "contenders/connection.hpp"

#include <fcntl.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <exception>
#include <iostream>
#include <utility>

namespace bench {
namespace {

namespace fs = std::filesystem;

void make_database(const fs::path& file, std::int64_t items) {
    Connection db{file, {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=OFF"}};
    db.script(schema_sql);
    db.script("BEGIN");
    Statement insert{db.raw(), "INSERT INTO Items(id, amount, name) VALUES (?, ?, ?)"};
    for (std::int64_t id = 1; id <= items; ++id) {
        const auto item = item_of(id);
        insert.bind(1, item.id);
        insert.bind(2, item.amount);
        insert.bind(3, item.name);
        insert.run();
    }
    db.script("COMMIT");
    db.script("PRAGMA wal_checkpoint(TRUNCATE)");
}

/// Otherwise the copy would still be on its way to the disk while the contender is measured.
void flush(const fs::path& file) {
    const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return;
    fdatasync(descriptor);
    close(descriptor);
}

void remove_database(const fs::path& file) {
    for (const char* end : {"", "-wal", "-shm", "-journal"}) fs::remove(file.string() + end);
}

}  // namespace

Files::Files(const fs::path& folder) : folder_(folder / ("run-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
}

Files::~Files() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

fs::path Files::fresh(std::int64_t items) {
    const auto original = folder_ / ("items-" + std::to_string(items) + ".db");
    if (!fs::exists(original)) make_database(original, items);
    auto file = none("round.db");
    fs::copy_file(original, file);
    flush(file);
    return file;
}

fs::path Files::none(const std::string& name) {
    auto file = folder_ / name;
    remove_database(file);
    return file;
}

std::string file_system_of(const fs::path& folder) {
    constexpr std::array<std::pair<std::uint32_t, const char*>, 7> known{{{0xEF53, "ext4"},
                                                                          {0x58465342, "xfs"},
                                                                          {0x9123683E, "btrfs"},
                                                                          {0x01021994, "tmpfs (a RAM disk)"},
                                                                          {0x794C7630, "overlayfs"},
                                                                          {0x2FC12FC1, "zfs"},
                                                                          {0xF2F52010, "f2fs"}}};
    struct statfs about {};
    if (statfs(folder.c_str(), &about) != 0) return "an unknown file system";
    for (const auto& [type, name] : known)
        if (static_cast<std::uint32_t>(about.f_type) == type) return name;
    return "an unknown file system";
}

void show_progress(const std::string& text) {
    static const bool is_watched = isatty(STDERR_FILENO) == 1;
    if (is_watched) std::cerr << "\r\033[K" << text << std::flush;
}

void Context::each_turn(std::string_view workload, std::string_view scenario, Durability durability, int rounds,
                        const std::function<void(const Kind&, Contender&, const fs::path&)>& body) {
    for (int round = 0; round < rounds; ++round)
        for (const auto& kind : contenders()) {
            show_progress(std::string{workload} + ", " + std::string{scenario} + ", round " +
                          std::to_string(round + 1) + " of " + std::to_string(rounds) + ": " + kind.name);
            try {
                const auto file = files.fresh(settings.items);
                const auto contender = kind.open(file, durability);
                body(kind, *contender, file);
            } catch (const std::exception& error) {
                results.complain(std::string{workload} + ", " + std::string{scenario} + ", " + kind.name + ": " +
                                 error.what());
            }
        }
    show_progress({});
}

}  // namespace bench
