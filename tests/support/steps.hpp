#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

/// What tests of several threads are made of. Nothing here sleeps: a thread goes on when another one has come to a
/// named step, or when the library itself reports what the test waits for. Nothing waits for ever either.
namespace support {

using Clock = std::chrono::steady_clock;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
inline constexpr bool sanitized = true;
#else
inline constexpr bool sanitized = false;
#endif

/// How long a test waits for what must happen, before it says that it did not.
inline constexpr std::chrono::seconds patience{sanitized ? 60 : 20};

/// An upper limit on time that a promise names. Sanitizers make everything slower, and that breaks no promise.
constexpr std::chrono::milliseconds within(std::chrono::milliseconds promised) {
    return sanitized ? 20 * promised : promised;
}

/// Fewer rounds of the same where each of them costs ten times as much.
constexpr int rounds(int wanted) { return sanitized ? std::max(1, wanted / 10) : wanted; }

/// Named latches: once reached, a step stays reached.
/// Thread safety: all members.
class Steps {
public:
    void reach(std::string_view step) {
        const std::lock_guard lock{mutex_};
        reached_.emplace(step);
        changed_.notify_all();
    }

    /// Throws, naming the step, when it is not reached in time or when a thread of the test has failed.
    void wait_for(std::string_view step) {
        std::unique_lock lock{mutex_};
        const auto came = [&] { return reached_.contains(step); };
        changed_.wait_for(lock, patience, [&] { return came() || abandoned_; });
        if (!came()) throw std::runtime_error{"step missed: " + std::string{step}};
    }

    [[nodiscard]] bool reached(std::string_view step) const {
        const std::lock_guard lock{mutex_};
        return reached_.contains(step);
    }

    /// The test has failed: nobody need wait for the rest of it.
    void abandon() {
        const std::lock_guard lock{mutex_};
        abandoned_ = true;
        changed_.notify_all();
    }

private:
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::set<std::string, std::less<>> reached_;
    bool abandoned_ = false;
};

/// The threads of one test. What a thread throws is thrown again by `join`.
/// Thread safety: belongs to the thread of the test.
class Crew {
public:
    explicit Crew(Steps& steps) : steps_(steps) {}
    Crew(const Crew&) = delete;
    Crew& operator=(const Crew&) = delete;
    ~Crew() {
        if (threads_.empty()) return;
        steps_.abandon();  // the test has failed already
        join_all();
    }

    void start(std::function<void()> work) {
        threads_.emplace_back([this, work = std::move(work)] {
            try {
                work();
            } catch (...) {
                const std::lock_guard lock{mutex_};
                if (!first_) first_ = std::current_exception();
                steps_.abandon();
            }
        });
    }

    void join() {
        join_all();
        if (first_) std::rethrow_exception(std::exchange(first_, nullptr));
    }

private:
    void join_all() {
        for (auto& thread : threads_) thread.join();
        threads_.clear();
    }

    Steps& steps_;
    std::mutex mutex_;
    std::exception_ptr first_;
    std::vector<std::thread> threads_;
};

/// For what only the library can tell, such as that a thread stands in the line: asks until it is so.
template <class Condition>
void wait_until(const char* what, Condition&& condition) {
    for (const auto end = Clock::now() + patience; !condition();) {
        if (Clock::now() >= end) throw std::runtime_error{std::string{"never came true: "} + what};
        std::this_thread::yield();
    }
}

/// How long `work` took.
template <class Work>
std::chrono::nanoseconds time_of(Work&& work) {
    const auto begun = Clock::now();
    work();
    return Clock::now() - begun;
}

/// The exception of type `E` that `work` throws; throws when it does not.
template <class E, class Work>
E caught(Work&& work) {
    try {
        work();
    } catch (const E& error) {
        return error;
    }
    throw std::runtime_error{"nothing was thrown where an exception was expected"};
}

/// So that a check that fails shows both texts.
inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

}  // namespace support
