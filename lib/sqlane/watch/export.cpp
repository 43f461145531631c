#include <sqlane/stats.hpp>

#include <array>
#include <charconv>
#include <cstdio>
#include <string>
#include <string_view>
#include <type_traits>

/// JSON and Prometheus text. Written by hand because the library depends on SQLite and SQLiteCpp only.
namespace sqlane {
namespace {

using std::chrono::nanoseconds;

/// With a point whatever the locale: printf would follow the user's language.
std::string number(double value) {
    std::array<char, 40> text{};
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::general, 9).ptr;
    return {text.data(), end};
}

double seconds(nanoseconds duration) { return std::chrono::duration<double>(duration).count(); }

/// How many bytes the UTF-8 character at the front has; 0 when it is none.
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const std::size_t length = byte(0) < 0x80                       ? 1
                               : byte(0) >= 0xC2 && byte(0) <= 0xDF ? 2
                               : (byte(0) & 0xF0) == 0xE0           ? 3
                               : byte(0) >= 0xF0 && byte(0) <= 0xF4 ? 4
                                                                    : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i)
        if ((byte(i) & 0xC0) != 0x80) return 0;
    return length;
}

std::string escaped(unsigned char c) {
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "\\u%04x", static_cast<unsigned>(c));
    return text.data();
}

