#include <doctest/doctest.h>

#include <sqlane/sqlane.hpp>
#include <sqlane/testing.hpp>

#include "sqlane/handle/tools.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using sqlane::Options;
using sqlane::PoolLimits;
using sqlane::Synchronous;
using sqlane::UsageError;
using sqlane::testing::TemporaryDatabase;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

using handle_tests::complaint;
using handle_tests::contains;

constexpr std::array variables{"SQLANE_POOL_MIN",      "SQLANE_POOL_MAX",       "SQLANE_POOL_OVERFLOW",
                               "SQLANE_POOL_QUEUE",    "SQLANE_POOL_TIMEOUT",   "SQLANE_POOL_IDLE",
                               "SQLANE_POOL_RECYCLE",  "SQLANE_CLOSE_TIMEOUT",  "SQLANE_LEAK_AFTER",
                               "SQLANE_SNAPSHOT_IDLE", "SQLANE_SYNCHRONOUS",    "SQLANE_STATEMENT_CACHE",
                               "SQLANE_CACHE_KIB",     "SQLANE_WAL_SOFT_LIMIT", "SQLANE_UPKEEP_THREAD",
                               "SQLANE_GROUP_MAX",     "SQLANE_GROUP_WINDOW"};

/// An environment without any variable of ours but those that the test sets; as it was when this ends.
class Environment {
public:
    Environment() {
        for (const char* name : variables) {
            const char* value = std::getenv(name);
            before_.emplace_back(name, value == nullptr ? std::nullopt : std::optional<std::string>{value});
            ::unsetenv(name);
        }
    }
    Environment(const Environment&) = delete;
    Environment& operator=(const Environment&) = delete;
    ~Environment() {
        for (const auto& [name, value] : before_) value ? ::setenv(name, value->c_str(), 1) : ::unsetenv(name);
    }

    static void set(const char* name, const std::string& value) { ::setenv(name, value.c_str(), 1); }
    static void unset(const char* name) { ::unsetenv(name); }

private:
    std::vector<std::pair<const char*, std::optional<std::string>>> before_;
};

/// A variable that holds a number: how it is read back from the options, and what is its range.
struct Numeric {
    const char* variable;
    const char* name;
    std::function<std::int64_t(const Options&)> get;
    std::function<void(Options&, std::int64_t)> set;
    std::int64_t least;
    std::int64_t most;
    bool is_time;
};

constexpr std::int64_t year = std::int64_t{365} * 24 * 3600 * 1000;

template <class T>
Numeric number(const char* variable, const char* name, T& (*field)(Options&), std::int64_t least, std::int64_t most) {
    return {.variable = variable,
            .name = name,
            .get =
                [field](const Options& options) {
                    Options copy = options;
                    return static_cast<std::int64_t>(field(copy));
                },
            .set = [field](Options& options, std::int64_t value) { field(options) = static_cast<T>(value); },
            .least = least,
            .most = most,
            .is_time = false};
}

Numeric time(const char* variable, const char* name, milliseconds& (*field)(Options&), std::int64_t least) {
    return {.variable = variable,
            .name = name,
            .get =
                [field](const Options& options) {
                    Options copy = options;
                    return static_cast<std::int64_t>(field(copy).count());
                },
            .set = [field](Options& options, std::int64_t value) { field(options) = milliseconds{value}; },
            .least = least,
            .most = year,
            .is_time = true};
}

