#include <sqlane/options.hpp>

#include <sqlane/errors.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sqlane {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t int_max = std::numeric_limits<int>::max();
constexpr std::int64_t day = std::int64_t{24} * 3600 * 1000;

using Field = std::variant<int& (*)(Options&), std::int64_t& (*)(Options&), milliseconds& (*)(Options&)>;

/// One numeric option: for `from_env`, `validate` and `to_string` alike. Times are in milliseconds.
struct Row {
    const char* name;
    const char* variable;
    std::int64_t least;
    std::int64_t most;
    Field field;

    [[nodiscard]] bool is_time() const { return field.index() == 2; }
    [[nodiscard]] std::int64_t get(const Options& options) const;
    void set(Options& options, std::int64_t value) const;
};

std::int64_t Row::get(const Options& options) const {
    auto& writable = const_cast<Options&>(options);  // the accessors serve reading and writing
    switch (field.index()) {
        case 0: return std::get<0>(field)(writable);
        case 1: return std::get<1>(field)(writable);
        default: return std::get<2>(field)(writable).count();
    }
}

void Row::set(Options& options, std::int64_t value) const {
    switch (field.index()) {
        case 0: std::get<0>(field)(options) = static_cast<int>(value); break;
        case 1: std::get<1>(field)(options) = value; break;
        default: std::get<2>(field)(options) = milliseconds{value};
    }
}

template <class T>
using Access = T& (*)(Options&);

