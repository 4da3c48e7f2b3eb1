#include "backbone/decoder.h"

#include <fmt/format.h>

#include <algorithm>

#include "backbone/fused_node.h"
#include "backbone/head.h"
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
  LayerMaker(const DecoderSpec& spec, const Weights& weights, at::ScalarType activations,
             at::Device device)
      : spec_(spec),
        weights_(weights),
        activations_(activations),
        products_(product_type(activations, device)),
        kind_(product_kind(activations, device)),
        device_(device) {}

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
    return (spec_.norm_offset ? values + 1 : values).to(device_, activations_);
  }

 private:
  Linear make_linear(const std::string& name) const {
    const auto bias = weights_.find(name + ".bias");
    const at::Tensor weight = weights_.at(name + ".weight").to(device_, products_);
    return {.name = name,
            .matrix = std::make_shared<FrozenMatrix>(weight, kind_),
            .bias = bias == weights_.end() ? at::Tensor() : bias->second.to(device_, products_)};
  }

  const DecoderSpec& spec_;
  const Weights& weights_;
  at::ScalarType activations_, products_;
  ProductKind kind_;
  at::Device device_;
};

at::Tensor select_rows(const at::Tensor& x, const at::Tensor& rows) {
  return rows.defined() ? x.index_select(0, rows) : x;
}

RopeAngles select_rows(const RopeAngles& angles, const at::Tensor& rows) {
  if (!angles.cosine.defined()) return {};
  return {angles.cosine.index_select(0, rows), angles.sine.index_select(0, rows)};
}

// The rows' gradients end here until PrefixKeys::propagate().
at::Tensor held_back(const at::Tensor& x) {
  return x.detach().to(at::kFloat, false, true).requires_grad_(x.requires_grad());
}

}  // namespace

