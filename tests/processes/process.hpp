#pragma once

#include "support/child_process.hpp"
#include "support/steps.hpp"

#include <fcntl.h>
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

/// The command line program as a process. Nothing here sleeps: a test goes on when the process has said something, stopped
/// itself, or ended.
namespace processes {

inline const std::string program = SQLANE_PROGRAM;

using support::Child;
using support::code_of;
using support::fork_child;
using support::Gate;
using support::Pipe;
using support::require;

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
