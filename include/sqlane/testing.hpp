#pragma once

#include <sqlane/connection_manager.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

/// For the tests of programs that use sqlane. Works with any test framework; included after doctest, Catch2 or
/// GoogleTest, failures go to that framework by themselves.
namespace sqlane::testing {

/// Takes the message of a failed check. It is called from a destructor and must not throw.
using OnFailure = std::function<void(const std::string& message)>;

#if defined(DOCTEST_LIBRARY_INCLUDED)
inline OnFailure framework_failure() {
    return [](const std::string& message) { ADD_FAIL_CHECK_AT("sqlane/testing.hpp", 0, message); };
}
#elif defined(CATCH_VERSION_MAJOR)
inline OnFailure framework_failure() {
    return [](const std::string& message) { FAIL_CHECK(message); };
}
#elif defined(GTEST_INCLUDE_GTEST_GTEST_H_) || defined(GOOGLETEST_INCLUDE_GTEST_GTEST_H_)
inline OnFailure framework_failure() {
    return [](const std::string& message) { ADD_FAILURE() << message; };
}
#endif

/// A folder of its own for one test, removed with everything in it.
class TemporaryFolder {
public:
    TemporaryFolder();
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    ~TemporaryFolder();

    [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

private:
    std::filesystem::path path_;
};

/// A database file for one test, gone with it.
///
/// When it ends it fails the test that still holds a lease, or whose closures left something behind on a handle: an
/// unfinished statement, a temporary table, an attached file, a changed pragma.
class TemporaryDatabase {
public:
#if defined(DOCTEST_LIBRARY_INCLUDED) || defined(CATCH_VERSION_MAJOR) || defined(GTEST_INCLUDE_GTEST_GTEST_H_) || \
    defined(GOOGLETEST_INCLUDE_GTEST_GTEST_H_)
    explicit TemporaryDatabase(Options options = {}) : TemporaryDatabase(framework_failure(), std::move(options)) {}
#endif
    explicit TemporaryDatabase(OnFailure on_failure, Options options = {});
    TemporaryDatabase(const TemporaryDatabase&) = delete;
    TemporaryDatabase& operator=(const TemporaryDatabase&) = delete;
    ~TemporaryDatabase();

    [[nodiscard]] ConnectionManager& db() noexcept { return *db_; }
    ConnectionManager* operator->() noexcept { return db_.get(); }
    [[nodiscard]] std::filesystem::path path() const { return folder_.path() / "test.db"; }

    /// What the destructor would complain about now; empty when all is clean.
    [[nodiscard]] std::string complaints() const;

private:
    TemporaryFolder folder_;
    OnFailure on_failure_;
    std::unique_ptr<ConnectionManager> db_;
};

}  // namespace sqlane::testing
