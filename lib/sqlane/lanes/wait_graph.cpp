#include "lanes/wait_graph.hpp"

#include "handle/error_translation.hpp"
#include "lanes/lane.hpp"

#include <set>

namespace sqlane::detail {

/// Walks from one waiting thread to the holders it waits for, and on.
struct WaitGraph::Search {
    const std::unordered_map<std::uint64_t, const Lane*>& waits;
    std::set<std::uint64_t> seen{};
    std::string words{};

    /// False as soon as some thread that could give its handle back is reached.
    bool all_blocked(std::uint64_t thread) {
        if (!seen.insert(thread).second) return true;
        const auto wait = waits.find(thread);
        if (wait == waits.end()) return false;
        const auto blocked = wait->second->blocked(thread);
        if (!blocked) return false;
        describe(thread, *blocked);
        for (const auto& holder : blocked->holders)
            if (!all_blocked(holder.thread)) return false;
        return !blocked->holders.empty();
    }

    void describe(std::uint64_t thread, const Blocked& blocked) {
        words += "\n  thread " + std::to_string(thread) + " at " + place(blocked.at) + " waits for the " +
                 blocked.lane + ", held by";
        for (const auto& holder : blocked.holders)
            words += " thread " + std::to_string(holder.thread) + " since " + place(holder.at);
    }
};

WaitGraph& WaitGraph::instance() {
    static WaitGraph graph;
    return graph;
}

std::string WaitGraph::enter(std::uint64_t thread, const Lane& lane) {
    const std::lock_guard lock{mutex_};
    waits_[thread] = &lane;
    Search search{waits_};
    return search.all_blocked(thread) ? search.words : std::string{};
}

void WaitGraph::leave(std::uint64_t thread) noexcept {
    const std::lock_guard lock{mutex_};
    waits_.erase(thread);
}

}  // namespace sqlane::detail
