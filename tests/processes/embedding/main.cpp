#include <embedding_migrations.hpp>

#include <algorithm>
#include <iostream>

/// embedding FOLDER: prints the embedded versions, and fails unless they are those of the folder to the byte.
int main(int argc, char** argv) {
    const auto& embedded = embedding_migrations().all();
    const auto folder = sqlane::MigrationSet::from_folder(argc > 1 ? argv[1] : ".").all();
    const auto same = [](const auto& a, const auto& b) {
        return a.file == b.file && a.checksum == b.checksum && a.text == b.text;
    };
    std::cout << "versions:";
    for (const auto& migration : embedded) std::cout << ' ' << migration.version;
    std::cout << '\n';
    return std::ranges::equal(embedded, folder, same) ? 0 : 1;
}
