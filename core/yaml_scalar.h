#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

namespace telora {

// The value of a plain (unquoted) YAML scalar by YAML 1.2's JSON schema: true, false, null, JSON
// numbers; everything else is text (yes, 010, 0x10, 1_000, .nan). Empty for a number beyond 64
// bits.
std::optional<nlohmann::ordered_json> read_yaml_scalar(std::string_view text);

}  // namespace telora
