#include "support/ledger.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

namespace support {
namespace {

ssize_t read_some(int descriptor, void* buffer, std::size_t size) {
    ssize_t count = 0;
    do count = ::read(descriptor, buffer, size);
    while (count < 0 && errno == EINTR);
    require(count >= 0, "read");
    return count;
}

[[noreturn]] void become(const std::filesystem::path& program, const std::vector<std::string>& arguments, int output) {
    std::vector<char*> words{const_cast<char*>(program.c_str())};
    for (const auto& argument : arguments) words.push_back(const_cast<char*>(argument.c_str()));
    words.push_back(nullptr);
    if (::dup2(output, 1) == 1) ::execv(program.c_str(), words.data());
    ::_exit(127);
}

}  // namespace

void LedgerWriter::acknowledge(const Acknowledged& record) const {
    require(::write(descriptor_, &record, sizeof record) == sizeof record, "write");
}

bool LedgerReader::read_one() {
    Acknowledged record;
    const auto count = read_some(descriptor_, &record, sizeof record);
    if (count == 0) return false;
    if (count != sizeof record) throw std::runtime_error{"half a record in the ledger"};
    auto& highest = highest_[record.worker];
    if (record.number != highest + 1) throw std::runtime_error{"a gap in the ledger"};
    highest = record.number;
    return true;
}

void LedgerReader::read_to_end() {
    while (read_one()) {
    }
}

StartedProgram::StartedProgram(const std::filesystem::path& program, std::vector<std::string> arguments) {
    const pid_t id = ::fork();
    if (id == 0) become(program, arguments, output_.writing());
    child_ = Child{id};
    output_.close_end(1);
}

std::string StartedProgram::read_all() const {
    std::string all;
    std::array<char, 4096> buffer{};
    for (ssize_t count = 0; (count = read_some(output(), buffer.data(), buffer.size())) > 0;)
        all.append(buffer.data(), static_cast<std::size_t>(count));
    return all;
}

}  // namespace support
