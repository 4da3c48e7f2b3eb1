#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace telora {

// The name of an adapter tensor in PEFT's files: "base_model.model." + module + ".lora_A.weight".
// DoRA's magnitudes: module + ".lora_magnitude_vector".
enum class LoraSide { kA, kB, kMagnitude };

struct LoraTensorName {
  std::string module;
  LoraSide side = LoraSide::kA;
};

std::string lora_tensor_name(std::string_view module, LoraSide side);

// Empty for any other name. Accepts ".lora_A.default.weight" too, which some exporters write.
std::optional<LoraTensorName> parse_lora_tensor_name(std::string_view name);

// What a name that does not parse stands for, in a few words.
std::string describe_foreign_tensor(std::string_view name);

}  // namespace telora
