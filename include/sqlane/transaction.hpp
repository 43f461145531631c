#pragma once

#include <sqlane/detail/result_slot.hpp>
#include <sqlane/writer.hpp>

#include <functional>
#include <utility>

namespace sqlane {

/// A Writer whose statements are kept all or not at all.
/// Thread safety: as Reader.
class Transaction : public Writer {
public:
    /// A part that can fail alone: when `part` throws, what it did is undone, what came before stays, and the
    /// exception goes on to the caller. `part` takes nothing or the Transaction.
    template <class F>
    auto savepoint(F&& part) {
        return detail::with_result<Transaction&>(
            std::forward<F>(part), [this](detail::FunctionRef<void(Transaction&)> body) { run_in_savepoint(body); });
    }

    /// Runs `then` on this thread after the commit, when the handle has been given back; never after a rollback.
    /// An exception from it reaches the caller of `transaction`: the commit stands all the same.
    void on_commit(std::function<void()> then);

private:
    friend class detail::Handle;
    explicit Transaction(detail::Handle& handle) noexcept : Writer(handle, detail::Rights::write_in_transaction) {}
    ~Transaction() = default;

    void run_in_savepoint(detail::FunctionRef<void(Transaction&)> body);
};

}  // namespace sqlane
