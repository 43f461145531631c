#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace plm {

/// An exact decimal number: 0.1 ten times is 1. What does not fit 18 digits is an error and never rounded.
class Quantity {
public:
    constexpr Quantity() noexcept = default;
    explicit constexpr Quantity(std::int64_t whole) noexcept : digits_(whole) { normalise(); }
    /// As it is kept in the database.
    static constexpr Quantity from_micro(std::int64_t millionths) noexcept { return Quantity{millionths, 6}; }
    /// "12", "0.25". Throws InvalidValue for anything else.
    static Quantity parse(std::string_view text);

    /// Throws InvalidValue when there are more than six decimals.
    [[nodiscard]] std::int64_t micro() const;
    [[nodiscard]] constexpr bool is_positive() const noexcept { return digits_ > 0; }

    friend Quantity operator*(Quantity a, Quantity b);
    friend Quantity operator+(Quantity a, Quantity b);
    friend constexpr bool operator==(Quantity, Quantity) noexcept = default;

    friend std::string to_string(Quantity quantity);

private:
    constexpr Quantity(std::int64_t digits, int decimals) noexcept : digits_(digits), decimals_(decimals) {
        normalise();
    }
    /// One number has one form, so that equal ones compare equal.
    constexpr void normalise() noexcept {
        while (decimals_ > 0 && digits_ % 10 == 0) {
            digits_ /= 10;
            --decimals_;
        }
    }

    std::int64_t digits_ = 0;
    int decimals_ = 0;
};

}  // namespace plm
