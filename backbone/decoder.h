#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "backbone/decoder_spec.h"
#include "backbone/key_value_cache.h"
#include "backbone/linear.h"
#include "backbone/ops.h"
#include "backbone/packed_rows.h"

namespace telora {

// Norm weights are undefined where the family has no such norm.
struct DecoderLayer {
  at::Tensor before_attention, after_attention, before_mlp, after_mlp;  // [D]
  at::Tensor query_norm, key_norm;    // [d] per head, or [H*d] and [K*d]
  bool local = false;                 // sees only a sliding window
  Linear q, k, v, o, gate, up, down;  // with a fused MLP `gate` is both halves and `up` unused
};

// A frozen decoder-only transformer over packed rows. Adapters attach to its linears from outside;
// nothing here knows of them. float32 or bfloat16 weights; the head and the loss are always
// float32.
class Decoder {
 public:
  // `weights`: every name of parameter_shapes(spec), float32 or bfloat16. `activations`: kFloat or
  // kBFloat16. Throws Error(data) naming the missing or misshapen tensors.
  Decoder(DecoderSpec spec, const std::unordered_map<std::string, at::Tensor>& weights,
          at::ScalarType activations);
  Decoder(Decoder&&) = default;
  Decoder(const Decoder&) = delete;

  // Final-norm hidden states [n, D] of the tokens `wanted` [n] int64 (all tokens if undefined).
  // Behind the last attention only those rows are computed. With a cache, keys and values go to
  // cache.write_slots and segments' keys index the cache; then there is no gradient.
  at::Tensor hidden(const PackedRows& rows, const at::Tensor& wanted,
                    KeyValueCache* cache = nullptr) const;

  // hidden [n, D] -> logits [n, V] float32.
  at::Tensor logits(const at::Tensor& hidden) const;

  // Summed next-token loss of hidden [n, D] against targets [n]; a float64 scalar with gradient.
  at::Tensor loss_sum(const at::Tensor& hidden, const at::Tensor& targets) const;

  const DecoderSpec& spec() const { return spec_; }
  at::ScalarType dtype() const { return activations_; }
  // Linear by module name ("model.layers.0.self_attn.q_proj"); nullptr if there is none.
  Linear* find_linear(const std::string& name);
  std::vector<Linear*> linears();  // in forward order
  KeyValueCache make_cache(int64_t slots) const;

 private:
  // Rotations of one batch, by kind of layer.
  struct Angles {
    RopeAngles full, local;
  };
  at::Tensor attend(const DecoderLayer& layer, size_t index, const at::Tensor& x,
                    const Angles& angles, const PackedRows& rows, KeyValueCache* cache) const;
  at::Tensor block(size_t index, at::Tensor x, const Angles& angles, const PackedRows& rows,
                   const at::Tensor& wanted, KeyValueCache* cache) const;
  at::Tensor normed(const at::Tensor& x, const at::Tensor& weight) const;
  at::Tensor head_normed(const at::Tensor& x, const at::Tensor& weight) const;
  at::Tensor gated(const DecoderLayer& layer, const at::Tensor& x) const;
  Angles angles(const at::Tensor& positions) const;
  at::Tensor scaled(at::Tensor x, double factor) const;

  DecoderSpec spec_;
  at::ScalarType activations_;
  at::Tensor embedding_;            // [V, D] float32
  at::Tensor head_;                 // [V, D] float32; the embedding itself if tied
  at::Tensor final_norm_;           // [D]
  at::Tensor inverse_frequencies_;  // [dim / 2] float32; zero where layers do not rotate
  at::Tensor local_frequencies_;    // of local layers; undefined without any
  std::vector<DecoderLayer> layers_;
  AttentionShape attention_, local_attention_;
};

}  // namespace telora
