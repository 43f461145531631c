#pragma once

#include "handle/interrupt.hpp"
#include "handle/statement.hpp"

#include <mutex>

namespace sqlane::detail {

/// COMMIT and ROLLBACK run to their end once begun: a deadline that passes between them and their effect would leave
/// the caller not knowing which it was.
class Shield {
public:
    Shield(Interrupt& interrupt, StatementWatch& watch) noexcept : interrupt_(interrupt), watch_(watch) { put(true); }
    Shield(const Shield&) = delete;
    Shield& operator=(const Shield&) = delete;
    ~Shield() { put(false); }

private:
    /// Under the guard, so that an interrupt from another thread is either before it or sees it.
    void put(bool on) noexcept {
        const std::lock_guard lock{watch_.guard};
        interrupt_.shield(on);
    }

    Interrupt& interrupt_;
    StatementWatch& watch_;
};

}  // namespace sqlane::detail