Decoder::Decoder(DecoderSpec spec, const Weights& weights, at::ScalarType activations,
                 at::Device device)
    : spec_(std::move(spec)), activations_(activations), device_(device) {
  require_weights(spec_, weights);
  embedding_ = weights.at("model.embed_tokens.weight").to(device, at::kFloat);
  head_ = spec_.tied_head ? embedding_ : weights.at("lm_head.weight").to(device, at::kFloat);
  const LayerMaker maker(spec_, weights, activations, device);
  final_norm_ = maker.norm("model.norm.weight");
  inverse_frequencies_ = torch::tensor(inverse_frequencies(spec_), at::kFloat);
  if (!spec_.rope_in_full_layers) inverse_frequencies_.zero_();
  inverse_frequencies_ = inverse_frequencies_.to(device);
  if (!spec_.local_layers.empty()) {
    local_frequencies_ = torch::tensor(local_inverse_frequencies(spec_), at::kFloat).to(device);
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

// Adds the rotated keys and the values to the output.
at::Tensor Decoder::attend(const DecoderLayer& layer, const at::Tensor& x, const BlockRows& rows,
                           FusedBlock::Output& output) const {
  const AttentionShape& shape = layer.local ? local_attention_ : attention_;
  const bool all = !rows.queries.defined();
  const auto pool = [](const at::Tensor& prefix, const at::Tensor& own) {
    return prefix.defined() ? at::cat({prefix.to(own.scalar_type()), own}) : own;
  };
  output.keys =
      rotate(head_normed(layer.k.forward(x), layer.key_norm), rows.angles, spec_.head_dim);
  output.values = layer.v.forward(x);
  if (rows.cache_keys.defined()) {
    rows.cache_keys.index_copy_(0, rows.write_slots, output.keys);
    rows.cache_values.index_copy_(0, rows.write_slots, output.values);
  }
  if (!all && rows.queries.numel() == 0) return {};
  const at::Tensor q = rotate(
      head_normed(layer.q.forward(select_rows(x, rows.queries)), layer.query_norm),  // [T, H*d]
      all ? rows.angles : rows.query_angles, spec_.head_dim);
  if (rows.cache_keys.defined())
    return pool_attention(q, rows.cache_keys, rows.cache_values, rows.segments, shape);
  return pool_attention(q, pool(rows.prefix_keys, output.keys),
                        pool(rows.prefix_values, output.values), rows.segments, shape);
}

FusedBlock::Output Decoder::plain_block(const DecoderLayer& layer, const at::Tensor& x,
                                        const BlockRows& rows) const {
  FusedBlock::Output output;
  const at::Tensor attended = attend(layer, normed(x, layer.before_attention), rows, output);
  if (!attended.defined()) return output;
  const at::Tensor mixed = normed(layer.o.forward(attended), layer.after_attention);
  const at::Tensor x2 = select_rows(x, rows.queries) + scaled(mixed, spec_.residual_scale);
  const at::Tensor inner = normed(x2, layer.before_mlp);
  const at::Tensor out = normed(layer.down.forward(gated(layer, inner)), layer.after_mlp);
  output.y = x2 + scaled(out, spec_.residual_scale);
  return output;
}

BlockRows Decoder::block_rows(size_t index, const Pass& pass) const {
  BlockRows rows;
  rows.angles = layers_[index].local ? pass.angles.local : pass.angles.full;
  rows.segments = pass.rows.segments;
  if (pass.prefix && pass.prefix->tokens() > 0) {
    rows.prefix_keys = pass.prefix->read_keys[index];
    rows.prefix_values = pass.prefix->read_values[index];
  }
  if (pass.cache) {
    rows.cache_keys = pass.cache->keys[index];
    rows.cache_values = pass.cache->values[index];
    rows.write_slots = pass.cache->write_slots;
  }
  rows.choices = choice_runs(rows.segments);
  if (pass.selection && index + 1 == layers_.size()) {
    rows.queries = pass.selection->queries;
    rows.query_angles = select_rows(rows.angles, rows.queries);
    rows.segments = pass.selection->segments;
  }
  rows.query_choices = choice_runs(rows.segments);
  return rows;
}

FusedBlock::Output Decoder::block(size_t index, const at::Tensor& x, const Pass& pass) const {
  const DecoderLayer& layer = layers_[index];
  const BlockRows rows = block_rows(index, pass);
  if (!pass.fused) return plain_block(layer, x, rows);
  const AttentionShape& shape = layer.local ? local_attention_ : attention_;
  return run_fused_block(FusedBlock(spec_, layer, shape, rows), rows, x);
}

bool Decoder::fuses() const {
  return fusing_allowed_ && device_.is_cpu() && std::ranges::all_of(layers_, FusedBlock::fits);
}

at::Tensor Decoder::embedded(const PackedRows& rows) const {
  return scaled(embedding_.index_select(0, rows.ids.to(device_)), spec_.embedding_scale)
      .to(dtype());  // [T, D]
}

size_t Decoder::frozen_blocks() const {
  const auto adapted = [](const DecoderLayer& l) {
    return l.q.delta || l.k.delta || l.v.delta || l.o.delta || l.gate.delta || l.up.delta ||
           l.down.delta;
  };
  const auto first = std::ranges::find_if(layers_, adapted);
  return std::min(static_cast<size_t>(first - layers_.begin()), layers_.size() - 1);
}

// What enters the first adapted block. The frozen ones' keys and values go to `prefix`, if there is
// one and they are made.
at::Tensor Decoder::first_states(const PackedRows& rows, const Pass& pass, at::Tensor* frozen,
                                 PrefixKeys* prefix) const {
  const size_t count = frozen ? frozen_blocks() : 0;
  const bool known = frozen && frozen->defined();
  const at::NoGradGuard no_gradient;
  at::Tensor x = known ? *frozen : embedded(rows);
  for (size_t i = 0; i < count; ++i) {
    FusedBlock::Output output;
    if (!known) output = block(i, x, pass), x = output.y;
    if (prefix) prefix->add(output.keys, output.values);
  }
  if (frozen) *frozen = x;
  return x;
}

at::Tensor Decoder::hidden(const PackedRows& rows, const at::Tensor& wanted, KeyValueCache* cache,
                           const PrefixKeys* prefix, at::Tensor* frozen) const {
  QuerySelection selection;
  if (wanted.defined()) selection = select_queries(rows, wanted.cpu(), device_);
  if (cache) cache->write_slots = cache->write_slots.to(device_);
  const Pass pass{rows,   angles(rows.positions.to(device_)),      cache,
                  prefix, wanted.defined() ? &selection : nullptr, fuses()};
  at::Tensor x = first_states(rows, pass, frozen, nullptr);
  for (size_t i = frozen ? frozen_blocks() : 0; i < layers_.size(); ++i) x = block(i, x, pass).y;
  return rms_norm(select_rows(x, selection.wanted), final_norm_, spec_.rms_eps);
}

PrefixKeys Decoder::read_prefix(std::span<const int32_t> ids, at::Tensor* frozen) const {
  if (ids.empty()) return {};
  RowPacker packer;
  packer.add(ids);
  const PackedRows tokens = packer.finish();
  const QuerySelection none{at::empty({0}, at::TensorOptions(at::kLong).device(device_)), {}, {}};
  const Pass pass{tokens, angles(tokens.positions.to(device_)), nullptr, nullptr, &none, fuses()};
  PrefixKeys prefix;
  prefix.count = static_cast<int64_t>(ids.size());
  at::Tensor x = first_states(tokens, pass, frozen, &prefix);
  for (size_t i = prefix.keys.size(); i < layers_.size(); ++i) {
    const FusedBlock::Output output = block(i, x, pass);
    x = output.y;
    prefix.add(output.keys, output.values);
  }
  return prefix;
}

void PrefixKeys::add(const at::Tensor& new_keys, const at::Tensor& new_values) {
  const auto read = [](const at::Tensor& x) { return x.defined() ? held_back(x) : at::Tensor(); };
  keys.push_back(new_keys);
  values.push_back(new_values);
  read_keys.push_back(read(new_keys));
  read_values.push_back(read(new_values));
}

void PrefixKeys::propagate() const {
  torch::autograd::variable_list roots, gradients;
  const auto add = [&](const at::Tensor& root, const at::Tensor& read) {
    if (!root.defined() || !root.requires_grad() || !read.grad().defined()) return;
    roots.push_back(root);
    gradients.push_back(read.grad().to(root.scalar_type()));
  };
  for (size_t i = 0; i < keys.size(); ++i) {
    add(keys[i], read_keys[i]);
    add(values[i], read_values[i]);
  }
  if (!roots.empty()) torch::autograd::backward(roots, gradients);
}

at::Tensor Decoder::logits(const at::Tensor& hidden) const {
  return head_logits(hidden.to(at::kFloat), head_, 1.0 / spec_.logit_scale);
}

at::Tensor Decoder::loss_sum(const at::Tensor& hidden, const at::Tensor& targets) const {
  return cross_entropy_sum(hidden, head_, 1.0 / spec_.logit_scale, targets.to(device_));
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
    const auto make = [&] {
      return at::zeros({slots, spec_.kv_heads * spec_.head_dim},
                       at::TensorOptions(dtype()).device(device_));
    };
    cache.keys.push_back(make());
    cache.values.push_back(make());
  }
  return cache;
}

int64_t weight_bytes(Decoder& decoder) {
  int64_t bytes = 0, counted = 0;
  for (const Linear* linear : decoder.linears()) {
    bytes += linear->matrix->bytes();
    counted += linear->matrix->in() * linear->matrix->out();
    if (!linear->bias.defined()) continue;
    bytes += static_cast<int64_t>(linear->bias.nbytes());
    counted += linear->bias.numel();
  }
  return bytes + 4 * (parameter_count(decoder.spec()) - counted);
}

}  // namespace telora