/// A file's name need not be UTF-8; JSON must be.
std::string quoted(std::string_view text) {
    std::string out = "\"";
    while (!text.empty()) {
        const auto length = character_length(text);
        const char c = text.front();
        if (length == 0)
            out += "\\ufffd";
        else if (c == '"' || c == '\\')
            out += {'\\', c};
        else if (static_cast<unsigned char>(c) < 0x20)
            out += escaped(static_cast<unsigned char>(c));
        else
            out += text.substr(0, length);
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out + '"';
}

/// Builds one object, member by member.
class Object {
public:
    Object& add(std::string_view name, const std::string& text) { return raw(name, quoted(text)); }
    Object& add(std::string_view name, const char* text) { return raw(name, quoted(text)); }
    Object& add(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
    Object& add(std::string_view name, nanoseconds value) { return raw(name, number(seconds(value))); }
    template <class T>
        requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
    Object& add(std::string_view name, T value) {
        return raw(name, std::to_string(value));
    }
    Object& raw(std::string_view name, const std::string& json) {
        text_ += (text_.empty() ? "{" : ",") + quoted(name) + ":" + json;
        return *this;
    }
    template <class Items, class F>
    Object& list(std::string_view name, const Items& items, F to_item) {
        std::string array;
        for (const auto& item : items) array += (array.empty() ? "" : ",") + to_item(item);
        return raw(name, "[" + array + "]");
    }
    [[nodiscard]] std::string end() const { return text_.empty() ? "{}" : text_ + "}"; }

private:
    std::string text_;
};

Object at_place(const std::source_location& at) {
    Object object;
    object.add("file", at.file_name()).add("line", at.line()).add("function", at.function_name());
    return object;
}

std::string json(const Holder& holder) {
    return at_place(holder.at)
        .add("label", holder.label)
        .add("thread", holder.thread)
        .add("system_thread", holder.system_thread)
        .add("thread_name", holder.thread_name)
        .add("held_seconds", holder.held)
        .add("transaction_depth", holder.transaction_depth)
        .add("sql", holder.sql)
        .add("stepping", holder.stepping)
        .end();
}

std::string json(const Waiting& waiting) {
    return at_place(waiting.at)
        .add("label", waiting.label)
        .add("thread", waiting.thread)
        .add("waited_seconds", waiting.waited)
        .end();
}

std::string json(const Warning& warning) {
    return at_place(warning.at)
        .add("label", warning.label)
        .add("kind", to_string(warning.kind))
        .add("message", warning.message)
        .end();
}

std::string json(const LaneReport& lane) {
    return Object{}
        .add("name", lane.name)
        .add("open", lane.open)
        .add("idle", lane.idle)
        .add("limit", lane.limit)
        .list("holders", lane.holders, [](const Holder& holder) { return json(holder); })
        .list("waiting", lane.waiting, [](const Waiting& waiting) { return json(waiting); })
        .end();
}

std::string json(const Histogram& histogram) {
    return Object{}
        .add("count", histogram.count)
        .add("total_seconds", histogram.total)
        .add("p50_seconds", histogram.percentile(0.5))
        .add("p99_seconds", histogram.percentile(0.99))
        .add("longest_seconds", histogram.longest)
        .end();
}

/// The numbers of a lane by name, once for both formats. `counter` tells those that only grow.
template <class F>
void for_each_number(const LaneStats& lane, F number_of) {
    number_of("open", lane.open, false, "handles that are open");
    number_of("idle", lane.idle, false, "open handles that nobody holds");
    number_of("in_use", lane.in_use, false, "handles that are lent");
    number_of("waiting", lane.waiting, false, "callers in the line");
    number_of("limit", lane.limit, false, "handles that may be lent at once");
    number_of("lent", lane.lent, true, "handles lent");
    number_of("queued", lane.queued, true, "calls that had to wait in the line");
    number_of("timeouts", lane.timeouts, true, "calls that waited until their deadline");
    number_of("rejections", lane.rejections, true, "calls refused because the line was full");
    number_of("cancelled", lane.cancelled, true, "calls cancelled while waiting");
    number_of("deadlocks", lane.deadlocks, true, "waits refused because they would close a ring");
    number_of("opened", lane.opened, true, "handles opened");
    number_of("closed", lane.closed, true, "handles closed");
    number_of("recycled", lane.recycled, true, "handles closed because of their age");
    number_of("replaced", lane.replaced, true, "handles closed because they were not proved clean");
    number_of("commits", lane.commits, true, "transactions committed");
    number_of("rollbacks", lane.rollbacks, true, "transactions rolled back");
    number_of("cache_hits", lane.cache_hits, true, "statements found in the cache");
    number_of("cache_misses", lane.cache_misses, true, "statements compiled");
    number_of("cache_evictions", lane.cache_evictions, true, "statements dropped from a full cache");
    number_of("busy_waits", lane.busy_waits, true, "waits for another process");
}

std::string json(const LaneStats& lane) {
    Object object;
    object.add("name", lane.name);
    for_each_number(lane, [&](const char* name, auto value, bool, const char*) { object.add(name, value); });
    return object.raw("wait", json(lane.wait)).raw("hold", json(lane.hold)).end();
}

/// Prometheus groups all samples of a metric under one HELP and TYPE.
class Exposition {
public:
    explicit Exposition(const Stats& stats) : stats_(stats) {}

    void begin(const std::string& metric, const char* type, const char* help) {
        text_ += "# HELP " + metric + " " + help + "\n# TYPE " + metric + " " + type + "\n";
    }
    void sample(const std::string& metric, const std::string& labels, const std::string& value) {
        text_ += metric + "{database=" + quoted(stats_.database) + labels + "} " + value + "\n";
    }
    void single(const std::string& metric, const char* type, const char* help, const std::string& value) {
        begin(metric, type, help);
        sample(metric, "", value);
    }
    template <class Member>
    void histogram(const std::string& metric, const char* help, Member member) {
        begin(metric, "histogram", help);
        for (const LaneStats* lane : {&stats_.writer, &stats_.readers}) {
            const Histogram& histogram = lane->*member;
            const auto labels = ",lane=" + quoted(lane->name);
            std::uint64_t below = 0;
            for (std::size_t bucket = 0; bucket < histogram.buckets.size(); ++bucket) {
                if (histogram.buckets.at(bucket) == 0) continue;
                below += histogram.buckets.at(bucket);
                const auto bound = seconds(nanoseconds{(std::int64_t{1} << bucket) - 1});
                sample(metric + "_bucket", labels + ",le=" + quoted(number(bound)), std::to_string(below));
            }
            sample(metric + "_bucket", labels + ",le=\"+Inf\"", std::to_string(histogram.count));
            sample(metric + "_sum", labels, number(seconds(histogram.total)));
            sample(metric + "_count", labels, std::to_string(histogram.count));
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

private:
    const Stats& stats_;
    std::string text_;
};

}  // namespace

std::string to_json(const Report& report) {
    return Object{}
        .add("database", report.database)
        .raw("writer", json(report.writer))
        .raw("readers", json(report.readers))
        .add("wal_bytes", report.wal_bytes)
        .raw("wal_pinned_by", report.wal_pinned_by ? json(*report.wal_pinned_by) : "null")
        .list("warnings", report.warnings, [](const Warning& warning) { return json(warning); })
        .end();
}

std::string to_json(const Stats& stats) {
    return Object{}
        .add("database", stats.database)
        .raw("writer", json(stats.writer))
        .raw("readers", json(stats.readers))
        .add("wal_bytes", stats.wal_bytes)
        .add("checkpoints", stats.checkpoints)
        .add("checkpoints_skipped", stats.checkpoints_skipped)
        .add("warnings", stats.warnings)
        .add("sqlite_memory", stats.sqlite_memory)
        .end();
}

std::string to_json(const Health& health) {
    return Object{}.add("state", to_string(health.state)).add("summary", health.summary).end();
}

std::string to_prometheus(const Stats& stats) {
    Exposition out{stats};
    for_each_number(stats.writer, [&](const char* name, auto writer_value, bool counter, const char* help) {
        const auto metric = std::string{"sqlane_"} + name + (counter ? "_total" : "");
        out.begin(metric, counter ? "counter" : "gauge", help);
        out.sample(metric, ",lane=" + quoted(stats.writer.name), std::to_string(writer_value));
        for_each_number(stats.readers, [&](std::string_view other, auto reader_value, bool, const char*) {
            if (other == name) out.sample(metric, ",lane=" + quoted(stats.readers.name), std::to_string(reader_value));
        });
    });
    out.histogram("sqlane_wait_seconds", "time calls spent in the line", &LaneStats::wait);
    out.histogram("sqlane_hold_seconds", "time handles were lent", &LaneStats::hold);
    out.single("sqlane_wal_bytes", "gauge", "size of the write-ahead log", std::to_string(stats.wal_bytes));
    out.single("sqlane_checkpoints_total", "counter", "checkpoints run", std::to_string(stats.checkpoints));
    out.single("sqlane_checkpoints_skipped_total", "counter", "checkpoints put off",
               std::to_string(stats.checkpoints_skipped));
    out.single("sqlane_warnings_total", "counter", "warnings given", std::to_string(stats.warnings));
    out.single("sqlane_sqlite_memory_bytes", "gauge", "memory of SQLite in this process",
               std::to_string(stats.sqlite_memory));
    return out.text();
}

}  // namespace sqlane
