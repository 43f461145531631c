#include "driver/svg.hpp"

#include <array>
#include <fstream>
#include <stdexcept>

namespace bench {
namespace {

std::string escaped(std::string_view text) {
    std::string safe;
    for (const char c : text) {
        if (c == '&')
            safe += "&amp;";
        else if (c == '<')
            safe += "&lt;";
        else
            safe += c;
    }
    return safe;
}

}  // namespace

void Svg::text(double x, double y, std::string_view what, Anchor anchor, int size, bool is_bold) {
    constexpr std::array<std::string_view, 3> anchors{"start", "middle", "end"};
    body_ << "<text x=\"" << x << "\" y=\"" << y << "\" text-anchor=\"" << anchors.at(static_cast<std::size_t>(anchor))
          << "\" font-size=\"" << size << '"' << (is_bold ? " font-weight=\"bold\"" : "") << '>' << escaped(what)
          << "</text>\n";
}

void Svg::bar(double x, double y, double width, double height, std::string_view colour) {
    body_ << "<rect x=\"" << x << "\" y=\"" << y << "\" width=\"" << width << "\" height=\"" << height
          << "\" rx=\"2\" fill=\"" << colour << "\"/>\n";
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view colour, double width) {
    body_ << "<line x1=\"" << x1 << "\" y1=\"" << y1 << "\" x2=\"" << x2 << "\" y2=\"" << y2 << "\" stroke=\"" << colour
          << "\" stroke-width=\"" << width << "\"/>\n";
}

void Svg::dot(double x, double y, std::string_view colour) {
    body_ << "<circle cx=\"" << x << "\" cy=\"" << y << "\" r=\"4\" fill=\"" << colour << "\"/>\n";
}

void Svg::save(const std::filesystem::path& file, double width, double height) const {
    std::ofstream out{file};
    out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << height << "\" width=\""
        << width << "\" height=\"" << height << "\" font-family=\"system-ui, sans-serif\" fill=\"" << ink << "\">\n"
        << body_.str() << "</svg>\n";
    if (!out.flush()) throw std::runtime_error{"cannot write " + file.string()};
}

}  // namespace bench
