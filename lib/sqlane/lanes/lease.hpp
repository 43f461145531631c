#pragma once

#include "handle/handle.hpp"
#include "lanes/held.hpp"
#include "lanes/lane.hpp"
#include "watch/warnings.hpp"

#include <sqlane/call.hpp>

#include <chrono>
#include <optional>
#include <source_location>
#include <stop_token>

namespace sqlane::detail {

/// A handle borrowed from a lane for one outermost closure; goes back by itself, proved clean.
class Lease {
public:
    /// Waits in the lane's line. Throws Refusal.
    Lease(Lane& lane, Warnings& warnings, const Request& request)
        : lane_(lane), warnings_(warnings), request_(request), handle_(lane.lend(request)) {}
    /// Of a handle that `Lane::try_lend` gave.
    Lease(Lane& lane, Warnings& warnings, const Request& request, Handle& handle)
        : lane_(lane), warnings_(warnings), request_(request), handle_(handle) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease();

    /// Of a transaction that may share its COMMIT: gives the handle to the next in line as it is, if there is one who may
    /// go on in it.
    [[nodiscard]] bool hand_on() noexcept;

    [[nodiscard]] Handle& handle() const noexcept { return handle_; }

private:
    void tell(const Proof& proof) noexcept;
    template <class Text>
    void warn(Warning::Kind kind, const Text& text) noexcept;

    Lane& lane_;
    Warnings& warnings_;
    Request request_;
    Handle& handle_;
    bool clean_ = true;
    std::optional<Returned> returned_;
};

/// A closure running on a handle, outermost or nested: its patience, its place in errors, its entry in the nesting
/// table.
class Visit {
public:
    Visit(const void* manager, Handle& handle, Verb verb, const Call& call, const std::source_location& at,
          std::chrono::milliseconds timeout);
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;
    ~Visit();

private:
    struct InterruptIt {
        Handle& handle;
        void operator()() const noexcept { handle.interrupt_from_outside(Stop::requested); }
    };

    Handle& handle_;
    Patience patience_;
    std::source_location outer_place_;
    Held held_;
    /// Destroyed first: a stop that comes later must not reach the next borrower.
    std::optional<std::stop_callback<InterruptIt>> on_stop_;
};

}  // namespace sqlane::detail
