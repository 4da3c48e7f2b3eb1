#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "backbone/decoder_layer.h"
#include "backbone/decoder_spec.h"
#include "backbone/fused_block.h"
#include "backbone/key_value_cache.h"
#include "backbone/ops.h"
#include "backbone/packed_rows.h"
#include "backbone/query_selection.h"

namespace telora {

// Keys and values of tokens that rows continue, read once for all of them. With gradients, what
// the rows' backward passes leave is held back until propagate().
struct PrefixKeys {
  std::vector<at::Tensor> keys, values;            // per layer [P, K*d], rotated; part of the graph
  std::vector<at::Tensor> read_keys, read_values;  // the same, float32, as the rows read them

  int64_t count = 0;  // P

  int64_t tokens() const { return count; }
  // Those of the next layer; undefined where they are not needed.
  void add(const at::Tensor& new_keys, const at::Tensor& new_values);
  // The gradient of everything in front of the rows, when all of them have been propagated.
  void propagate() const;
};

// A frozen decoder-only transformer over packed rows. Adapters attach to its linears from outside;
// nothing here knows of them. float32 or bfloat16 weights; the head and the loss are always
// float32.
class Decoder {
 public:
  // `weights`: every name of parameter_shapes(spec), float32 or bfloat16. `activations`: kFloat or
  // kBFloat16. Everything is held on `device`, where results are too; ids, positions and slots may
  // come from the CPU. Throws Error(data) naming the missing or misshapen tensors.
  Decoder(DecoderSpec spec, const std::unordered_map<std::string, at::Tensor>& weights,
          at::ScalarType activations, at::Device device = at::kCPU);
  Decoder(Decoder&&) = default;
  Decoder(const Decoder&) = delete;

  // Final-norm hidden states [n, D] of the tokens `wanted` [n] int64 (all tokens if undefined). In
  // the last block only those rows are queries. With a cache, keys and values go to
  // cache.write_slots and segments' keys index the cache; then there is no gradient. With a prefix,
  // segments' keys count from its first. `frozen`, if given: what the frozen_blocks() make of these
  // rows, [T, D]; put there where it is undefined, otherwise taken instead of running them.
  at::Tensor hidden(const PackedRows& rows, const at::Tensor& wanted,
                    KeyValueCache* cache = nullptr, const PrefixKeys* prefix = nullptr,
                    at::Tensor* frozen = nullptr) const;

  // Reads tokens that rows begin with; none give an empty prefix. With what `frozen` holds already,
  // the frozen blocks' keys and values are left undefined: rows are then read with theirs, too.
  PrefixKeys read_prefix(std::span<const int32_t> ids, at::Tensor* frozen = nullptr) const;

  // Blocks, from the first on, that no adapter changes; the last one is never counted.
  size_t frozen_blocks() const;

  // False: every operation is a node of its own, as it is where an adapter cannot be fused.
  void allow_fusing(bool allowed) { fusing_allowed_ = allowed; }

  // True if blocks run as one operation with what is attached now.
  bool fuses() const;

  // hidden [n, D] -> logits [n, V] float32.
  at::Tensor logits(const at::Tensor& hidden) const;

  // Summed next-token loss of hidden [n, D] against targets [n]; a float64 scalar with gradient.
  at::Tensor loss_sum(const at::Tensor& hidden, const at::Tensor& targets) const;

  const DecoderSpec& spec() const { return spec_; }
  at::ScalarType dtype() const { return activations_; }
  at::Device device() const { return device_; }
  // Linear by module name ("model.layers.0.self_attn.q_proj"); nullptr if there is none.
  Linear* find_linear(const std::string& name);
  std::vector<Linear*> linears();  // in forward order
  KeyValueCache make_cache(int64_t slots) const;

 private:
  // Rotations of one batch, by kind of layer.
  struct Angles {
    RopeAngles full, local;
  };
  // What all blocks of one pass read.
  struct Pass {
    const PackedRows& rows;
    Angles angles;
    KeyValueCache* cache;
    const PrefixKeys* prefix;
    const QuerySelection* selection;  // of the last block; nullptr: all
    bool fused;
  };
  at::Tensor first_states(const PackedRows& rows, const Pass& pass, at::Tensor* frozen,
                          PrefixKeys* prefix) const;
  FusedBlock::Output block(size_t index, const at::Tensor& x, const Pass& pass) const;
  FusedBlock::Output plain_block(const DecoderLayer& layer, const at::Tensor& x,
                                 const BlockRows& rows) const;
  at::Tensor attend(const DecoderLayer& layer, const at::Tensor& x, const BlockRows& rows,
                    FusedBlock::Output& output) const;
  BlockRows block_rows(size_t index, const Pass& pass) const;
  at::Tensor embedded(const PackedRows& rows) const;
  at::Tensor normed(const at::Tensor& x, const at::Tensor& weight) const;
  at::Tensor head_normed(const at::Tensor& x, const at::Tensor& weight) const;
  at::Tensor gated(const DecoderLayer& layer, const at::Tensor& x) const;
  Angles angles(const at::Tensor& positions) const;
  at::Tensor scaled(at::Tensor x, double factor) const;

  DecoderSpec spec_;
  at::ScalarType activations_;
  at::Device device_;
  at::Tensor embedding_;            // [V, D] float32
  at::Tensor head_;                 // [V, D] float32; the embedding itself if tied
  at::Tensor final_norm_;           // [D]
  at::Tensor inverse_frequencies_;  // [dim / 2] float32; zero where layers do not rotate
  at::Tensor local_frequencies_;    // of local layers; undefined without any
  std::vector<DecoderLayer> layers_;
  AttentionShape attention_, local_attention_;
  bool fusing_allowed_ = true;
};

// Bytes of all weights: linears as they are held now, all other parameters as float32.
int64_t weight_bytes(Decoder& decoder);

}  // namespace telora
