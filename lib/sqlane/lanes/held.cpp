#include "lanes/held.hpp"

namespace sqlane::detail {
namespace {

thread_local Held* top = nullptr;

}  // namespace

Held::Held(const void* manager, Handle& handle, Verb verb, const std::source_location& at) noexcept
    : manager_(manager), handle_(handle), verb_(verb), at_(at), outer_(top) {
    top = this;
}

Held::~Held() { top = outer_; }

Held* Held::innermost(const void* manager) noexcept {
    Held* held = top;
    while (held != nullptr && held->manager_ != manager) held = held->outer_;
    return held;
}

bool Held::any() noexcept { return top != nullptr; }

}  // namespace sqlane::detail
