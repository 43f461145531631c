#pragma once

// The one place where the version is written: CMakeLists.txt reads it from here.
#define SQLANE_VERSION_MAJOR 0
#define SQLANE_VERSION_MINOR 1
#define SQLANE_VERSION_PATCH 0
#define SQLANE_VERSION "0.1.0"

namespace sqlane {

inline constexpr const char* version = SQLANE_VERSION;

}  // namespace sqlane
