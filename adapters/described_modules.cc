#include "adapters/described_modules.h"

#include <algorithm>
#include <map>

#include "adapters/tensor_name.h"

namespace telora {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Digits at `at`, without leading zeros: of two such runs the longer is the larger number.
std::string_view number_at(std::string_view text, size_t at) {
  while (at + 1 < text.size() && text[at] == '0' && is_digit(text[at + 1])) ++at;
  size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  return text.substr(at, end - at);
}

// "layers.2" before "layers.10".
bool natural_less(std::string_view a, std::string_view b) {
  const size_t shorter = std::min(a.size(), b.size());
  size_t at = 0;
  while (at < shorter && a[at] == b[at]) ++at;
  while (at > 0 && is_digit(a[at - 1])) --at;  // to the beginning of a number both are inside of
  if (at == a.size() || at == b.size() || !is_digit(a[at]) || !is_digit(b[at])) return a < b;
  const std::string_view left = number_at(a, at), right = number_at(b, at);
  if (left.size() != right.size()) return left.size() < right.size();
  return left != right ? left < right : a < b;
}

struct NaturalLess {
  bool operator()(const std::string& a, const std::string& b) const { return natural_less(a, b); }
};

}  // namespace

std::vector<ModuleShape> described_modules(const SafetensorsFile& file) {
  std::map<std::string, ModuleShape, NaturalLess> modules;
  for (const SafetensorsEntry& entry : file.entries()) {
    const auto name = parse_lora_tensor_name(entry.name);
    if (!name) continue;
    ModuleShape& module = modules[name->module];
    module.name = name->module;
    if (entry.shape.size() != 2) continue;  // magnitudes too
    if (name->side == LoraSide::kA) module.in = entry.shape[1];
    if (name->side == LoraSide::kB) module.out = entry.shape[0];
  }
  std::vector<ModuleShape> all;
  for (auto& [name, module] : modules) all.push_back(std::move(module));
  return all;
}

}  // namespace telora
