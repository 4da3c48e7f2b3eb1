#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/document.h"

namespace telora {

// What adapter_config.json says of a LoRA adapter (Hu et al. 2021; the file is PEFT's).
struct LoraConfig {
  int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;       // on the adapter's input, training only
  bool use_rslora = false;  // scale alpha / sqrt(rank) (Kalajdzievski 2023)
  bool use_dora = false;    // a magnitude for each output row (Liu et al. 2024)
  // How A and B began, where not as PEFT does by default: "gaussian", "false", ... ; for the
  // record.
  std::string init = {};

  // Modules by full name or by the end of it ("q_proj"), or one regular expression for the whole
  // name
  // ("all-linear": every linear but the head). Exactly one of the two is in use.
  std::vector<std::string> target_modules = {};
  std::string target_regex = {};
  // Left out although targeted, read the same way.
  std::vector<std::string> exclude_modules = {};
  std::string exclude_regex = {};
  std::vector<int64_t> layers = {};              // layers_to_transform; empty = all
  std::vector<std::string> layers_pattern = {};  // names of the layer list; empty = any

  // Regular expressions over the end of a module's name; the first that matches overrides rank or
  // alpha.
  std::vector<std::pair<std::string, int64_t>> rank_pattern = {};
  std::vector<std::pair<std::string, double>> alpha_pattern = {};

  std::string base_model = {};  // base_model_name_or_path; empty = not said
};

// `module` is a name of the base model without PEFT's prefix: "model.layers.0.self_attn.q_proj".
// All three resolve patterns as PEFT does and throw Error(data) for a pattern that cannot be
// decided.
bool is_target(const LoraConfig& config, const std::string& module);
int64_t lora_rank(const LoraConfig& config, const std::string& module);
// alpha / rank, or alpha / sqrt(rank) with use_rslora.
double lora_scale(const LoraConfig& config, const std::string& module);

// The field that decides the module's rank: "r" or "rank_pattern.<key>".
std::string rank_field(const LoraConfig& config, const std::string& module);

// The config of an adapter that was trained as W + scale * (B A - B0 A0) and is stored as one pair
// of twice the rank: every rank doubled, every alpha raised so that each scale stays (PEFT's
// conversion of PiSSA and OLoRA adapters).
LoraConfig doubled(LoraConfig config);

// Reads an adapter_config.json. Refused by name: every method but LoRA and DoRA, and every option
// that would change what the adapter computes. A key this program does not know is refused unless
// its value is null, false or empty: PEFT adds keys over time, and such a value means that the new
// option is not in use. peft_type, r, lora_alpha and target_modules must be there. Throws Error of
// the document's kind.
LoraConfig parse_lora_config(const Document& document);

// The file as PEFT 0.21 saves it: every key, sorted, two spaces of indent, no line feed at the end.
std::string lora_config_json(const LoraConfig& config);

}  // namespace telora
