#pragma once

#include "support/shim_vfs.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

/// Disks that misbehave, each a hook of a ShimVfs.
namespace support {

/// Fails at a chosen call, once or until it is healed.
/// Thread safety: all members.
class FailingDisk final : public DiskHook {
public:
    enum class Fault : std::uint8_t {
        /// Of any call.
        io_error,
        write_error,
        /// Of a write.
        full,
        /// Half of a write is done before the disk is full.
        short_write
    };
    struct Plan {
        Fault fault{};
        /// Counts from 1, only what can fail in this way; 0 for never.
        std::uint64_t at = 0;
        /// All calls from there on.
        bool sticky = false;
    };

    /// Counting begins anew.
    void fail(const Plan& plan);
    void heal() { fail({}); }
    /// Whether the chosen call came.
    [[nodiscard]] bool has_failed() const;

    Fate before(const DiskCall& call) override;

private:
    mutable std::mutex mutex_;
    Plan plan_;
    std::uint64_t calls_ = 0;
};

[[nodiscard]] const char* to_string(FailingDisk::Fault fault) noexcept;

/// Remembers what was written and what of it was flushed, and so knows what a power cut could leave at any moment.
/// Shared memory (-shm) is no file here: it goes with the power.
/// Thread safety: all members.
class RecordedDisk final : public DiskHook {
public:
    /// What became of the writes that were not flushed.
    enum class Unsynced : std::uint8_t {
        none,
        /// Each of them or not.
        some,
        /// Each sector of each of them or not.
        torn,
        all
    };
    static constexpr Unsynced every_kind[]{Unsynced::none, Unsynced::some, Unsynced::torn, Unsynced::all};
    static constexpr std::size_t sector = 512;

    /// Paths and contents of the files that are there.
    using Image = std::map<std::string, std::string>;

    /// With `lies` it says that it has flushed and never does.
    explicit RecordedDisk(bool lies = false) : lies_(lies) {}

    [[nodiscard]] Image image(Unsynced unsynced, std::mt19937_64& random) const;
    /// Called after each change, on the thread that made it. Set before the disk is used.
    void on_change(std::function<void()> work) { on_change_ = std::move(work); }

    void after(const DiskCall& call) override;

private:
    struct Change {
        DiskCall::Kind kind{};
        std::size_t offset = 0;
        std::string data{};
    };
    struct File {
        bool is_there = false;
        std::string content;
        std::vector<Change> unsynced;
    };

    void record(const DiskCall& call);
    static void flush(File& file, std::size_t count);
    void flush_folder();
    static void apply(File& file, const Change& change);
    static void apply_sectors(File& file, const Change& change, std::mt19937_64& random);
    static File after_power_cut(const File& file, Unsynced unsynced, std::mt19937_64& random);

    const bool lies_;
    std::function<void()> on_change_;
    mutable std::mutex mutex_;
    std::map<std::string, File, std::less<>> files_;
};

[[nodiscard]] const char* to_string(RecordedDisk::Unsynced unsynced) noexcept;

}  // namespace support
