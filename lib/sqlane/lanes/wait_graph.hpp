#pragma once

#include <cstdint>
#include <mutex>
#include <source_location>
#include <string>
#include <unordered_map>
#include <vector>

namespace sqlane::detail {

class Lane;

/// What one thread waits for: any of the handles that these threads hold.
struct Blocked {
    struct Holder {
        std::uint64_t thread;
        std::source_location at;
    };
    std::string lane;
    std::source_location at;
    std::vector<Holder> holders;
};

/// Who waits for whom, over all managers of the process. A wait that would close a ring is found before it begins.
///
/// Only threads that hold a handle and wait for another are entered: nobody else can be part of a ring. A thread waits
/// for ANY holder of the lane, so there is a ring only when every thread that can be reached is itself waiting.
/// A thread that is entered and still in its line was blocked since before the search began, for entries are made under
/// `mutex_`; so what it holds cannot have been given back meanwhile, and the search needs no lock over all lanes.
///
/// Thread safety: all members. Lock order: this mutex, then a lane's.
class WaitGraph {
public:
    static WaitGraph& instance();

    /// Enters the wait and returns the ring that it closes, in words; empty when it closes none.
    std::string enter(std::uint64_t thread, const Lane& lane);
    void leave(std::uint64_t thread) noexcept;

private:
    struct Search;

    std::mutex mutex_;
    std::unordered_map<std::uint64_t, const Lane*> waits_;
};

}  // namespace sqlane::detail
