#include "lanes/lease.hpp"

#include "handle/error_translation.hpp"
#include "watch/text.hpp"

#include <new>

namespace sqlane::detail {

Lease::~Lease() {
    if (!returned_) {
        const auto proof = handle_.end_lease();
        returned_ = lane_.give_back(handle_, proof.keep && clean_);
        tell(proof);
    }
    if (returned_->warned)
        warn(Warning::Kind::came_back, [this] { return "came back after " + duration_text(returned_->held); });
}

bool Lease::hand_on() noexcept {
    try {
        if (!handle_.can_be_handed_on()) return false;
    } catch (const std::bad_alloc&) {
        return false;
    }
    const auto proof = handle_.end_lease();
    clean_ = proof.keep;
    if (clean_) returned_ = lane_.hand_on(handle_);
    tell(proof);
    return returned_.has_value();
}

void Lease::tell(const Proof& proof) noexcept {
    if (!proof.left_behind.empty())
        warn(Warning::Kind::left_behind,
             [&] { return "left behind " + proof.left_behind + "; undone before the next caller"; });
    if (!proof.fault.empty()) warn(Warning::Kind::replaced, [&] { return "the handle was replaced: " + proof.fault; });
}

/// The handle has gone back; where there is no memory to tell of it, nothing is told.
template <class Text>
void Lease::warn(Warning::Kind kind, const Text& text) noexcept {
    warnings_.add_made([&] {
        return Warning{.kind = kind,
                       .message = place(request_.at) + ": " + text(),
                       .at = request_.at,
                       .label = std::string{request_.label}};
    });
}

Visit::Visit(const void* manager, Handle& handle, Verb verb, const Call& call, const std::source_location& at,
             std::chrono::milliseconds timeout)
    : handle_(handle),
      // What a call waited in the line counts; one that is nested waits as long as the one that it is in.
      patience_{.wait_until = call.deadline.is_set() ? call.deadline.at() : handle.info.wait_until,
                .wait_each = call.deadline.is_set() ? std::chrono::milliseconds{} : timeout,
                .run_until = call.deadline,
                .stop = call.stop,
                .from_inside_only = handle.has_open_statements()},
      outer_place_(handle.at()),
      held_(manager, handle, verb, at) {
    handle_.set_place(at);
    handle_.interrupt().push(patience_);
    if (call.stop.stop_possible() && !patience_.from_inside_only) on_stop_.emplace(call.stop, InterruptIt{handle_});
}

Visit::~Visit() {
    on_stop_.reset();
    handle_.interrupt().pop();
    handle_.set_place(outer_place_);
}

}  // namespace sqlane::detail
