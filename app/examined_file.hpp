#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

namespace cli {

class PrivateFolder;

/// The file that `doctor` was given, and the one that it opens in its place where opening would change it: a manager
/// turns a rollback journal into a write-ahead log, rolls back what a journal holds, and brings a log home. Then it
/// is a private copy, gone with this object.
class ExaminedFile {
public:
    enum class Journal : std::uint8_t { none, rollback, wal };

    /// Throws StorageError when there is no such file, and Busy when it changes while it is being copied.
    explicit ExaminedFile(const std::filesystem::path& file);
    ExaminedFile(const ExaminedFile&) = delete;
    ExaminedFile& operator=(const ExaminedFile&) = delete;
    ~ExaminedFile();

    /// Absolute.
    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
    [[nodiscard]] const std::filesystem::path& opened() const noexcept { return opened_; }
    [[nodiscard]] bool is_copy() const noexcept { return folder_ != nullptr; }
    /// None: an empty file, or no database at all.
    [[nodiscard]] Journal journal() const noexcept { return journal_; }
    [[nodiscard]] std::int64_t size() const noexcept { return size_; }
    /// As they were before anything was opened.
    [[nodiscard]] std::int64_t log_bytes() const noexcept { return log_bytes_; }
    [[nodiscard]] std::int64_t rollback_journal_bytes() const noexcept { return rollback_journal_bytes_; }

private:
    [[nodiscard]] bool opening_changes_it() const noexcept;
    void copy();

    std::filesystem::path path_;
    std::filesystem::path opened_;
    std::unique_ptr<PrivateFolder> folder_;
    Journal journal_ = Journal::none;
    std::int64_t size_ = 0;
    std::int64_t log_bytes_ = 0;
    std::int64_t rollback_journal_bytes_ = 0;
};

}  // namespace cli
