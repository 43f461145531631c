#pragma once

#include "handle/interrupt.hpp"

namespace sqlane::detail {

/// COMMIT and ROLLBACK run to their end once begun: a deadline that passes between them and their effect would leave
/// the caller not knowing which it was.
class Shield {
public:
    explicit Shield(Interrupt& interrupt) noexcept : interrupt_(interrupt) { interrupt_.raise_shield(); }
    Shield(const Shield&) = delete;
    Shield& operator=(const Shield&) = delete;
    ~Shield() { interrupt_.lower_shield(); }

private:
    Interrupt& interrupt_;
};

}  // namespace sqlane::detail
