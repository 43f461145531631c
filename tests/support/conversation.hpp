#pragma once

#include "support/child_process.hpp"

#include <cstdint>
#include <functional>

namespace support {

/// A child that does one thing after the other as it is told to, and answers each with a number.
/// Thread safety: belongs to one thread, on either side.
class Conversation {
public:
    using Number = std::int64_t;
    /// The child's side.
    class Told {
    public:
        /// Ends the child when the parent is gone.
        char next() const {
            char word = 0;
            if (::read(words_, &word, 1) != 1) ::_exit(98);
            return word;
        }
        void answer(Number number) const {
            require(::write(answers_, &number, sizeof number) == sizeof number, "write");
        }

    private:
        friend class Conversation;
        Told(int words, int answers) : words_(words), answers_(answers) {}
        int words_;
        int answers_;
    };

    explicit Conversation(const std::function<int(const Told&)>& work) {
        ::signal(SIGPIPE, SIG_IGN);
        child_ = fork_child([&] {
            words_.close_end(1);
            answers_.close_end(0);
            return work(Told{words_.reading(), answers_.writing()});
        });
        words_.close_end(0);
        answers_.close_end(1);
    }

    void tell(char word) { require(::write(words_.writing(), &word, 1) == 1, "telling the child"); }
    Number answer() {
        Number number = 0;
        if (::read(answers_.reading(), &number, sizeof number) != sizeof number)
            throw std::runtime_error{"the child ended instead of answering"};
        return number;
    }
    Number ask(char word) {
        tell(word);
        return answer();
    }
    Child& child() { return child_; }

private:
    Pipe words_;
    Pipe answers_;
    Child child_;
};

}  // namespace support
