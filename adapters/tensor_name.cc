#include "adapters/tensor_name.h"

#include <fmt/format.h>

#include <array>

namespace telora {

namespace {

constexpr std::string_view kPrefix = "base_model.model.";

struct Suffix {
  std::string_view text;
  LoraSide side;
};
constexpr std::array<Suffix, 5> kSuffixes = {{{".lora_A.weight", LoraSide::kA},
                                              {".lora_B.weight", LoraSide::kB},
                                              {".lora_magnitude_vector", LoraSide::kMagnitude},
                                              {".lora_A.default.weight", LoraSide::kA},
                                              {".lora_B.default.weight", LoraSide::kB}}};

struct Foreign {
  std::string_view part;
  std::string_view meaning;
};
constexpr std::array<Foreign, 6> kForeign = {
    {{".lora_embedding_", "an adapter of the embedding"},
     {".lora_magnitude_vector", "an unknown form of DoRA's magnitudes"},
     {".lora_A.bias", "a bias inside the adapter"},
     {".lora_B.bias", "a bias inside the adapter"},
     {".base_layer.", "a tensor of the base model"},
     {".modules_to_save.", "a whole saved module"}}};

}  // namespace

std::string lora_tensor_name(std::string_view module, LoraSide side) {
  return fmt::format("{}{}{}", kPrefix, module, kSuffixes[static_cast<size_t>(side)].text);
}

std::optional<LoraTensorName> parse_lora_tensor_name(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  for (const Suffix& suffix : kSuffixes) {
    if (name.size() <= suffix.text.size() || !name.ends_with(suffix.text)) continue;
    name.remove_suffix(suffix.text.size());
    return LoraTensorName{std::string(name), suffix.side};
  }
  return std::nullopt;
}

std::string describe_foreign_tensor(std::string_view name) {
  for (const Foreign& foreign : kForeign) {
    if (name.find(foreign.part) != name.npos) return std::string(foreign.meaning);
  }
  if (!name.starts_with(kPrefix)) return "a name without PEFT's prefix";
  return "an unknown tensor";
}

}  // namespace telora
