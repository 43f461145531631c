#pragma once

#include <cstdint>
#include <source_location>

namespace sqlane::detail {

class Handle;

enum class Verb : std::uint8_t { execute, execute_mut, transaction };

/// A closure that this thread is in. They form a stack per thread: the nesting table of architecture.md.
/// Thread safety: belongs to its thread.
class Held {
public:
    Held(const void* manager, Handle& handle, Verb verb, const std::source_location& at) noexcept;
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    ~Held();

    /// The innermost closure of that manager on this thread, or null.
    static Held* innermost(const void* manager) noexcept;
    /// This thread is in a closure of some manager.
    static bool any() noexcept;

    [[nodiscard]] Handle& handle() const noexcept { return handle_; }
    [[nodiscard]] Verb verb() const noexcept { return verb_; }
    [[nodiscard]] const std::source_location& at() const noexcept { return at_; }

private:
    const void* manager_;
    Handle& handle_;
    Verb verb_;
    std::source_location at_;
    Held* outer_;
};

}  // namespace sqlane::detail
