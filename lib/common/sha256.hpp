#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

/// What both libraries are compiled with; none of it is in a public header.
namespace common {

/// FIPS 180-4, a piece at a time.
class Sha256 {
public:
    void add(std::string_view piece);
    /// 64 hexadecimal digits. Once, at the end.
    std::string digest();

private:
    static constexpr std::size_t block_size = 64;

    std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    std::string rest_;
    std::uint64_t bytes_ = 0;
};

std::string sha256(std::string_view text);

}  // namespace common
