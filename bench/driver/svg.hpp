#pragma once

#include <filesystem>
#include <sstream>
#include <string>
#include <string_view>

namespace bench {

inline constexpr std::string_view ink = "#7d8590";

/// As much of SVG as the charts need.
class Svg {
public:
    enum class Anchor { start, middle, end };

    void text(double x, double y, std::string_view what, Anchor anchor = Anchor::start, int size = 12,
              bool is_bold = false);
    void bar(double x, double y, double width, double height, std::string_view colour);
    void line(double x1, double y1, double x2, double y2, std::string_view colour, double width);
    void dot(double x, double y, std::string_view colour);

    void save(const std::filesystem::path& file, double width, double height) const;

private:
    std::ostringstream body_;
};

}  // namespace bench