const std::array<Row, 15>& rows() {
    static const std::array<Row, 15> table{{
        {"readers.min_idle", "SQLANE_POOL_MIN", 0, 1000,
         Access<int>{[](Options& o) -> int& { return o.readers.min_idle; }}},
        {"readers.max", "SQLANE_POOL_MAX", 1, 1000, Access<int>{[](Options& o) -> int& { return o.readers.max; }}},
        {"readers.overflow", "SQLANE_POOL_OVERFLOW", 0, 1000,
         Access<int>{[](Options& o) -> int& { return o.readers.overflow; }}},
        {"readers.max_waiters", "SQLANE_POOL_QUEUE", 0, 1'000'000,
         Access<int>{[](Options& o) -> int& { return o.readers.max_waiters; }}},
        {"readers.idle_timeout", "SQLANE_POOL_IDLE", 1, 365 * day,
         Access<milliseconds>{[](Options& o) -> milliseconds& { return o.readers.idle_timeout; }}},
        {"readers.max_lifetime", "SQLANE_POOL_RECYCLE", 1, 365 * day,
         Access<milliseconds>{[](Options& o) -> milliseconds& { return o.readers.max_lifetime; }}},
        {"timeout", "SQLANE_POOL_TIMEOUT", 0, 365 * day,
         Access<milliseconds>{[](Options& o) -> milliseconds& { return o.timeout; }}},
        {"close_timeout", "SQLANE_CLOSE_TIMEOUT", 0, 365 * day,
         Access<milliseconds>{[](Options& o) -> milliseconds& { return o.close_timeout; }}},
        {"leak_after", "SQLANE_LEAK_AFTER", 1, 365 * day,
         Access<milliseconds>{[](Options& o) -> milliseconds& { return o.leak_after; }}},
        {"snapshot_idle", "SQLANE_SNAPSHOT_IDLE", 0, 365 * day,
         Access<milliseconds>{[](Options& o) -> milliseconds& { return o.snapshot_idle; }}},
        {"group_max", "SQLANE_GROUP_MAX", 1, 10'000, Access<int>{[](Options& o) -> int& { return o.group_max; }}},
        {"group_window", "SQLANE_GROUP_WINDOW", 0, 365 * day,
         Access<milliseconds>{[](Options& o) -> milliseconds& { return o.group_window; }}},
        {"statement_cache", "SQLANE_STATEMENT_CACHE", 0, 100'000,
         Access<int>{[](Options& o) -> int& { return o.statement_cache; }}},
        {"cache_kib", "SQLANE_CACHE_KIB", 64, int_max / 1024,
         Access<int>{[](Options& o) -> int& { return o.cache_kib; }}},
        {"wal_soft_limit", "SQLANE_WAL_SOFT_LIMIT", 65536, std::int64_t{1} << 40,
         Access<std::int64_t>{[](Options& o) -> std::int64_t& { return o.wal_soft_limit; }}},
    }};
    return table;
}

constexpr std::array<std::pair<const char*, Synchronous>, 4> synchronous_names{{{"off", Synchronous::off},
                                                                                {"normal", Synchronous::normal},
                                                                                {"full", Synchronous::full},
                                                                                {"extra", Synchronous::extra}}};

std::string time_text(std::int64_t value) {
    if (value % 1000 != 0) return std::to_string(value) + "ms";
    return std::to_string(value / 1000) + "s";
}

std::string value_text(const Row& row, std::int64_t value) {
    return row.is_time() ? time_text(value) : std::to_string(value);
}

std::string range_text(const Row& row) {
    return "from " + value_text(row, row.least) + " to " + value_text(row, row.most);
}

std::string lower(std::string_view text) {
    std::string result{text};
    std::ranges::transform(result, result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

/// "500ms", "30s", "5m", "1h"; a bare number is seconds. Milliseconds, or nothing for what is none of these.
std::optional<std::int64_t> parse_number(const Row& row, std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view unit{end, static_cast<std::size_t>(text.data() + text.size() - end)};
    if (!row.is_time()) return unit.empty() ? std::optional{value} : std::nullopt;
    constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> units{
        {{"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
    for (const auto& [name, factor] : units) {
        if (name != unit) continue;
        if (value > std::numeric_limits<std::int64_t>::max() / factor || value < 0) return std::nullopt;
        return value * factor;
    }
    return std::nullopt;
}

void set_from_env(const Row& row, Options& options) {
    const char* text = std::getenv(row.variable);
    if (text == nullptr) return;
    const auto value = parse_number(row, text);
    if (!value || *value < row.least || *value > row.most)
        throw UsageError{std::string{row.variable} + "=" + text + ": wanted a " +
                         (row.is_time() ? "time such as 500ms, 30s, 5m or 1h, " : "whole number ") + range_text(row)};
    row.set(options, *value);
}

void set_synchronous_from_env(Options& options) {
    const char* text = std::getenv("SQLANE_SYNCHRONOUS");
    if (text == nullptr) return;
    for (const auto& [name, value] : synchronous_names) {
        if (lower(text) != name) continue;
        options.synchronous = value;
        return;
    }
    throw UsageError{std::string{"SQLANE_SYNCHRONOUS="} + text + ": wanted off, normal, full or extra"};
}

void set_upkeep_from_env(Options& options) {
    const char* text = std::getenv("SQLANE_UPKEEP_THREAD");
    if (text == nullptr) return;
    const auto value = lower(text);
    if (value != "0" && value != "1" && value != "off" && value != "on")
        throw UsageError{std::string{"SQLANE_UPKEEP_THREAD="} + text + ": wanted on or off"};
    options.upkeep_thread = value == "1" || value == "on";
}

void require_in_range(const Row& row, const Options& options) {
    const auto value = row.get(options);
    if (value >= row.least && value <= row.most) return;
    throw UsageError{std::string{"Options::"} + row.name + " is " + value_text(row, value) + ": wanted " +
                     range_text(row)};
}

void require_min_below_max(const PoolLimits& limits) {
    if (limits.min_idle <= limits.max) return;
    throw UsageError{"Options::readers.min_idle is " + std::to_string(limits.min_idle) +
                     ": wanted at most readers.max, " + std::to_string(limits.max) +
                     " (SQLANE_POOL_MIN, SQLANE_POOL_MAX)"};
}

}  // namespace

Options Options::from_env(Options base) {
    for (const auto& row : rows()) set_from_env(row, base);
    set_synchronous_from_env(base);
    set_upkeep_from_env(base);
    base.validate();
    return base;
}

void Options::validate() const {
    for (const auto& row : rows()) require_in_range(row, *this);
    if (std::ranges::find(synchronous_names, synchronous, &std::pair<const char*, Synchronous>::second) ==
        synchronous_names.end())
        throw UsageError{"Options::synchronous is " + std::to_string(static_cast<int>(synchronous)) +
                         ": wanted off, normal, full or extra"};
    require_min_below_max(readers);
}

void validate(const PoolLimits& limits) {
    Options options;
    options.readers = limits;
    options.validate();
}

const char* to_string(Synchronous synchronous) noexcept {
    for (const auto& [name, value] : synchronous_names)
        if (value == synchronous) return name;
    return "?";
}

std::string to_string(const Options& options) {
    std::string text;
    const auto line = [&text](const char* name, const std::string& value, const char* variable) {
        text += std::string{name} + " = " + value + "  (" + variable + ")\n";
    };
    for (const auto& row : rows()) line(row.name, value_text(row, row.get(options)), row.variable);
    line("synchronous", to_string(options.synchronous), "SQLANE_SYNCHRONOUS");
    line("upkeep_thread", options.upkeep_thread ? "on" : "off", "SQLANE_UPKEEP_THREAD");
    return text;
}

}  // namespace sqlane
