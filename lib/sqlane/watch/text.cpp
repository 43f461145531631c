#include "watch/text.hpp"

#include "handle/error_translation.hpp"

#include <array>
#include <cstdio>
#include <string_view>

namespace sqlane::detail {
namespace {

std::string with_unit(double value, const char* unit) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%.1f %s", value, unit);
    return text.data();
}

/// "void app::import_parts(const Files&)" becomes "import_parts()".
std::string function_name(std::string_view pretty) {
    pretty = pretty.substr(0, pretty.find('('));
    if (const auto blank = pretty.find_last_of(" *&"); blank != std::string_view::npos) pretty.remove_prefix(blank + 1);
    return pretty.empty() ? std::string{} : " " + std::string{pretty} + "()";
}

}  // namespace

std::string duration_text(std::chrono::nanoseconds duration) {
    const auto seconds = std::chrono::duration<double>(duration).count();
    if (seconds >= 0.1) return with_unit(seconds, "s");
    if (seconds >= 0.0001) return with_unit(seconds * 1e3, "ms");
    return with_unit(seconds * 1e6, "µs");
}

std::string bytes_text(std::int64_t bytes) {
    const auto value = static_cast<double>(bytes);
    if (bytes >= 1 << 20) return with_unit(value / (1 << 20), "MiB");
    if (bytes >= 1 << 10) return with_unit(value / (1 << 10), "KiB");
    return std::to_string(bytes) + " bytes";
}

std::string place_and_function(const std::source_location& at) {
    if (at.line() == 0) return "an unknown place";
    return place(at) + function_name(at.function_name());
}

std::string holders_text(const std::vector<Holder>& holders) {
    std::string text;
    for (const auto& holder : holders) {
        text += "\n  held " + duration_text(holder.held) + " by " + place_and_function(holder.at) + " [";
        if (!holder.label.empty()) text += "label \"" + holder.label + "\", ";
        text += "thread " + std::to_string(holder.thread);
        if (!holder.thread_name.empty()) text += " \"" + holder.thread_name + "\"";
        text += "]";
        if (holder.transaction_depth > 1)
            text += ", " + std::to_string(holder.transaction_depth - 1) + " savepoints deep";
        if (holder.sql.empty())
            text += ", between statements";
        else
            text += (holder.stepping ? ", running: " : ", reading rows of: ") + holder.sql;
    }
    return text;
}

std::string ahead_text(const std::vector<Waiting>& waiting) {
    constexpr std::size_t shown = 5;
    std::string text = "\n  ahead of you: " + std::to_string(waiting.size());
    for (std::size_t i = 0; i < waiting.size() && i < shown; ++i)
        text += (i == 0 ? " (" : "; ") + place(waiting[i].at) + ", " + duration_text(waiting[i].waited);
    if (waiting.size() > shown) text += "; …";
    if (!waiting.empty()) text += ")";
    return text;
}

}  // namespace sqlane::detail
