#include "backbone/spec_gguf.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>

namespace telora {

namespace {

constexpr const char* kPrefix = "llama.";

[[noreturn]] void refuse(const GgufFile& file, const std::string& key, std::string_view found,
                         std::string_view want, std::string_view advice = {}) {
  fail(ErrorKind::kData, {file.name(), key}, found, want, advice);
}

void check_kind(const GgufFile& file) {
  const std::string architecture = file.string("general.architecture");
  if (architecture != "llama") {
    refuse(file, "general.architecture", printable(architecture, 60), "llama",
           "this model family is not implemented: take a Llama-type backbone");
  }
  if (file.has("general.type") && file.string("general.type") != "model") {
    refuse(file, "general.type", printable(file.string("general.type"), 60), "model",
           "an adapter is no backbone");
  }
  constexpr int64_t kMaxSplits = 1 << 16;
  if (file.has("split.count") && file.integer("split.count", 0, kMaxSplits) > 1) {
    refuse(file, "split.count", fmt::format("{}", file.integer("split.count", 0, kMaxSplits)), "1",
           "join the parts first (llama-gguf-split --merge)");
  }
}

// The shortest decimal of the stored float: 9.99999975e-06 is the 1e-5 of the model's
// configuration.
double decimal(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, static_cast<float>(value)).ptr;
  double out = 0;
  std::from_chars(text, end, out);
  return out;
}

double positive(const GgufFile& file, const std::string& key, double min, double max) {
  const double value = decimal(file.number(key));
  if (!(value >= min && value <= max)) {
    refuse(file, key, fmt::format("{}", value), fmt::format("a number from {} to {}", min, max));
  }
  return value;
}

// A count, or an array with the same count for every layer.
int64_t uniform(const GgufFile& file, const std::string& name, int64_t max) {
  const std::string key = kPrefix + name;
  const bool present = file.has(key);
  const bool is_array = present && (std::holds_alternative<std::vector<int64_t>>(file.value(key)) ||
                                    std::holds_alternative<std::vector<uint64_t>>(file.value(key)));
  if (!is_array) return file.integer(key, 1, max);
  const std::vector<int64_t> values = file.integers(key);
  const bool same =
      std::adjacent_find(values.begin(), values.end(), std::not_equal_to<>()) == values.end();
  if (values.empty() || !same || values[0] < 1 || values[0] > max) {
    refuse(file, key, fmt::format("an array of {} counts", values.size()),
           fmt::format("one count from 1 to {} for all layers", max));
  }
  return values[0];
}

void read_heads(const GgufFile& file, DecoderSpec& spec) {
  spec.heads = uniform(file, "attention.head_count", kMaxHeads);
  const bool grouped = file.has("llama.attention.head_count_kv");
  spec.kv_heads = grouped ? uniform(file, "attention.head_count_kv", kMaxHeads) : spec.heads;
  if (spec.heads % spec.kv_heads != 0) {
    refuse(file, "llama.attention.head_count_kv", fmt::format("{}", spec.kv_heads),
           fmt::format("a divisor of head_count {}", spec.heads));
  }
  const bool explicit_dim = file.has("llama.attention.key_length");
  if (!explicit_dim && spec.hidden % spec.heads != 0) {
    refuse(file, "llama.attention.head_count", fmt::format("{}", spec.heads),
           fmt::format("a divisor of embedding_length {}", spec.hidden));
  }
  spec.head_dim = explicit_dim ? file.integer("llama.attention.key_length", 1, kMaxHeadDim)
                               : spec.hidden / spec.heads;
  if (spec.head_dim % 2 != 0 || spec.head_dim > kMaxHeadDim) {
    refuse(file, explicit_dim ? "llama.attention.key_length" : "llama.attention.head_count",
           fmt::format("heads of length {}", spec.head_dim),
           fmt::format("an even length up to {}", kMaxHeadDim));
  }
  spec.attention_scale = 1 / std::sqrt(static_cast<double>(spec.head_dim));
}

int64_t read_vocab(const GgufFile& file) {
  if (file.has("llama.vocab_size")) return file.integer("llama.vocab_size", 1, kMaxVocab);
  if (!file.has("tokenizer.ggml.tokens")) {
    refuse(file, "llama.vocab_size", "neither this key nor tokenizer.ggml.tokens",
           "the number of tokens");
  }
  const auto count = static_cast<int64_t>(file.strings("tokenizer.ggml.tokens").size());
  if (count < 1 || count > kMaxVocab) {
    refuse(file, "tokenizer.ggml.tokens", fmt::format("{} tokens", count),
           fmt::format("1 to {}", kMaxVocab));
  }
  return count;
}

void read_sizes(const GgufFile& file, DecoderSpec& spec) {
  spec.layers = file.integer("llama.block_count", 1, kMaxLayers);
  if (static_cast<size_t>(spec.layers) > file.tensors().size()) {
    refuse(file, "llama.block_count", fmt::format("{}", spec.layers),
           fmt::format("no more blocks than the {} tensors of the file", file.tensors().size()));
  }
  spec.hidden = file.integer("llama.embedding_length", 1, kMaxHidden);
  spec.intermediate = uniform(file, "feed_forward_length", kMaxIntermediate);
  spec.max_positions = file.integer("llama.context_length", 1, kMaxPositions);
  spec.vocab = read_vocab(file);
  spec.rms_eps = positive(file, "llama.attention.layer_norm_rms_epsilon", 0, 1);
  read_heads(file, spec);
}

// Llama 3 scaling is no key but a tensor of divisors of the frequencies.
std::vector<float> read_divisors(const GgufFile& file, int64_t head_dim) {
  const GgufTensor* tensor = file.find("rope_freqs.weight");
  if (tensor == nullptr) return {};
  if (tensor->type != GgmlType::kF32 ||
      tensor->dims != std::vector<uint64_t>{static_cast<uint64_t>(head_dim / 2)}) {
    refuse(file, "rope_freqs.weight",
           fmt::format("{} of {} values", ggml_type_info(tensor->type).name, tensor->elements()),
           fmt::format("F32 of head length / 2 = {} values", head_dim / 2));
  }
  std::vector<float> out(head_dim / 2);
  file.read(*tensor, 0, std::as_writable_bytes(std::span(out)));
  for (const float divisor : out) {
    if (divisor > 0 && std::isfinite(divisor)) continue;
    refuse(file, "rope_freqs.weight", fmt::format("{}", divisor), "positive numbers");
  }
  return out;
}

void read_rope(const GgufFile& file, DecoderSpec& spec) {
  if (!file.has("llama.rope.freq_base")) {
    refuse(file, "llama.rope.freq_base", "no such key", "the rope base of the model",
           "add it with gguf_new_metadata.py or gguf-editor; 10000 is what llama.cpp assumes "
           "silently");
  }
  spec.rope_theta = positive(file, "llama.rope.freq_base", 1, 1e12);
  spec.rope_divisors = read_divisors(file, spec.head_dim);
}

// Keys that must agree with what is implemented if they are there at all.
void check_fixed(const GgufFile& file, const DecoderSpec& spec) {
  const auto count = [&](const char* key, int64_t want) {
    if (!file.has(key)) return;
    const int64_t found = file.integer(key, 0, kMaxPositions);
    if (found != want) refuse(file, key, fmt::format("{}", found), fmt::format("{}", want));
  };
  const auto number = [&](const char* key) {
    if (!file.has(key) || file.number(key) == 1) return;
    refuse(file, key, fmt::format("{}", file.number(key)), "1");
  };
  count("llama.attention.value_length", spec.head_dim);
  count("llama.rope.dimension_count", spec.head_dim);
  count("llama.expert_count", 0);
  count("llama.expert_used_count", 0);
  count("llama.attention.sliding_window", 0);
  number("llama.rope.scaling.factor");
  number("llama.rope.scaling.attn_factor");
  number("llama.rope.scale_linear");
  if (file.has("llama.rope.scaling.type") && file.string("llama.rope.scaling.type") != "none") {
    refuse(file, "llama.rope.scaling.type", printable(file.string("llama.rope.scaling.type"), 60),
           "none", "only rope_freqs.weight (Llama 3 scaling) is implemented");
  }
  if (file.has("llama.attention.causal") && !file.boolean("llama.attention.causal")) {
    refuse(file, "llama.attention.causal", "false", "true");
  }
}

// Any other key of the architecture could change the numbers.
void check_unknown(const GgufFile& file) {
  static const std::set<std::string> known{"block_count",
                                           "context_length",
                                           "embedding_length",
                                           "feed_forward_length",
                                           "vocab_size",
                                           "attention.head_count",
                                           "attention.head_count_kv",
                                           "attention.key_length",
                                           "attention.value_length",
                                           "attention.layer_norm_rms_epsilon",
                                           "attention.causal",
                                           "attention.sliding_window",
                                           "rope.dimension_count",
                                           "rope.freq_base",
                                           "rope.scaling.type",
                                           "rope.scaling.factor",
                                           "rope.scaling.attn_factor",
                                           "rope.scaling.original_context_length",
                                           "rope.scaling.finetuned",
                                           "rope.scale_linear",
                                           "expert_count",
                                           "expert_used_count",
                                           "tensor_data_layout"};
  for (const std::string& key : file.keys()) {
    if (!key.starts_with(kPrefix) || known.contains(key.substr(std::strlen(kPrefix)))) continue;
    refuse(file, key, "a key that is not handled", "a plain Llama decoder",
           "it may change the model's numbers");
  }
}

}  // namespace

DecoderSpec read_gguf_spec(const GgufFile& file) {
  check_kind(file);
  DecoderSpec spec;
  spec.architecture = "llama";
  read_sizes(file, spec);
  read_rope(file, spec);
  check_fixed(file, spec);
  check_unknown(file);
  spec.tied_head = file.find("output.weight") == nullptr;
  spec.attention_bias = file.find("blk.0.attn_q.bias") != nullptr;
  spec.mlp_bias = file.find("blk.0.ffn_up.bias") != nullptr;
  return spec;
}

}  // namespace telora
