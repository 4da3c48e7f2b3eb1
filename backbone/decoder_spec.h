#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace telora {

// Frequency scaling of Llama 3 ("rope_type": "llama3"): long wavelengths are slowed by `factor`.
struct RopeScaling {
  double factor = 1;
  double low = 1;       // low_freq_factor
  double high = 4;      // high_freq_factor
  double original = 0;  // positions of the original training, at least 1
  bool operator==(const RopeScaling&) const = default;
};

// Where a block normalises each of its two halves: what enters it, what leaves it, or both.
enum class NormPlacement { kBefore, kAfter, kBoth };

// RMSNorm of queries and keys before rotation: none, per head, or over all heads at once.
enum class QueryKeyNorm { kNone, kHead, kProjection };

enum class Activation { kSilu, kGeluTanh };  // of the gate

// Everything that distinguishes one decoder from another, as plain data. A reader fills every field
// from the model's own files or refuses; there is no value here that a checkpoint leaves open.
struct DecoderSpec {
  std::string architecture;  // "llama"
  int64_t layers = 0;
  int64_t hidden = 0;
  int64_t heads = 0;     // of the queries
  int64_t kv_heads = 0;  // of keys and values; divides heads
  int64_t head_dim = 0;  // even; heads * head_dim may differ from hidden
  int64_t intermediate = 0;
  int64_t vocab = 0;
  int64_t max_positions = 0;
  double rms_eps = 0;
  double rope_theta = 0;
  std::optional<RopeScaling> rope_scaling;
  std::vector<float> rope_divisors;  // [head_dim / 2] as GGUF files store them; empty = none
  bool tied_head = false;            // the output head is the embedding matrix
  bool attention_bias = false;       // q, k and v
  bool output_bias = false;          // o
  bool mlp_bias = false;             // gate, up and down
  bool fused_mlp = false;            // gate and up are the halves of one linear (dense Granite 4)
  NormPlacement norm_placement = NormPlacement::kBefore;
  bool norm_offset = false;  // norm weights are stored as offsets from 1
  QueryKeyNorm query_key_norm = QueryKeyNorm::kNone;
  Activation activation = Activation::kSilu;
  std::vector<bool> local_layers;  // [layers]: sees `sliding_window` tokens only; empty = none does
  int64_t sliding_window = 0;      // of local layers; counts the token itself
  double local_rope_theta = 0;     // of local layers, without scaling; 0 = as in the others
  bool rope_in_full_layers = true;
  double attention_scale = 0;  // factor of the q·k products
  double embedding_scale = 1;  // factor of the embedding rows
  double residual_scale = 1;   // factor of each block's output before it is added
  double logit_scale = 1;      // divisor of the logits
  bool operator==(const DecoderSpec&) const = default;
};

// Largest sizes believed from a file. Every product of two of them fits in 64 bits.
inline constexpr int64_t kMaxLayers = 1024;
inline constexpr int64_t kMaxHidden = 1 << 16;
inline constexpr int64_t kMaxHeads = 1 << 10;
inline constexpr int64_t kMaxHeadDim = 1 << 10;
inline constexpr int64_t kMaxIntermediate = 1 << 20;
inline constexpr int64_t kMaxVocab = 1 << 22;
inline constexpr int64_t kMaxPositions = 1 << 27;

struct ParameterShape {
  std::string name;
  std::vector<int64_t> shape;  // row-major; linear weights are [out, in]
};

// The exact key set of the model's Hugging Face checkpoint, in forward order. A tied head has no
// key.
std::vector<ParameterShape> parameter_shapes(const DecoderSpec& spec);

struct ModuleShape {
  std::string name;  // "model.layers.0.self_attn.q_proj"
  int64_t in = 0;
  int64_t out = 0;
};

// The linear layers inside the blocks: q, k, v, o, gate, up, down of each, in forward order; with a
// fused MLP q, k, v, o, input_linear, output_linear.
std::vector<ModuleShape> linear_modules(const DecoderSpec& spec);

// Number of values in all parameters; a tied head counts once.
int64_t parameter_count(const DecoderSpec& spec);

// RoPE angles per position, [head_dim / 2] (Su et al. 2021; Llama 3 scaling as in transformers'
// rope utilities), rounded to float after each step as the reference implementation does.
std::vector<float> inverse_frequencies(const DecoderSpec& spec);
// The same for local layers: of local_rope_theta without scaling, if that is given.
std::vector<float> local_inverse_frequencies(const DecoderSpec& spec);

}  // namespace telora
