#include "sqlite_bugs.hpp"

#include <cstdio>
#include <tuple>

namespace cli {
namespace {

using Version = std::tuple<int, int, int>;

Version parse(const std::string& text) {
    int major = 0;
    int minor = 0;
    int patch = 0;
    std::sscanf(text.c_str(), "%d.%d.%d", &major, &minor, &patch);  // NOLINT(cert-err34-c): SQLite wrote it
    return {major, minor, patch};
}

bool frames_without_checksum(const Version& version) { return version < Version{3, 50, 2}; }

/// Also fixed in two older series.
bool reset_race(const Version& version) {
    const auto& [major, minor, patch] = version;
    if (version < Version{3, 7, 0}) return false;
    if (major == 3 && minor == 50) return patch < 7;
    if (major == 3 && minor == 44) return patch < 6;
    return version < Version{3, 51, 3};
}

}  // namespace

std::array<SqliteBug, 2> sqlite_bugs(const std::string& version_text) {
    const auto version = parse(version_text);
    return {{{.name = "frames without checksum",
              .harm = "after a rollback in a large transaction, a crash can undo later commits",
              .fixed_in = "3.50.2",
              .workaround = "cache_spill is OFF on writing handles",
              .present = frames_without_checksum(version)},
             {.name = "WAL reset race",
              .harm = "a checkpoint beside a commit can leave pages of the log out",
              .fixed_in = "3.51.3, 3.50.7, 3.44.6",
              .workaround = "checkpoints run only while nobody can commit",
              .present = reset_race(version)}}};
}

}  // namespace cli
