#pragma once

#include "support/steps.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Processes of the operating system, as the tests need them. Nothing here sleeps: a test goes on when a process has
/// said something, stopped itself, or ended.
namespace processes {

/// The command line program.
inline const std::string program = SQLANE_PROGRAM;

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

struct Result {
    int code = -1;
    std::string out;
    std::string err;
};

/// A running program. Its standard output is kept in a file, so that it never waits for the test to read it; its
/// standard error is read line by line.
class Process {
public:
    struct Settings {
        std::filesystem::path folder;
        std::vector<std::string> arguments;
        Gate* gate = nullptr;
        /// Standard input, output and error are a terminal, and what comes is all in `err`.
        bool terminal = false;
        /// In the child, before it becomes the program.
        std::function<void()> prepare{};
    };

    explicit Process(const Settings& settings) { settings.terminal ? start_on_terminal(settings) : start(settings); }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process() {
        if (err_ >= 0) ::close(err_);
        if (out_ >= 0) ::close(out_);
    }

    void send(int signal) const { child_.send(signal); }
    void type(const std::string& text) const {
        require(::write(err_, text.data(), text.size()) == static_cast<ssize_t>(text.size()), "write");
    }

    /// Reads on until what came holds `text`; what came after it is left for the next call.
    std::string read_until(const std::string& text) {
        for (;;) {
            if (const auto found = unread_.find(text); found != std::string::npos) {
                auto read = unread_.substr(0, found + text.size());
                unread_.erase(0, found + text.size());
                seen_ += read;
                return read;
            }
            if (!read_more()) throw std::runtime_error{"never said '" + text + "' but: " + seen_ + unread_};
        }
    }
    std::string read_line() { return read_until("\n"); }

    Result wait() {
        while (read_more()) {
        }
        Result result{.code = child_.wait(), .out = {}, .err = seen_ + unread_};
        if (out_ < 0) return result;
        std::array<char, 4096> buffer{};
        ::lseek(out_, 0, SEEK_SET);
        for (ssize_t count = 0; (count = ::read(out_, buffer.data(), buffer.size())) > 0;)
            result.out.append(buffer.data(), static_cast<std::size_t>(count));
        return result;
    }

private:
    [[noreturn]] static void become(const Settings& settings) {
        if (settings.gate != nullptr) settings.gate->pass();
        if (settings.prepare) settings.prepare();
        std::vector<char*> words{const_cast<char*>(program.c_str())};
        for (const auto& argument : settings.arguments) words.push_back(const_cast<char*>(argument.c_str()));
        words.push_back(nullptr);
        if (::chdir(settings.folder.c_str()) == 0) ::execv(program.c_str(), words.data());
        ::_exit(127);
    }

    void start(const Settings& settings) {
        Pipe err;
        std::string name = (std::filesystem::temp_directory_path() / "sqlane-test-XXXXXX").string();
        out_ = ::mkostemp(name.data(), O_CLOEXEC);
        require(out_ >= 0 && ::unlink(name.c_str()) == 0, "mkostemp");
        const pid_t id = ::fork();
        if (id == 0) {
            const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
            if (::dup2(nothing, 0) < 0 || ::dup2(out_, 1) < 0 || ::dup2(err.writing(), 2) < 0) ::_exit(127);
            become(settings);
        }
        child_ = Child{id};
        err_ = ::fcntl(err.reading(), F_DUPFD_CLOEXEC, 0);
    }

    void start_on_terminal(const Settings& settings) {
        err_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        require(err_ >= 0 && ::grantpt(err_) == 0 && ::unlockpt(err_) == 0, "posix_openpt");
        const std::string name = ::ptsname(err_);
        // Held open until the child has its own: a terminal that nobody has open reads as ended.
        const int terminal = ::open(name.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC);
        termios how{};
        require(terminal >= 0 && ::tcgetattr(terminal, &how) == 0, "terminal");
        how.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        how.c_oflag &= ~static_cast<tcflag_t>(OPOST);
        require(::tcsetattr(terminal, TCSANOW, &how) == 0, "tcsetattr");
        const pid_t id = ::fork();
        if (id == 0) {
            ::setsid();
            for (const int stream : {0, 1, 2})
                if (::dup2(terminal, stream) < 0) ::_exit(127);
            become(settings);
        }
        ::close(terminal);
        child_ = Child{id};
    }

    bool read_more() {
        std::array<char, 4096> buffer{};
        ssize_t count = 0;
        do count = ::read(err_, buffer.data(), buffer.size());
        while (count < 0 && errno == EINTR);
        if (count <= 0) return false;  // a terminal ends with an error
        unread_.append(buffer.data(), static_cast<std::size_t>(count));
        return true;
    }

    Child child_;
    int err_ = -1;
    int out_ = -1;
    std::string unread_;
    std::string seen_;
};

/// `sqlane migrate …` to its end.
inline Result migrate(const std::filesystem::path& folder, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "migrate");
    return Process{{.folder = folder, .arguments = std::move(arguments)}}.wait();
}

}  // namespace processes
