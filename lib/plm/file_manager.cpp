#include <plm/file_manager.hpp>
#include <plm/history_manager.hpp>

#include <sqlane/sqlane.hpp>

#include "common/sha256.hpp"
#include "support.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <system_error>

template <>
struct sqlane::RowReader<plm::AttachedFile> {
    static plm::AttachedFile read(const Row& row) {
        return {.id = row.get<plm::FileId>(0),
                .revision = row.get<plm::RevisionId>(1),
                .path = row.get<std::string>(2),
                .kind = row.get<plm::FileKind>(3),
                .sha256 = row.get<std::string>(4),
                .bytes = row.get<std::int64_t>(5),
                .added = row.get<plm::Time>(6)};
    }
};

namespace plm {
namespace fs = std::filesystem;
namespace {

const std::string columns = "SELECT file_id, revision_id, path, kind, sha256, bytes, added_date FROM Files ";

struct Content {
    std::string sha256;
    std::int64_t bytes = 0;
};

Content content_of(const fs::path& file) {
    std::ifstream in{file, std::ios::binary};
    common::Sha256 hash;
    Content content;
    std::array<char, 65536> piece{};
    while (in.read(piece.data(), piece.size()), in.gcount() > 0) {
        hash.add({piece.data(), static_cast<std::size_t>(in.gcount())});
        content.bytes += in.gcount();
    }
    if (!in.eof()) throw sqlane::StorageError{"cannot read '" + file.string() + "'; check its rights and the disk"};
    content.sha256 = hash.digest();
    return content;
}

bool starts_with(const fs::path& path, const fs::path& folder) {
    return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

/// Where the file is, without links. Throws InvalidValue when that is not below the folder of the project.
fs::path place_below(const fs::path& root, const fs::path& path) {
    const auto refuse = [&](const std::string& why) { throw InvalidValue{"path", "'" + path.string() + "' " + why}; };
    if (path.empty()) refuse("is empty");
    if (path.is_absolute() || path.has_root_name()) refuse("is absolute; give it relative to the project's folder");
    if (std::ranges::find(path, fs::path{".."}) != path.end()) refuse("leads upwards; leave out the ..");
    std::error_code error;
    const auto folder = fs::canonical(root, error);
    if (error) throw InvalidValue{"project folder", "'" + root.string() + "': " + error.message()};
    auto place = fs::canonical(folder / path, error);
    if (error) throw NotFound{"file", "'" + path.string() + "' below '" + folder.string() + "'"};
    if (!starts_with(place, folder)) refuse("is a link that leads out of the project's folder");
    if (!fs::is_regular_file(place)) refuse("is no file");
    return place;
}

std::optional<FileProblem> problem_of(const AttachedFile& file, const fs::path& root) {
    const auto missing = [&](const std::string& why) { return FileProblem{file, FileProblem::Kind::missing, why}; };
    try {
        const auto content = content_of(place_below(root, fs::path{file.path}));
        if (content.sha256 == file.sha256) return {};
        return FileProblem{
            file, FileProblem::Kind::changed,
            std::to_string(content.bytes) + " bytes now, " + std::to_string(file.bytes) + " when it was attached"};
    } catch (const sqlane::NotFound& error) {
        return missing(error.what());
    } catch (const InvalidValue& error) {
        return missing(error.what());
    } catch (const sqlane::StorageError& error) {
        return missing(error.what());
    }
}

}  // namespace

AttachedFile FileManager::attach(RevisionId revision, const fs::path& root, const fs::path& path, FileKind kind,
                                 const Actor& by) const {
    // Read before the transaction: others can write in the meantime.
    const auto content = content_of(place_below(root, path));
    const auto name = path.lexically_normal().generic_string();
    return db_.transaction([&](sqlane::Transaction& tx) {
        plm::require_draft(tx, revision);
        const FileId id = unless_taken("'" + name + "' on " + title_of(tx, revision), [&] {
            return FileId{
                tx.insert("INSERT INTO Files(revision_id, path, kind, sha256, bytes, added_date) "
                          "VALUES (?, ?, ?, ?, ?, ?)",
                          revision, name, kind, content.sha256, content.bytes, now())};
        });
        HistoryManager{db_}.record(by, Subject::revision, revision.value, "file attached", {}, name);
        return tx.one<AttachedFile>(columns + "WHERE file_id = ?", id);
    });
}

void FileManager::detach(FileId id, const Actor& by) const {
    db_.transaction([&](sqlane::Transaction& tx) {
        const auto file = tx.maybe<AttachedFile>(columns + "WHERE file_id = ?", id);
        if (!file) throw NotFound{"file", "with id " + std::to_string(id.value)};
        plm::require_draft(tx, file->revision);
        tx.run("DELETE FROM Files WHERE file_id = ?", id);
        HistoryManager{db_}.record(by, Subject::revision, file->revision.value, "file detached", file->path);
    });
}

std::vector<AttachedFile> FileManager::list(RevisionId revision) const {
    return db_.execute([&](sqlane::Reader& r) {
        return r.all<AttachedFile>(columns + "WHERE revision_id = ? ORDER BY path", revision);
    });
}

std::vector<FileProblem> FileManager::verify(RevisionId revision, const fs::path& root) const {
    std::vector<FileProblem> problems;
    for (const auto& file : list(revision))  // read outside of any closure
        if (auto problem = problem_of(file, root)) problems.push_back(*std::move(problem));
    return problems;
}

}  // namespace plm
