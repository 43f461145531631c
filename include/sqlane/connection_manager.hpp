#pragma once

#include <sqlane/call.hpp>
#include <sqlane/detail/result_slot.hpp>
#include <sqlane/options.hpp>
#include <sqlane/reader.hpp>
#include <sqlane/stats.hpp>
#include <sqlane/transaction.hpp>
#include <sqlane/writer.hpp>

#include <filesystem>
#include <memory>
#include <source_location>
#include <utility>

namespace sqlane {

/// The door to one database file. Make one per file and share it; it lends each closure a handle from the right
/// lane and takes it back whatever happens.
///
/// A call from inside a closure of the same manager joins that closure: the same handle, the same snapshot, the same
/// transaction. Inside `execute`, `execute_mut` and `transaction` are refused (UsageError), for a reader cannot become
/// a writer.
///
/// A closure runs exactly once, on the calling thread; whatever it throws arrives unchanged. Its result is moved out
/// and must own what it holds.
///
/// Thread safety: all members may be called from any thread at any time, except the destructor.
class ConnectionManager {
public:
    /// Opens the file, or makes it (mode 0600). Throws before anything is changed when the file cannot be used.
    explicit ConnectionManager(const std::filesystem::path& file, Options options = {});

    /// A private database that is gone with the manager and behaves as a file does, with all its lanes.
    [[nodiscard]] static ConnectionManager in_memory(Options options = {});

    ConnectionManager(const ConnectionManager&) = delete;
    ConnectionManager& operator=(const ConnectionManager&) = delete;

    /// As `close(Options::close_timeout)`, then waits for closures that still run: they use this object.
    ~ConnectionManager();

    /// Lends a Reader: one snapshot for the whole closure, and no way to write.
    template <class F>
    auto execute(F&& body, std::source_location at = std::source_location::current()) {
        return execute(Call{}, std::forward<F>(body), at);
    }
    template <class F>
    auto execute(const Call& call, F&& body, std::source_location at = std::source_location::current()) {
        return detail::with_result<Reader&>(std::forward<F>(body),
                                            [&](detail::FunctionRef<void(Reader&)> run) { read(call, at, run); });
    }

    /// Lends the Writer: each statement is its own commit, so two of them are not atomic.
    template <class F>
    auto execute_mut(F&& body, std::source_location at = std::source_location::current()) {
        return execute_mut(Call{}, std::forward<F>(body), at);
    }
    template <class F>
    auto execute_mut(const Call& call, F&& body, std::source_location at = std::source_location::current()) {
        return detail::with_result<Writer&>(std::forward<F>(body),
                                            [&](detail::FunctionRef<void(Writer&)> run) { write(call, at, run); });
    }

    /// Lends a Transaction: all or nothing, durable when this returns (as `Options::synchronous` says).
    template <class F>
    auto transaction(F&& body, std::source_location at = std::source_location::current()) {
        return transaction(Call{}, std::forward<F>(body), at);
    }
    template <class F>
    auto transaction(const Call& call, F&& body, std::source_location at = std::source_location::current()) {
        return detail::with_result<Transaction&>(
            std::forward<F>(body), [&](detail::FunctionRef<void(Transaction&)> run) { transact(call, at, run); });
    }

    /// Changes the pool while it is used: growth at once, shrinking as handles come back.
    void configure(const PoolLimits& limits);

    /// Refuses new calls, lets accepted ones finish until the deadline, then interrupts them; brings what the
    /// write-ahead log holds into the database file. Never throws away what was acknowledged. Can be called again.
    CloseReport close(Deadline deadline, std::source_location at = std::source_location::current());
    CloseReport close(std::source_location at = std::source_location::current());

    [[nodiscard]] Report report() const;
    [[nodiscard]] Stats stats() const;
    [[nodiscard]] Health health() const;
    /// The options in force, `configure` included.
    [[nodiscard]] Options options() const;
    /// Absolute, without symbolic links.
    [[nodiscard]] const std::filesystem::path& path() const noexcept;

private:
    struct InMemory {};
    ConnectionManager(InMemory, Options options);

    void read(const Call& call, const std::source_location& at, detail::FunctionRef<void(Reader&)> body);
    void write(const Call& call, const std::source_location& at, detail::FunctionRef<void(Writer&)> body);
    void transact(const Call& call, const std::source_location& at, detail::FunctionRef<void(Transaction&)> body);

    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace sqlane
