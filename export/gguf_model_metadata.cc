#include "export/gguf_model_metadata.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "export/gguf_adapter.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr uint32_t kQuantizationVersion = 2;  // of the block formats
constexpr double kGemma3LocalTheta = 10'000;  // what llama.cpp takes for granted

[[noreturn]] void refuse(const char* what, std::string_view found, std::string_view wanted,
                         std::string_view advice = {}) {
  fail(ErrorKind::kConfig, {"GGUF", what}, found, wanted, advice);
}

class SpecKeys {
 public:
  explicit SpecKeys(const DecoderSpec& spec)
      : spec_(spec), prefix_(gguf_architecture(spec) + ".") {}

  GgufMetadata make() {
    metadata_.set_string("general.architecture", gguf_architecture(spec_));
    metadata_.set_string("general.type", "model");
    metadata_.set_u32("general.quantization_version", kQuantizationVersion);
    add_sizes();
    add_rope();
    add_windows();
    add_scales();
    return std::move(metadata_);
  }

 private:
  void count(const char* name, int64_t value) {
    metadata_.set_u32(prefix_ + name, static_cast<uint32_t>(value));
  }
  void number(const char* name, double value) {
    metadata_.set_f32(prefix_ + name, static_cast<float>(value));
  }

  void add_sizes() {
    count("block_count", spec_.layers);
    count("context_length", spec_.max_positions);
    count("embedding_length", spec_.hidden);
    count("feed_forward_length", spec_.intermediate);
    count("vocab_size", spec_.vocab);
    count("attention.head_count", spec_.heads);
    count("attention.head_count_kv", spec_.kv_heads);
    count("attention.key_length", spec_.head_dim);
    count("attention.value_length", spec_.head_dim);
    number("attention.layer_norm_rms_epsilon", spec_.rms_eps);
  }

  void add_rope() {
    count("rope.dimension_count", spec_.head_dim);
    number("rope.freq_base", spec_.rope_theta);
  }

  void add_windows() {
    if (spec_.local_layers.empty()) return;
    count("attention.sliding_window", spec_.sliding_window);
    metadata_.set_bools(prefix_ + "attention.sliding_window_pattern", spec_.local_layers);
    if (gguf_architecture(spec_) == "gemma3" && spec_.local_rope_theta != kGemma3LocalTheta) {
      refuse("rope of local layers", fmt::format("{}", spec_.local_rope_theta),
             fmt::format("{}, which llama.cpp takes for granted", kGemma3LocalTheta));
    }
  }

  void add_scales() {
    if (gguf_architecture(spec_) == "granite") {
      number("embedding_scale", spec_.embedding_scale);
      number("residual_scale", spec_.residual_scale);
      number("attention.scale", spec_.attention_scale);
      number("logit_scale", spec_.logit_scale);
      return;
    }
    const double usual = 1 / std::sqrt(static_cast<double>(spec_.head_dim));
    if (std::abs(spec_.attention_scale / usual - 1) < 1e-6) return;
    refuse("attention scale", fmt::format("{}", spec_.attention_scale),
           fmt::format("{}: a GGUF file of this architecture cannot say another", usual));
  }

  const DecoderSpec& spec_;
  std::string prefix_;
  GgufMetadata metadata_;
};

}  // namespace

GgufMetadata gguf_model_metadata(const DecoderSpec& spec) { return SpecKeys(spec).make(); }

std::vector<float> gguf_rope_divisors(const DecoderSpec& spec) {
  if (!spec.rope_divisors.empty()) return spec.rope_divisors;
  if (!spec.rope_scaling) return {};
  DecoderSpec plain = spec;
  plain.rope_scaling.reset();
  const std::vector<float> unscaled = inverse_frequencies(plain),
                           scaled = inverse_frequencies(spec);
  std::vector<float> divisors;
  for (size_t j = 0; j < scaled.size(); ++j) divisors.push_back(unscaled[j] / scaled[j]);
  return divisors;
}

uint32_t gguf_file_type(GgmlType type) {
  switch (type) {
    case GgmlType::kF16:
      return 1;
    case GgmlType::kQ4_0:
      return 2;
    case GgmlType::kQ4_1:
      return 3;
    case GgmlType::kQ8_0:
      return 7;
    case GgmlType::kQ5_0:
      return 8;
    case GgmlType::kQ5_1:
      return 9;
    case GgmlType::kBF16:
      return 32;
    default:
      return 0;
  }
}

}  // namespace telora
