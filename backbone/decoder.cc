#include "backbone/decoder.h"

#include <fmt/format.h>

#include "backbone/product_type.h"
#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

using Weights = std::unordered_map<std::string, at::Tensor>;

void require_weights(const DecoderSpec& spec, const Weights& weights) {
  std::string problems;
  for (const ParameterShape& wanted : parameter_shapes(spec)) {
    const auto found = weights.find(wanted.name);
    if (found == weights.end()) {
      problems += fmt::format(" {} is missing;", wanted.name);
    } else if (found->second.sizes() != at::IntArrayRef(wanted.shape)) {
      problems += fmt::format(" {} has another shape;", wanted.name);
    }
  }
  if (!problems.empty()) throw Error(ErrorKind::kData, "decoder weights:" + problems);
}

// Makes layers of checkpoint tensors in the types that they are used in.
class LayerMaker {
 public:
  LayerMaker(const Weights& weights, at::ScalarType activations)
      : weights_(weights), activations_(activations), products_(product_type(activations)) {}

  DecoderLayer make(int64_t index) const {
    const std::string prefix = fmt::format("model.layers.{}.", index);
    const auto linear = [&](const char* name) { return make_linear(prefix + name); };
    return {.input_norm = norm(prefix + "input_layernorm.weight"),
            .post_attention_norm = norm(prefix + "post_attention_layernorm.weight"),
            .q = linear("self_attn.q_proj"),
            .k = linear("self_attn.k_proj"),
            .v = linear("self_attn.v_proj"),
            .o = linear("self_attn.o_proj"),
            .gate = linear("mlp.gate_proj"),
            .up = linear("mlp.up_proj"),
            .down = linear("mlp.down_proj")};
  }

  at::Tensor norm(const std::string& name) const { return weights_.at(name).to(activations_); }

 private:
  Linear make_linear(const std::string& name) const {
    const auto bias = weights_.find(name + ".bias");
    return {name, weights_.at(name + ".weight").to(products_),
            bias == weights_.end() ? at::Tensor() : bias->second.to(products_)};
  }

  const Weights& weights_;
  at::ScalarType activations_, products_;
};

at::Tensor select_rows(const at::Tensor& x, const at::Tensor& rows) {
  return rows.defined() ? x.index_select(0, rows) : x;
}

}  // namespace

Decoder::Decoder(DecoderSpec spec, const Weights& weights, at::ScalarType activations)
    : spec_(std::move(spec)), activations_(activations) {
  require_weights(spec_, weights);
  embedding_ = weights.at("model.embed_tokens.weight").to(at::kFloat);
  head_ = spec_.tied_head ? embedding_ : weights.at("lm_head.weight").to(at::kFloat);
  const LayerMaker maker(weights, activations);
  final_norm_ = maker.norm("model.norm.weight");
  inverse_frequencies_ = torch::tensor(telora::inverse_frequencies(spec_), at::kFloat);
  for (int64_t i = 0; i < spec_.layers; ++i) layers_.push_back(maker.make(i));
  attention_ = {spec_.heads, spec_.kv_heads, spec_.head_dim, spec_.attention_scale};
}

RopeAngles Decoder::angles(const at::Tensor& positions) const {
  const at::Tensor angle =
      positions.to(at::kFloat).unsqueeze(1) * inverse_frequencies_;  // [T, dim / 2]
  return {angle.cos(), angle.sin()};
}

at::Tensor Decoder::scaled(at::Tensor x, double factor) const {
  return factor == 1.0 ? x : x * factor;
}

at::Tensor Decoder::attend(const DecoderLayer& layer, size_t index, const at::Tensor& x,
                           const RopeAngles& angles, const PackedRows& rows,
                           KeyValueCache* cache) const {
  const at::Tensor q = layer.q.forward(x);  // [T, H*d]
  const at::Tensor k = layer.k.forward(x);  // [T, K*d]
  const at::Tensor v = layer.v.forward(x);
  if (!cache) return packed_attention(q, k, v, angles, rows.segments, attention_);
  cache->keys[index].index_copy_(0, cache->write_slots, rotate(k, angles, spec_.head_dim));
  cache->values[index].index_copy_(0, cache->write_slots, v);
  return pool_attention(rotate(q, angles, spec_.head_dim), cache->keys[index], cache->values[index],
                        rows.segments, attention_);
}

at::Tensor Decoder::block(size_t index, at::Tensor x, const RopeAngles& angles,
                          const PackedRows& rows, const at::Tensor& wanted,
                          KeyValueCache* cache) const {
  const DecoderLayer& layer = layers_[index];
  const at::Tensor normed = rms_norm(x, layer.input_norm, spec_.rms_eps);
  at::Tensor attended = attend(layer, index, normed, angles, rows, cache);
  x = select_rows(x, wanted) +
      scaled(layer.o.forward(select_rows(attended, wanted)), spec_.residual_scale);
  const at::Tensor inner = rms_norm(x, layer.post_attention_norm, spec_.rms_eps);
  const at::Tensor activated =
      swiglu(layer.gate.forward(inner), layer.up.forward(inner));  // [T, I]
  return x + scaled(layer.down.forward(activated), spec_.residual_scale);
}

at::Tensor Decoder::hidden(const PackedRows& rows, const at::Tensor& wanted,
                           KeyValueCache* cache) const {
  const RopeAngles table = angles(rows.positions);
  at::Tensor x =
      scaled(embedding_.index_select(0, rows.ids), spec_.embedding_scale).to(dtype());  // [T, D]
  for (size_t i = 0; i < layers_.size(); ++i) {
    x = block(i, x, table, rows, i + 1 == layers_.size() ? wanted : at::Tensor(), cache);
  }
  return rms_norm(x, final_norm_, spec_.rms_eps);
}

at::Tensor Decoder::logits(const at::Tensor& hidden) const {
  return scaled(at::mm(hidden.to(at::kFloat), head_.t()), 1.0 / spec_.logit_scale);
}

at::Tensor Decoder::loss_sum(const at::Tensor& hidden, const at::Tensor& targets) const {
  return cross_entropy_sum(hidden, head_, 1.0 / spec_.logit_scale, targets);
}

std::vector<Linear*> Decoder::linears() {
  std::vector<Linear*> all;
  for (DecoderLayer& l : layers_) {
    all.insert(all.end(), {&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down});
  }
  return all;
}

Linear* Decoder::find_linear(const std::string& name) {
  for (Linear* linear : linears()) {
    if (linear->name == name) return linear;
  }
  return nullptr;
}

KeyValueCache Decoder::make_cache(int64_t slots) const {
  KeyValueCache cache;
  for (int64_t i = 0; i < spec_.layers; ++i) {
    const auto make = [&] { return at::zeros({slots, spec_.kv_heads * spec_.head_dim}, dtype()); };
    cache.keys.push_back(make());
    cache.values.push_back(make());
  }
  return cache;
}

}  // namespace telora
