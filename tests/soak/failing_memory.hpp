#pragma once

#include <cstdint>

/// Memory that fails at a chosen allocation: `operator new` of this program, and what SQLite allocates. Off until it is
/// told to; then it only counts what is allocated.
/// Thread safety: belongs to one thread, and nobody else may allocate while it counts.
namespace soak::failing_memory {

enum class Of : std::uint8_t { sqlite, own };

/// Puts itself below SQLite, which must not have been used yet.
void go_below_sqlite();

/// From 1; 0 for never. Counting begins anew, and waits for `resume`.
void fail(Of of, std::uint64_t at, bool sticky) noexcept;
void resume() noexcept;
void pause() noexcept;
/// How many there were since `fail`.
[[nodiscard]] std::uint64_t allocations() noexcept;

/// What is allocated and not freed, of `operator new`.
[[nodiscard]] std::int64_t live() noexcept;

}  // namespace soak::failing_memory