const std::vector<Numeric>& numerics() {
    static const std::vector<Numeric> all{
        number<int>(
            "SQLANE_POOL_MIN", "readers.min_idle", [](Options& o) -> int& { return o.readers.min_idle; }, 0, 1000),
        number<int>(
            "SQLANE_POOL_MAX", "readers.max", [](Options& o) -> int& { return o.readers.max; }, 1, 1000),
        number<int>(
            "SQLANE_POOL_OVERFLOW", "readers.overflow", [](Options& o) -> int& { return o.readers.overflow; }, 0, 1000),
        number<int>(
            "SQLANE_POOL_QUEUE", "readers.max_waiters", [](Options& o) -> int& { return o.readers.max_waiters; }, 0,
            1'000'000),
        number<int>(
            "SQLANE_STATEMENT_CACHE", "statement_cache", [](Options& o) -> int& { return o.statement_cache; }, 0,
            100'000),
        number<int>(
            "SQLANE_CACHE_KIB", "cache_kib", [](Options& o) -> int& { return o.cache_kib; }, 64,
            std::numeric_limits<int>::max() / 1024),
        number<std::int64_t>(
            "SQLANE_WAL_SOFT_LIMIT", "wal_soft_limit", [](Options& o) -> std::int64_t& { return o.wal_soft_limit; },
            65536, std::int64_t{1} << 40),
        time(
            "SQLANE_POOL_TIMEOUT", "timeout", [](Options& o) -> milliseconds& { return o.timeout; }, 0),
        time(
            "SQLANE_POOL_IDLE", "readers.idle_timeout",
            [](Options& o) -> milliseconds& { return o.readers.idle_timeout; }, 1),
        time(
            "SQLANE_POOL_RECYCLE", "readers.max_lifetime",
            [](Options& o) -> milliseconds& { return o.readers.max_lifetime; }, 1),
        time(
            "SQLANE_CLOSE_TIMEOUT", "close_timeout", [](Options& o) -> milliseconds& { return o.close_timeout; }, 0),
        time(
            "SQLANE_LEAK_AFTER", "leak_after", [](Options& o) -> milliseconds& { return o.leak_after; }, 1),
        time(
            "SQLANE_SNAPSHOT_IDLE", "snapshot_idle", [](Options& o) -> milliseconds& { return o.snapshot_idle; }, 0),
        time(
            "SQLANE_GROUP_WINDOW", "group_window", [](Options& o) -> milliseconds& { return o.group_window; }, 0),
        number<int>(
            "SQLANE_GROUP_MAX", "group_max", [](Options& o) -> int& { return o.group_max; }, 1, 10'000),
    };
    return all;
}

/// So that the one variable under test can take its whole range: min_idle may not be above max.
Options roomy() {
    Options options;
    options.readers.min_idle = 0;
    options.readers.max = 1000;
    return options;
}

std::string with_unit(const Numeric& row, std::int64_t value) {
    return std::to_string(value) + (row.is_time ? "ms" : "");
}

/// Names the variable, the value as it was written and the range.
void check_refused(const Numeric& row, const std::string& value) {
    CAPTURE(row.variable);
    CAPTURE(value);
    Environment::set(row.variable, value);
    const auto what = complaint<UsageError>([] { static_cast<void>(Options::from_env(roomy())); });
    CHECK(contains(what, std::string{row.variable} + "=" + value + ": wanted a "));
    CHECK(contains(what, row.is_time ? "time such as 500ms, 30s, 5m or 1h, from " : "whole number from "));
    CHECK(contains(what, row.is_time ? " to 31536000s" : " to " + std::to_string(row.most)));
    CHECK(
        contains(what, row.is_time ? (row.least == 0 ? "from 0s" : "from 1ms") : "from " + std::to_string(row.least)));
    Environment::unset(row.variable);
}

}  // namespace

TEST_CASE("options: an environment without our variables changes nothing") {
    const Environment environment;
    CHECK(to_string(Options::from_env()) == to_string(Options{}));
    Options base;
    base.readers.max = 9;
    base.synchronous = Synchronous::normal;
    base.upkeep_thread = false;
    base.vfs = "unix";
    const auto options = Options::from_env(base);
    CHECK(to_string(options) == to_string(base));
    CHECK(options.vfs == "unix");
}

TEST_CASE("options: each number is taken from its variable at both ends of its range") {
    const Environment environment;
    for (const auto& row : numerics()) {
        CAPTURE(row.variable);
        for (const auto value : {row.least, row.least + 1, row.most - 1, row.most}) {
            Environment::set(row.variable, with_unit(row, value));
            CHECK(row.get(Options::from_env(roomy())) == value);
        }
        Environment::unset(row.variable);
    }
}

TEST_CASE("options: a number that is none or out of its range is refused and never clamped") {
    const Environment environment;
    for (const auto& row : numerics()) {
        for (const char* value :
             {"", " ", "many", "-1", "-0x5", "0x5", "1e3", "1.5", "1 ", " 1", "+1", "1,000", "5 s", "NaN",
              "9223372036854775807", "9223372036854775808", "-9223372036854775809", "99999999999999999999999999"})
            check_refused(row, value);
        check_refused(row, with_unit(row, row.most + 1));
        check_refused(row, with_unit(row, row.least - 1));
        if (row.is_time) {
            for (const char* value :
                 {"5d", "5us", "ms", "s", "5sec", "5 ms", "5ms ", "-5s", "5s5s", "1h30m", "18446744073709552s",
                  "307445734561826m", "5124095576031h",  // small again, were they allowed to overflow
                  "9223372036854775807ms", "9223372036854775h", "8761h", "31536001"})
                check_refused(row, value);
        } else {
            for (const char* value : {"5s", "5k", "5MiB", "%5"}) check_refused(row, value);
        }
    }
}

TEST_CASE("options: times carry a unit and a bare number is seconds") {
    const Environment environment;
    const std::vector<std::pair<const char*, milliseconds>> times{
        {"500ms", milliseconds{500}},  {"30s", milliseconds{30'000}},   {"30", milliseconds{30'000}},
        {"5m", milliseconds{300'000}}, {"1h", milliseconds{3'600'000}}, {"8760h", milliseconds{year}}};
    for (const auto& row : numerics())
        if (row.is_time)
            for (const auto& [text, expected] : times) {
                CAPTURE(row.variable);
                CAPTURE(text);
                Environment::set(row.variable, text);
                CHECK(row.get(Options::from_env()) == expected.count());
                Environment::unset(row.variable);
            }
}

TEST_CASE("options: synchronous is one of four words in any case") {
    const Environment environment;
    for (const auto& [text, expected] :
         std::vector<std::pair<const char*, Synchronous>>{{"off", Synchronous::off},
                                                          {"normal", Synchronous::normal},
                                                          {"FULL", Synchronous::full},
                                                          {"Extra", Synchronous::extra}}) {
        Environment::set("SQLANE_SYNCHRONOUS", text);
        CHECK(Options::from_env().synchronous == expected);
    }
    for (const char* text : {"", "2", "on", "fully", " full"}) {
        Environment::set("SQLANE_SYNCHRONOUS", text);
        CHECK(complaint<UsageError>([] { static_cast<void>(Options::from_env()); }) ==
              std::string{"SQLANE_SYNCHRONOUS="} + text + ": wanted off, normal, full or extra");
    }
}

TEST_CASE("options: the thread is switched by a word or a digit") {
    const Environment environment;
    for (const auto& [text, expected] : std::vector<std::pair<const char*, bool>>{
             {"on", true}, {"ON", true}, {"1", true}, {"off", false}, {"0", false}}) {
        Environment::set("SQLANE_UPKEEP_THREAD", text);
        CHECK(Options::from_env().upkeep_thread == expected);
    }
    for (const char* text : {"", "yes", "2", "-1", "true"}) {
        Environment::set("SQLANE_UPKEEP_THREAD", text);
        CHECK(complaint<UsageError>([] { static_cast<void>(Options::from_env()); }) ==
              std::string{"SQLANE_UPKEEP_THREAD="} + text + ": wanted on or off");
    }
}

TEST_CASE("options: a minimum above the maximum is refused wherever the two come from") {
    const Environment environment;
    Environment::set("SQLANE_POOL_MIN", "6");
    const auto what = complaint<UsageError>([] { static_cast<void>(Options::from_env()); });
    CHECK(contains(what, "readers.min_idle is 6: wanted at most readers.max, 5"));
    CHECK(contains(what, "SQLANE_POOL_MIN, SQLANE_POOL_MAX"));
    Environment::set("SQLANE_POOL_MAX", "6");
    CHECK(Options::from_env().readers.min_idle == 6);
    Options options;
    options.readers.min_idle = options.readers.max + 1;
    complaint<UsageError>([&] { options.validate(); });
}

TEST_CASE("options: set in code they are held to the same ranges") {
    for (const auto& row : numerics()) {
        CAPTURE(row.name);
        for (const auto value : {row.least, row.most}) {
            auto options = roomy();
            row.set(options, value);
            CHECK_NOTHROW(options.validate());
        }
        for (const auto value : {row.least - 1, row.most + 1}) {
            auto options = roomy();
            row.set(options, value);
            if (row.get(options) != value) continue;  // not to be had in the field's own type
            const auto what = complaint<UsageError>([&] { options.validate(); });
            CHECK(contains(what, std::string{"Options::"} + row.name + " is "));
            CHECK(contains(what, ": wanted from "));
            // And so no manager is made with it.
            const sqlane::testing::TemporaryFolder folder;
            complaint<UsageError>([&] { sqlane::ConnectionManager{folder.path() / "parts.db", options}; });
            complaint<UsageError>([&] { static_cast<void>(sqlane::ConnectionManager::in_memory(options)); });
            CHECK(handle_tests::names_in(folder.path()).empty());
        }
    }
    Options options;
    options.synchronous = static_cast<Synchronous>(9);
    CHECK(contains(complaint<UsageError>([&] { options.validate(); }), "Options::synchronous is 9"));
}

TEST_CASE("options: each is printed with its value and the variable that sets it") {
    const Environment environment;
    const auto text = to_string(Options{});
    for (const char* variable : variables) CHECK(contains(text, std::string{"("} + variable + ")\n"));
    for (const char* line :
         {"readers.min_idle = 1  (SQLANE_POOL_MIN)\n", "readers.max = 5  (SQLANE_POOL_MAX)\n",
          "readers.overflow = 10  (SQLANE_POOL_OVERFLOW)\n", "readers.max_waiters = 256  (SQLANE_POOL_QUEUE)\n",
          "readers.idle_timeout = 60s  (SQLANE_POOL_IDLE)\n", "readers.max_lifetime = 1800s  (SQLANE_POOL_RECYCLE)\n",
          "timeout = 30s  (SQLANE_POOL_TIMEOUT)\n", "close_timeout = 5s  (SQLANE_CLOSE_TIMEOUT)\n",
          "leak_after = 30s  (SQLANE_LEAK_AFTER)\n", "snapshot_idle = 50ms  (SQLANE_SNAPSHOT_IDLE)\n",
          "group_max = 64  (SQLANE_GROUP_MAX)\n", "group_window = 5ms  (SQLANE_GROUP_WINDOW)\n",
          "statement_cache = 128  (SQLANE_STATEMENT_CACHE)\n", "cache_kib = 8000  (SQLANE_CACHE_KIB)\n",
          "wal_soft_limit = 4194304  (SQLANE_WAL_SOFT_LIMIT)\n", "synchronous = full  (SQLANE_SYNCHRONOUS)\n",
          "upkeep_thread = on  (SQLANE_UPKEEP_THREAD)\n"})
        CHECK(contains(text, line));
    CHECK(std::count(text.begin(), text.end(), '\n') == std::ssize(variables));
    Options options;
    options.timeout = milliseconds{1500};
    CHECK(contains(to_string(options), "timeout = 1500ms"));
}

TEST_CASE("options: what is printed can be set again") {
    const Environment environment;
    Options options;
    options.readers = {.min_idle = 2,
                       .max = 7,
                       .overflow = 0,
                       .max_waiters = 3,
                       .idle_timeout = milliseconds{1234},
                       .max_lifetime = hours{2}};
    options.timeout = milliseconds{0};
    options.synchronous = Synchronous::extra;
    options.upkeep_thread = false;
    const auto text = to_string(options);
    for (std::size_t start = 0; start < text.size();) {
        const auto end = text.find('\n', start);
        const auto line = text.substr(start, end - start);
        const auto value = line.substr(line.find(" = ") + 3, line.find("  (") - line.find(" = ") - 3);
        const auto variable = line.substr(line.find("  (") + 3, line.size() - line.find("  (") - 4);
        Environment::set(variable.c_str(), value);
        start = end + 1;
    }
    CHECK(to_string(Options::from_env()) == text);
}

TEST_CASE("options: those in force are the manager's and follow configure") {
    Options given;
    given.cache_kib = 512;
    given.synchronous = Synchronous::normal;
    TemporaryDatabase test{given};
    CHECK(to_string(test->options()) == to_string(given));
    const PoolLimits limits{.min_idle = 2,
                            .max = 3,
                            .overflow = 1,
                            .max_waiters = 4,
                            .idle_timeout = milliseconds{100},
                            .max_lifetime = milliseconds{200}};
    test->configure(limits);
    given.readers = limits;
    CHECK(to_string(test->options()) == to_string(given));
    CHECK(test->stats().readers.limit == 4);
    // What is refused changes nothing.
    PoolLimits wrong = limits;
    wrong.min_idle = 4;
    complaint<UsageError>([&] { test->configure(wrong); });
    wrong = limits;
    wrong.max = 0;
    CHECK(contains(complaint<UsageError>([&] { test->configure(wrong); }), "Options::readers.max is 0"));
    CHECK(to_string(test->options()) == to_string(given));
    CHECK(to_string(sqlane::ConnectionManager::in_memory(given).options()) != to_string(given));  // no flushes there
}

TEST_CASE("options: the smallest that are allowed make a manager that works") {
    Options options;
    for (const auto& row : numerics()) row.set(options, row.least);
    options.timeout = milliseconds{30'000};
    for (const bool thread : {true, false}) {
        options.upkeep_thread = thread;
        TemporaryDatabase test{options};
        test->transaction([](sqlane::Transaction& tx) { tx.run("CREATE TABLE t (x)"); });
        CHECK(test->execute([](sqlane::Reader& r) { return r.one<int>("SELECT count(*) FROM t"); }) == 0);
    }
}
