#pragma once

#include <string>
#include <string_view>

namespace sqlane::detail {

/// "sha256:" and 64 hexadecimal digits. FIPS 180-4.
std::string sha256(std::string_view text);

}  // namespace sqlane::detail
