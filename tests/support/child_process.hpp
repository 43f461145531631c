#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// Processes of the operating system, as the tests need them. Nothing here sleeps: a test goes on when a process has
/// said something, stopped itself, or ended.
namespace support {

/// The exit code; 128 and the signal's number for a process that a signal ended, as a shell has it.
inline int code_of(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

inline void require(bool good, const char* what) {
    if (!good) throw std::runtime_error{std::string{what} + ": error " + std::to_string(errno)};
}

/// Both ends of a pipe; none of them reaches the program that a child becomes.
class Pipe {
public:
    Pipe() { require(::pipe2(ends_.data(), O_CLOEXEC) == 0, "pipe"); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    [[nodiscard]] int reading() const { return ends_[0]; }
    [[nodiscard]] int writing() const { return ends_[1]; }
    void close_end(std::size_t end) {
        if (ends_.at(end) >= 0) ::close(ends_.at(end));
        ends_.at(end) = -1;
    }

private:
    std::array<int, 2> ends_{-1, -1};
};

/// Holds children back until all of them are there.
class Gate {
public:
    /// For the child: returns when the parent opens the gate.
    void pass() {
        pipe_.close_end(1);
        char nothing = 0;
        while (::read(pipe_.reading(), &nothing, 1) < 0 && errno == EINTR) {
        }
    }
    void open() { pipe_.close_end(1); }

private:
    Pipe pipe_;
};

/// What is ended when the test is over, whatever happens to the test.
class Child {
public:
    Child() = default;
    explicit Child(pid_t id) : id_(id) { require(id > 0, "fork"); }
    Child(Child&& other) noexcept : id_(std::exchange(other.id_, 0)) {}
    Child& operator=(Child&& other) noexcept {
        std::swap(id_, other.id_);
        return *this;
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (id_ <= 0) return;
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }

    void send(int signal) const { require(::kill(id_, signal) == 0, "kill"); }

    /// Until it has stopped itself with SIGSTOP.
    void wait_until_stopped() const {
        int status = 0;
        require(::waitpid(id_, &status, WUNTRACED) == id_, "waitpid");
        if (!WIFSTOPPED(status)) throw std::runtime_error{"ended with " + std::to_string(code_of(status))};
    }

    [[nodiscard]] pid_t id() const noexcept { return id_; }

    /// Whatever it is at, nothing of it runs any more when this returns.
    int kill_and_wait() {
        send(SIGKILL);
        return wait();
    }

    int wait() {
        int status = 0;
        require(::waitpid(id_, &status, 0) == id_, "waitpid");
        id_ = 0;
        return code_of(status);
    }

private:
    pid_t id_ = 0;
};

/// Runs `work` in a child of this process and ends it with what that returns.
/// No other thread may hold a lock that the child will need.
inline Child fork_child(const std::function<int()>& work) {
    const pid_t id = ::fork();
    if (id != 0) return Child{id};
    int code = 99;
    try {
        code = work();
    } catch (const std::exception& error) {
        static_cast<void>(!::write(2, error.what(), std::string_view{error.what()}.size()));
    }
    ::_exit(code);
}

}  // namespace support
