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
  LayerMaker(const DecoderSpec& spec, const Weights& weights, at::ScalarType activations)
      : spec_(spec),
        weights_(weights),
        activations_(activations),
        products_(product_type(activations)) {}

  DecoderLayer make(int64_t index) const {
    const std::string prefix = fmt::format("model.layers.{}.", index);
    const auto linear = [&](const char* name) { return make_linear(prefix + name); };
    const auto norm = [&](const char* name) { return this->norm(prefix + name + ".weight"); };
    // "post_attention_layernorm" stands before the MLP in families that only normalise before.
    const bool before_only = spec_.norm_placement == NormPlacement::kBefore;
    const at::Tensor post_attention = norm("post_attention_layernorm");
    return {
        .before_attention = norm("input_layernorm"),
        .after_attention = before_only ? at::Tensor() : post_attention,
        .before_mlp = before_only ? post_attention : norm("pre_feedforward_layernorm"),
        .after_mlp = norm("post_feedforward_layernorm"),
        .query_norm = norm("self_attn.q_norm"),
        .key_norm = norm("self_attn.k_norm"),
        .local = !spec_.local_layers.empty() && spec_.local_layers.at(static_cast<size_t>(index)),
        .q = linear("self_attn.q_proj"),
        .k = linear("self_attn.k_proj"),
        .v = linear("self_attn.v_proj"),
        .o = linear("self_attn.o_proj"),
        .gate = linear(spec_.fused_mlp ? "shared_mlp.input_linear" : "mlp.gate_proj"),
        .up = spec_.fused_mlp ? Linear{} : linear("mlp.up_proj"),
        .down = linear(spec_.fused_mlp ? "shared_mlp.output_linear" : "mlp.down_proj")};
  }

  // Undefined where the family has no such norm: require_weights() has seen that all it has are
  // there.
  at::Tensor norm(const std::string& name) const {
    const auto weight = weights_.find(name);
    if (weight == weights_.end()) return {};
    const at::Tensor values = weight->second.to(at::kFloat);
    return (spec_.norm_offset ? values + 1 : values).to(activations_);
  }

 private:
  Linear make_linear(const std::string& name) const {
    const auto bias = weights_.find(name + ".bias");
    return {name, weights_.at(name + ".weight").to(products_),
            bias == weights_.end() ? at::Tensor() : bias->second.to(products_)};
  }

  const DecoderSpec& spec_;
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
  const LayerMaker maker(spec_, weights, activations);
  final_norm_ = maker.norm("model.norm.weight");
  inverse_frequencies_ = torch::tensor(inverse_frequencies(spec_), at::kFloat);
  if (!spec_.rope_in_full_layers) inverse_frequencies_.zero_();
  if (!spec_.local_layers.empty()) {
    local_frequencies_ = torch::tensor(local_inverse_frequencies(spec_), at::kFloat);
  }
  for (int64_t i = 0; i < spec_.layers; ++i) layers_.push_back(maker.make(i));
  attention_ = {spec_.heads, spec_.kv_heads, spec_.head_dim, spec_.attention_scale, 0};
  local_attention_ = attention_;
  local_attention_.window = spec_.sliding_window;
}

Decoder::Angles Decoder::angles(const at::Tensor& positions) const {
  const auto table = [&](const at::Tensor& frequencies) -> RopeAngles {
    if (!frequencies.defined()) return {};
    const at::Tensor angle = positions.to(at::kFloat).unsqueeze(1) * frequencies;  // [T, dim / 2]
    return {angle.cos(), angle.sin()};
  };
  return {table(inverse_frequencies_), table(local_frequencies_)};
}

at::Tensor Decoder::scaled(at::Tensor x, double factor) const {
  return factor == 1.0 ? x : x * factor;
}

at::Tensor Decoder::normed(const at::Tensor& x, const at::Tensor& weight) const {
  return weight.defined() ? rms_norm(x, weight, spec_.rms_eps) : x;
}

// x [T, heads * d] by a weight of one head's length, or of all heads'.
at::Tensor Decoder::head_normed(const at::Tensor& x, const at::Tensor& weight) const {
  if (!weight.defined()) return x;
  return rms_norm(x.reshape({-1, weight.size(0)}), weight, spec_.rms_eps).view(x.sizes());
}

// x [T, D] -> [T, I]
at::Tensor Decoder::gated(const DecoderLayer& layer, const at::Tensor& x) const {
  const auto combine = spec_.activation == Activation::kGeluTanh ? geglu : swiglu;
  const at::Tensor gate = layer.gate.forward(x);
  if (!spec_.fused_mlp) return combine(gate, layer.up.forward(x));
  return combine(gate.narrow(1, 0, spec_.intermediate),
                 gate.narrow(1, spec_.intermediate, spec_.intermediate));
}

at::Tensor Decoder::attend(const DecoderLayer& layer, size_t index, const at::Tensor& x,
                           const Angles& angles, const PackedRows& rows,
                           KeyValueCache* cache) const {
  const RopeAngles& rope = layer.local ? angles.local : angles.full;
  const AttentionShape& shape = layer.local ? local_attention_ : attention_;
  const at::Tensor q = head_normed(layer.q.forward(x), layer.query_norm);  // [T, H*d]
  const at::Tensor k = head_normed(layer.k.forward(x), layer.key_norm);    // [T, K*d]
  const at::Tensor v = layer.v.forward(x);
  if (!cache) return packed_attention(q, k, v, rope, rows.segments, shape);
  cache->keys[index].index_copy_(0, cache->write_slots, rotate(k, rope, spec_.head_dim));
  cache->values[index].index_copy_(0, cache->write_slots, v);
  return pool_attention(rotate(q, rope, spec_.head_dim), cache->keys[index], cache->values[index],
                        rows.segments, shape);
}

at::Tensor Decoder::block(size_t index, at::Tensor x, const Angles& angles, const PackedRows& rows,
                          const at::Tensor& wanted, KeyValueCache* cache) const {
  const DecoderLayer& layer = layers_[index];
  const at::Tensor attended =
      attend(layer, index, normed(x, layer.before_attention), angles, rows, cache);
  const at::Tensor mixed =
      normed(layer.o.forward(select_rows(attended, wanted)), layer.after_attention);
  x = select_rows(x, wanted) + scaled(mixed, spec_.residual_scale);
  const at::Tensor inner = normed(x, layer.before_mlp);
  const at::Tensor out = normed(layer.down.forward(gated(layer, inner)), layer.after_mlp);
  return x + scaled(out, spec_.residual_scale);
}

at::Tensor Decoder::hidden(const PackedRows& rows, const at::Tensor& wanted,
                           KeyValueCache* cache) const {
  const Angles table = angles(rows.positions);
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
    all.insert(all.end(), {&l.q, &l.k, &l.v, &l.o, &l.gate});
    if (!spec_.fused_mlp) all.push_back(&l.up);
    all.push_back(&l.down);
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
