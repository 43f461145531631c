#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <utility>

struct sqlite3;

namespace sqlane::detail {

/// What kind of lane a handle serves.
enum class Role : std::uint8_t { reader, writer };

/// What a statement does beyond reading and writing rows: things that stay on the handle after it.
struct Effects {
    bool temporary = false;
    bool attaches = false;
    /// PRAGMA defer_foreign_keys, which ends with the next commit, and so stays where there is none.
    bool defers = false;
    /// A pragma that only tells. Of some, such as PRAGMA journal_mode, SQLite says that they might write.
    bool tells = false;
    /// The state-changing pragma, lower case; empty when there is none.
    std::string pragma{};

    [[nodiscard]] bool any() const noexcept { return temporary || attaches || defers || !pragma.empty(); }
    void add(const Effects& other);
};

/// Decides at compile time what a closure's SQL may do, and remembers what it saw.
/// https://www.sqlite.org/c3ref/set_authorizer.html
///
/// query_only is not enough to keep a reader from writing: SQL can switch it off, ATTACH makes files and VACUUM INTO
/// writes one (measured on 3.40.1). So a reader may SELECT and use a list of pragmas that only tell. A writer may do
/// everything but end the transaction it was lent or undo what the open recipe set up.
class Authorizer {
public:
    explicit Authorizer(Role role) noexcept : role_(role) {}

    void attach_to(sqlite3* db);

    /// Between these two the closure's statement is compiled; what SQLite compiles for itself while running
    /// (VACUUM's own BEGIN) is judged less strictly. `as` is the reader also for a Reader on the writer's handle.
    void begin_compile(Role as);
    /// Throws what a judgement threw: no exception may pass through SQLite.
    Effects end_compile();

    /// Our own statements: BEGIN and the like.
    void trust(bool on) noexcept { trusted_ = on; }

    /// Why the last compilation was refused; empty when it was not.
    [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
    [[nodiscard]] std::string take_refusal() { return std::exchange(refusal_, {}); }
    void forget_refusal() noexcept { refusal_.clear(); }

private:
    static int on_action(void* context, int action, const char* first, const char* second, const char* database,
                         const char* trigger) noexcept;
    int judge(int action, std::string_view first, std::string_view second, bool has_second);
    int judge_reader(int action, std::string_view first, std::string_view second, bool has_second);
    int judge_writer(int action, std::string_view first, std::string_view second, bool has_second);
    int judge_pragma(std::string_view name, bool has_value);
    int refuse(std::string why);

    const Role role_;
    Role compiling_as_ = role_;
    bool compiling_ = false;
    bool trusted_ = false;
    Effects effects_;
    std::string refusal_;
    std::exception_ptr thrown_;
};

}  // namespace sqlane::detail
