#pragma once

#include <plm/values.hpp>

#include <sqlane/connection_manager.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace plm {

struct AttachedFile {
    FileId id;
    RevisionId revision;
    /// Relative to the project's folder, with '/' between its parts.
    std::string path;
    FileKind kind{};
    /// 64 hexadecimal digits.
    std::string sha256;
    std::int64_t bytes = 0;
    Time added;
};

struct FileProblem {
    enum class Kind : std::uint8_t { missing, changed };
    AttachedFile file;
    Kind kind{};
    std::string why;
};

/// Files of a revision, which stay where they are, below the folder of the project.
/// Thread safety: all members.
class FileManager {
public:
    explicit FileManager(sqlane::ConnectionManager& db) : db_(db) {}

    /// `path` is relative to `root` and stays below it, links included.
    AttachedFile attach(RevisionId revision, const std::filesystem::path& root, const std::filesystem::path& path,
                        FileKind kind = FileKind::other, const Actor& by = {}) const;
    void detach(FileId id, const Actor& by = {}) const;
    /// By path.
    [[nodiscard]] std::vector<AttachedFile> list(RevisionId revision) const;
    /// What is missing and what is no longer what was attached.
    [[nodiscard]] std::vector<FileProblem> verify(RevisionId revision, const std::filesystem::path& root) const;

private:
    sqlane::ConnectionManager& db_;
};

}  // namespace plm
