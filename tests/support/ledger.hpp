#pragma once

#include "support/child_process.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace support {

/// That a public call returned: the `number`-th of this worker, which makes them one after the other, from 1.
struct Acknowledged {
    std::int64_t worker = 0;
    std::int64_t number = 0;
};

/// The end of the ledger in the process that is going to be killed.
/// Thread safety: all members. A record is one write to a pipe, so that a kill leaves a whole one or none.
class LedgerWriter {
public:
    explicit LedgerWriter(int descriptor) : descriptor_(descriptor) {}
    void acknowledge(const Acknowledged& record) const;

private:
    int descriptor_;
};

/// The end of the ledger that outlives the kill.
class LedgerReader {
public:
    explicit LedgerReader(int descriptor) : descriptor_(descriptor) {}

    /// Waits for the next record; false when no writer is left.
    bool read_one();
    void read_to_end();
    /// How many each worker has been told of.
    [[nodiscard]] const std::map<std::int64_t, std::int64_t>& highest() const { return highest_; }

private:
    int descriptor_;
    std::map<std::int64_t, std::int64_t> highest_;
};

/// A program in a process of its own, whose standard output is read here.
class StartedProgram {
public:
    StartedProgram(const std::filesystem::path& program, std::vector<std::string> arguments);
    [[nodiscard]] int output() const { return output_.reading(); }
    Child& child() { return child_; }
    /// All that it says, after it has ended.
    [[nodiscard]] std::string read_all() const;

private:
    Pipe output_;
    Child child_;
};

}  // namespace support
