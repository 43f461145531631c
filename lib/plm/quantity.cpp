#include <plm/quantity.hpp>

#include <plm/errors.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <limits>

namespace plm {
namespace {

constexpr std::int64_t limit = std::numeric_limits<std::int64_t>::max();
constexpr int most_decimals = 18;

[[noreturn]] void too_large() {
    throw InvalidValue{"quantity", "the exact result needs more than 18 digits; use a larger unit"};
}

std::int64_t multiply(std::int64_t a, std::int64_t b) {
    if (a != 0 && (b > limit / std::abs(a) || b < -(limit / std::abs(a)))) too_large();
    return a * b;
}

std::int64_t scaled(std::int64_t digits, int decimals) {
    for (; decimals > 0; --decimals) digits = multiply(digits, 10);
    return digits;
}

}  // namespace

Quantity Quantity::parse(std::string_view text) {
    const auto refuse = [&]() {
        throw InvalidValue{"quantity", "'" + std::string{text} + "' is no decimal number such as 12 or 0.25"};
    };
    const auto point = text.find('.');
    std::string digits{text.substr(0, point)};
    const auto behind = point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
    if (digits.empty() || (point != std::string_view::npos && behind.empty())) refuse();
    digits += behind;
    const auto first = digits.front() == '-' ? 1U : 0U;
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    if (digits.size() == first || !std::all_of(digits.begin() + first, digits.end(), is_digit)) refuse();
    if (behind.size() > most_decimals) too_large();
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) too_large();
    return Quantity{value, static_cast<int>(behind.size())};
}

std::int64_t Quantity::micro() const {
    if (decimals_ > 6) throw InvalidValue{"quantity", to_string(*this) + " has more than six decimals"};
    return scaled(digits_, 6 - decimals_);
}

Quantity operator*(Quantity a, Quantity b) {
    if (a.decimals_ + b.decimals_ > most_decimals) too_large();
    return Quantity{multiply(a.digits_, b.digits_), a.decimals_ + b.decimals_};
}

Quantity operator+(Quantity a, Quantity b) {
    const int decimals = std::max(a.decimals_, b.decimals_);
    const auto x = scaled(a.digits_, decimals - a.decimals_);
    const auto y = scaled(b.digits_, decimals - b.decimals_);
    if ((y > 0 && x > limit - y) || (y < 0 && x < -limit - y)) too_large();
    return Quantity{x + y, decimals};
}

std::string to_string(Quantity quantity) {
    const bool negative = quantity.digits_ < 0;
    auto text = std::to_string(negative ? -quantity.digits_ : quantity.digits_);
    const auto decimals = static_cast<std::size_t>(quantity.decimals_);
    if (text.size() <= decimals) text.insert(0, decimals + 1 - text.size(), '0');
    if (decimals > 0) text.insert(text.size() - decimals, ".");
    return (negative ? "-" : "") + text;
}

}  // namespace plm
