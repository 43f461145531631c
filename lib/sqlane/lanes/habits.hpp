#pragma once

#include <sqlane/call.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <source_location>

namespace sqlane::detail {

/// Which call sites have short closures. Only those are let into a group that others wait for: behind one that imports
/// a file, everybody whose closure has returned already would wait for the whole import.
///
/// Remembers a few hundred sites in a table of fixed size; one that pushed another out begins anew, which costs no more
/// than some commits of its own. Thread safety: guarded by the lane's mutex.
class Habits {
public:
    void note(const std::source_location& at, Clock::duration took, Clock::duration short_is) noexcept;
    [[nodiscard]] bool is_short(const std::source_location& at) const noexcept;

private:
    struct Site {
        const char* file = nullptr;
        std::uint32_t line = 0;
        std::uint32_t column = 0;
        int short_in_a_row = 0;

        [[nodiscard]] bool is(const std::source_location& at) const noexcept {
            return file == at.file_name() && line == at.line() && column == at.column();
        }
    };

    static std::size_t slot(const std::source_location& at) noexcept;

    std::array<Site, 256> sites_{};
};

}  // namespace sqlane::detail
