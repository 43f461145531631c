#include "children.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace soak {
namespace {

constexpr unsigned longest_run_seconds = 20;

struct Told {
    std::uint64_t runs = 0;
    std::uint64_t last = 0;
};

/// Empty for a child that came to its end.
std::string run_child(const Settings& settings, const std::vector<std::string>& arguments) {
    std::vector<char*> words;
    for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error{"cannot start a child"};
    if (child == 0) {
        // What a crash says is for whoever looks at it.
        const int said = ::open((settings.folder / "said").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (said >= 0) ::dup2(said, STDERR_FILENO);
        ::execv(settings.program.c_str(), words.data());
        ::_exit(127);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "it hung";
    if (WIFSIGNALED(status)) return "it crashed with signal " + std::to_string(WTERMSIG(status));
    return WEXITSTATUS(status) == 0 ? "" : "it ended with code " + std::to_string(WEXITSTATUS(status));
}

Told read_diary(const std::filesystem::path& file, const std::string& described_as, Outcome& outcome) {
    Told told;
    std::ifstream diary{file};
    for (std::string word; diary >> word;) {
        std::uint64_t run = 0;
        std::string what;
        diary >> run;
        std::getline(diary, what);
        if (word == "run") {
            ++told.runs;
            told.last = run;
        } else {
            outcome.fail(what.substr(1) + " (" + described_as + ", --k " + std::to_string(run) + ")");
        }
    }
    return told;
}

}  // namespace

Diary::Diary(const std::filesystem::path& file)
    : file_(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    if (file_ < 0) throw std::runtime_error{"cannot write " + file.string()};
}

Diary::~Diary() { ::close(file_); }

void Diary::begin(std::uint64_t run) const {
    write("run " + std::to_string(run) + "\n");
    ::alarm(longest_run_seconds);
}

void Diary::bad(std::uint64_t run, const std::string& what) const {
    auto line = what;
    for (auto& c : line) c = c == '\n' ? ' ' : c;
    write("bad " + std::to_string(run) + " " + line + "\n");
}

void Diary::write(const std::string& line) const {
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) ::abort();
}

void run_in_children(const Settings& settings, const std::vector<std::string>& arguments, std::uint64_t from,
                     const std::string& described_as, Outcome& outcome) {
    const auto diary = settings.folder / "diary";
    for (auto next = from;;) {
        std::vector<std::string> all{settings.program.string(), "child"};
        all.insert(all.end(), arguments.begin(), arguments.end());
        all.push_back(std::to_string(next));
        all.push_back(diary.string());
        std::filesystem::remove(diary);
        const auto ended = run_child(settings, all);
        const auto told = read_diary(diary, described_as, outcome);
        outcome.runs += told.runs;
        if (ended.empty()) return;
        outcome.fail(ended + " (" + described_as + ", --k " + std::to_string(told.last) + ")");
        if (told.runs == 0 || settings.k) return;
        next = told.last + 1;
    }
}

}  // namespace soak
