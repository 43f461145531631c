#pragma once

#include "entries.hpp"

#include <sqlane/sqlane.hpp>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <utility>

/// What is done while something fails: the disk, or the memory.
namespace soak {

/// Something that fails, from `begin` to `end`.
class Trouble {
public:
    Trouble() = default;
    Trouble(const Trouble&) = delete;
    Trouble& operator=(const Trouble&) = delete;
    virtual ~Trouble() = default;

    /// The count up to the failure goes on where `pause` left it.
    virtual void begin() = 0;
    virtual void pause() noexcept = 0;
    virtual void end() noexcept = 0;
    /// Empty for an error that tells the caller what has failed.
    [[nodiscard]] virtual std::string wrong_with(const std::exception& error) const = 0;
    /// The VFS to open with.
    [[nodiscard]] virtual std::string vfs() const { return {}; }
};

/// A database with a few entries in it, and what was acknowledged since.
class TroubledRun {
public:
    static constexpr int entries_before = 5;

    /// The content of a file that has just these entries.
    [[nodiscard]] static std::string content_before(const std::filesystem::path& folder, std::uint64_t seed);

    TroubledRun(std::filesystem::path file, Trouble& trouble, std::uint64_t seed)
        : file_(std::move(file)), trouble_(trouble), random_(seed) {}

    /// Somebody else has the file open and no trouble: then no connection of ours is the last to close.
    void let_in_bystander();

    /// May fail, but only with an error that says so.
    template <class Work>
    void attempt(Work&& work) {
        try {
            trouble_.begin();
            work();
            trouble_.pause();
        } catch (const std::exception& error) {
            trouble_.pause();
            ++errors_;
            note(trouble_.wrong_with(error));
        } catch (...) {
            trouble_.pause();
            note("something that is no exception was thrown");
        }
    }
    void end_trouble() { trouble_.end(); }
    /// When the trouble is over.
    template <class Work>
    void require(Work&& work) {
        try {
            work();
        } catch (const std::exception& error) {
            note(std::string{"after the trouble: "} + error.what());
        }
    }

    void write(sqlane::ConnectionManager& db);
    void read(sqlane::ConnectionManager& db);
    void acknowledge(std::int64_t number) { acknowledged_ = number; }
    /// Only the first one is kept; an empty one is none.
    void note(const std::string& wrong);
    /// What stands in the file when all is closed.
    void look();
    /// Of a layer that leaks: closed with the run.
    void leave_open(std::unique_ptr<Bare> db) { left_open_ = std::move(db); }

    [[nodiscard]] sqlane::Options options() const;
    [[nodiscard]] std::string vfs() const { return trouble_.vfs(); }
    [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
    [[nodiscard]] const std::string& wrong() const noexcept { return wrong_; }
    /// Entries that are there although their transaction said that it had failed.
    [[nodiscard]] std::int64_t revived() const noexcept { return revived_; }
    [[nodiscard]] std::uint64_t errors() const noexcept { return errors_; }

private:
    void compare(std::int64_t newest);

    const std::filesystem::path file_;
    Trouble& trouble_;
    std::mt19937_64 random_;
    std::optional<Bare> bystander_;
    std::unique_ptr<Bare> left_open_;
    std::int64_t acknowledged_ = entries_before;
    std::int64_t revived_ = 0;
    std::uint64_t errors_ = 0;
    std::uint64_t hooks_run_ = 0;
    std::string wrong_;
};

struct Scenario {
    const char* name;
    void (*run)(TroubledRun&);
};

[[nodiscard]] std::span<const Scenario> scenarios();

/// For red controls: says that all is well, whatever COMMIT says.
void careless_layer(TroubledRun& run);
/// For red controls: does not close a connection on which something failed.
void leaking_layer(TroubledRun& run);
/// For red controls: throws what tells nobody what has failed.
void vague_layer(TroubledRun& run);

}  // namespace soak
