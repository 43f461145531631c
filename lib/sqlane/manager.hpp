#pragma once

#include <sqlane/connection_manager.hpp>

#include "handle/platform.hpp"
#include "lanes/held.hpp"
#include "lanes/lane.hpp"
#include "lanes/lease.hpp"
#include "upkeep/checkpointer.hpp"
#include "upkeep/upkeep.hpp"
#include "watch/warnings.hpp"

#include <sqlane/errors.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace sqlane {

namespace detail {

template <class F>
class AtEnd {
public:
    explicit AtEnd(F what) : what_(std::move(what)) {}
    AtEnd(const AtEnd&) = delete;
    AtEnd& operator=(const AtEnd&) = delete;
    ~AtEnd() { what_(); }

private:
    F what_;
};

/// A call that is not nested, from its first look at the manager to its last.
class Guest {
public:
    explicit Guest(std::atomic<int>& guests) : guests_(guests) { guests_.fetch_add(1, std::memory_order_relaxed); }
    Guest(const Guest&) = delete;
    Guest& operator=(const Guest&) = delete;
    ~Guest() { guests_.fetch_sub(1, std::memory_order_release); }

private:
    std::atomic<int>& guests_;
};

}  // namespace detail

/// The rooms of one manager and what passes between them. The verbs are in connection_manager.cpp, the end in closing.cpp.
class ConnectionManager::Impl {
public:
    Impl(std::unique_ptr<detail::platform::PrivateFolder> folder_given, const std::filesystem::path& path,
         Options options_given, const std::source_location& at);
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;
    ~Impl() = default;

    void require_this_process(const std::source_location& at) const;
    [[nodiscard]] bool forked() const noexcept { return generation != detail::platform::process_generation(); }
    [[nodiscard]] detail::Request request_of(const Call& call, const std::source_location& at) const noexcept;
    /// Lends, or throws what the caller of the verb is to see.
    detail::Lease lend(detail::Lane& lane, const detail::Request& request);
    void watch_over(const Call& call);
    void on_writer(const Call& call, const std::source_location& at, detail::Verb verb,
                   detail::FunctionRef<void(detail::Handle&)> body);
    [[nodiscard]] bool may_share(const Call& call) const noexcept;
    std::optional<Aborted> transact_shared(const Call& call, const std::source_location& at,
                                           detail::FunctionRef<void(Transaction&)> body);
    [[nodiscard]] Aborted undone(const detail::Group::Cause& cause, const std::source_location& at) const;
    void require_no_reader(const detail::Held& outer, detail::Verb verb, const std::source_location& at) const;
    static void run(const detail::Hooks& hooks);
    void run_quietly(const detail::Hooks& hooks, const std::source_location& at) noexcept;
    [[nodiscard]] Report report() const;
    CloseReport close(Clock::time_point deadline);
    std::size_t interrupt_until_empty(Clock::time_point end);
    void close_handles();
    bool wait_until_empty(Clock::time_point deadline);
    void wait_for_guests() const;
    void close_writer();
    [[nodiscard]] std::filesystem::path log_path() const { return file.path().string() + "-wal"; }

    const Options options;
    const std::unique_ptr<detail::platform::PrivateFolder> folder;
    const detail::platform::ClaimedFile file;
    const detail::OpenRecipe reader_recipe;
    const detail::OpenRecipe writer_recipe;
    const std::uint64_t generation = detail::platform::process_generation();
    detail::Warnings warnings;
    detail::Lane readers;
    detail::Lane writer;
    detail::Checkpointer checkpointer;
    detail::Upkeep upkeep;
    std::mutex closing;
    /// A checkpoint ran at close. Guarded by closing.
    bool brought_home = false;
    std::atomic<std::thread::id> closer{};
    std::atomic<bool> closed{false};
    std::atomic<int> guests{0};
};

}  // namespace sqlane
