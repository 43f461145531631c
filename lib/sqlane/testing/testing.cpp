#include <sqlane/testing.hpp>

#include <sqlane/errors.hpp>
#include <sqlane/stats.hpp>

#include "upkeep/checkpointer.hpp"
#include "watch/text.hpp"

#include <atomic>
#include <random>
#include <system_error>

namespace sqlane::testing {
namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder() {
    std::random_device random;
    for (int tries = 0; tries < 100; ++tries) {
        path_ = fs::temp_directory_path() / ("sqlane-test-" + std::to_string(random()));
        if (!fs::create_directory(path_)) continue;
        path_ = fs::canonical(path_);
        return;
    }
    throw StorageError{"cannot make a folder for a test in '" + fs::temp_directory_path().string() + "'; clear it"};
}

TemporaryFolder::~TemporaryFolder() {
    std::error_code ignored;  // what the system still holds open is left to the next clearing of its temp folder
    fs::remove_all(path_, ignored);
}

TemporaryDatabase::TemporaryDatabase(OnFailure on_failure, Options options)
    : on_failure_(std::move(on_failure)), db_(std::make_unique<ConnectionManager>(path(), std::move(options))) {}

TemporaryDatabase::~TemporaryDatabase() {
    if (const auto found = complaints(); !found.empty() && on_failure_) on_failure_(found);
}

std::string TemporaryDatabase::complaints() const {
    auto report = db_->report();
    std::erase_if(report.writer.holders, detail::Checkpointer::is_checkpoint);  // it comes and goes by itself
    std::string text;
    for (const auto* lane : {&report.writer, &report.readers})
        if (!lane->holders.empty())
            text +=
                "the test ends while its " + lane->name + " are in use:" + detail::holders_text(lane->holders) + "\n";
    for (const auto& warning : report.warnings)
        if (warning.kind == Warning::Kind::left_behind || warning.kind == Warning::Kind::replaced)
            text += warning.message + "\n";
    return text;
}

}  // namespace sqlane::testing
