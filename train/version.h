#pragma once

namespace telora {

inline constexpr const char* kVersion = TELORA_VERSION;  // of CMakeLists.txt

}  // namespace telora
