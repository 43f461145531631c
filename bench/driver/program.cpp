#include "driver/program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace bench {
namespace {

/// Its exit code; -1 when it did not start or did not end by itself.
int spawn_and_wait(const std::vector<char*>& argv, const std::vector<char*>& environment, Output output) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (output == Output::hidden)
        for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO})
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0);
    pid_t child = 0;
    int status = 0;
    const int failed = posix_spawn(&child, argv.front(), &actions, nullptr, argv.data(), environment.data());
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

}  // namespace

std::filesystem::path folder_of_programs() { return std::filesystem::read_symlink("/proc/self/exe").parent_path(); }

void run_program(const std::vector<std::string>& arguments, const std::string& variable, Output output) {
    auto own = arguments;
    std::vector<char*> argv;
    argv.reserve(own.size() + 1);
    for (auto& argument : own) argv.push_back(argument.data());
    argv.push_back(nullptr);

    auto added = variable;
    std::vector<char*> environment;
    for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
    if (!added.empty()) environment.push_back(added.data());
    environment.push_back(nullptr);

    if (spawn_and_wait(argv, environment, output) != 0) throw std::runtime_error{arguments.front() + " failed"};
}

Json read_json(const std::filesystem::path& file) {
    std::ifstream stream{file};
    return Json::parse(stream);
}

}  // namespace bench
