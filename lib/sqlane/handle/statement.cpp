#include "handle/statement.hpp"

#include <sqlite3.h>

#include <algorithm>
#include <utility>

namespace sqlane::detail {

void Finalize::operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }

Statement::Statement(StatementPointer compiled, std::string_view sql, Effects effects)
    : compiled_(std::move(compiled)),
      sql_(sql),
      effects_(std::move(effects)),
      only_reads_((sqlite3_stmt_readonly(raw()) != 0 || effects_.tells) && !effects_.any()),
      parameters_(sqlite3_bind_parameter_count(raw())) {}

Statement* StatementCache::take(std::string_view sql) {
    const auto found = by_sql_.find(sql);
    if (found == by_sql_.end() || (*found->second)->in_use_) {
        ++counts_.misses;
        return nullptr;
    }
    ++counts_.hits;
    order_.splice(order_.begin(), order_, found->second);
    Statement& statement = **found->second;
    statement.in_use_ = true;
    return &statement;
}

Statement& StatementCache::add(std::unique_ptr<Statement> statement) {
    if (order_.size() >= capacity_) evict_one();
    if (order_.size() >= capacity_ || by_sql_.contains(statement->sql())) return add_extra(std::move(statement));
    statement->in_use_ = true;
    statement->cached_ = true;
    order_.push_front(std::move(statement));
    try {
        by_sql_.emplace(order_.front()->sql(), order_.begin());
    } catch (...) {
        order_.pop_front();  // nobody would find it again
        throw;
    }
    return *order_.front();
}

Statement& StatementCache::add_extra(std::unique_ptr<Statement> statement) {
    statement->in_use_ = true;
    extra_.push_front(std::move(statement));
    return *extra_.front();
}

void StatementCache::give_back(Statement& statement) noexcept {
    statement.in_use_ = false;
    if (statement.cached_) return;
    const auto found = std::ranges::find(extra_, &statement, &std::unique_ptr<Statement>::get);
    destroy(std::move(*found));
    extra_.erase(found);
}

void StatementCache::evict_one() noexcept {
    const auto oldest = std::find_if(order_.rbegin(), order_.rend(), [](const auto& s) { return !s->in_use_; });
    if (oldest == order_.rend()) return;
    const auto position = std::prev(oldest.base());
    by_sql_.erase((*position)->sql());
    destroy(std::move(*position));
    order_.erase(position);
    ++counts_.evictions;
}

void StatementCache::destroy(std::unique_ptr<Statement> statement) noexcept {
    const std::lock_guard lock{watch_.guard};  // a report may be reading its text
    statement.reset();
}

void StatementCache::clear() noexcept {
    by_sql_.clear();
    for (auto* list : {&order_, &extra_}) {
        for (auto& statement : *list) destroy(std::move(statement));
        list->clear();
    }
}

}  // namespace sqlane::detail
