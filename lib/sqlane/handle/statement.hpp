#pragma once

#include "handle/authorizer.hpp"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

struct sqlite3;
struct sqlite3_stmt;

namespace sqlane::detail {

struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
};
using StatementPointer = std::unique_ptr<sqlite3_stmt, Finalize>;

/// One compiled statement. Finalised when destroyed.
///
/// Made with sqlite3_prepare_v3 and not with SQLite::Statement: that one hides the tail pointer, by which a second
/// statement is found, copies the text and counts a shared_ptr for every column read.
class Statement {
public:
    Statement(StatementPointer compiled, std::string_view sql, Effects effects);
    Statement(const Statement&) = delete;
    Statement& operator=(const Statement&) = delete;

    [[nodiscard]] sqlite3_stmt* raw() const noexcept { return compiled_.get(); }
    [[nodiscard]] const std::string& sql() const noexcept { return sql_; }
    [[nodiscard]] const Effects& effects() const noexcept { return effects_; }
    /// Neither the database nor the handle is changed by it.
    [[nodiscard]] bool only_reads() const noexcept { return only_reads_; }
    /// Was compiled with a reader's rights, on whatever handle.
    [[nodiscard]] bool vetted_for_reader() const noexcept { return vetted_for_reader_; }
    void vet_for_reader() noexcept { vetted_for_reader_ = true; }
    [[nodiscard]] int parameters() const noexcept { return parameters_; }

private:
    friend class StatementCache;

    const StatementPointer compiled_;
    const std::string sql_;
    const Effects effects_;
    const bool only_reads_;
    const int parameters_;
    bool vetted_for_reader_ = false;
    bool in_use_ = false;
    bool cached_ = false;
};

/// Shows other threads which statement a handle runs, at the cost of two relaxed stores a statement.
/// `guard` is taken to look at the text and to destroy a statement, never to run one.
struct StatementWatch {
    std::atomic<const Statement*> running{nullptr};
    std::atomic<bool> stepping{false};
    mutable std::mutex guard;
};

struct CacheCounts {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
};

/// Compiled statements by their text, bounded, the least recently used going first.
/// Thread safety: belongs to the thread that the handle is lent to.
class StatementCache {
public:
    StatementCache(std::size_t capacity, StatementWatch& watch) : capacity_(capacity), watch_(watch) {}
    StatementCache(const StatementCache&) = delete;
    StatementCache& operator=(const StatementCache&) = delete;
    ~StatementCache() { clear(); }

    /// Null when there is none, or when it is in use further up in this closure.
    Statement* take(std::string_view sql);
    Statement& add(std::unique_ptr<Statement> statement);
    /// One that `give_back` destroys.
    Statement& add_extra(std::unique_ptr<Statement> statement);
    void give_back(Statement& statement) noexcept;
    void clear() noexcept;

    /// Since the last call.
    [[nodiscard]] CacheCounts take_counts() noexcept { return std::exchange(counts_, {}); }

private:
    using Order = std::list<std::unique_ptr<Statement>>;

    void evict_one() noexcept;
    void destroy(std::unique_ptr<Statement> statement) noexcept;

    const std::size_t capacity_;
    StatementWatch& watch_;
    Order order_;  // most recently used first
    std::unordered_map<std::string_view, Order::iterator> by_sql_;
    Order extra_;  // not to be kept: their text is in the cache already, or the cache is full of those in use
    CacheCounts counts_;
};

}  // namespace sqlane::detail
