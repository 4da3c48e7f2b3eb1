#include "backbone/fused_block.h"

#include <array>

#include "backbone/elementwise.h"
#include "backbone/torch.h"

namespace telora {

namespace {

std::vector<const Linear*> mlp_inputs(const DecoderSpec& spec, const DecoderLayer& layer) {
  if (spec.fused_mlp) return {&layer.gate};
  return {&layer.gate, &layer.up};
}

at::Tensor select(const at::Tensor& x, const at::Tensor& rows) {
  return rows.defined() ? x.index_select(0, rows) : x;
}

// One tensor of what is in front, if anything is, and the tokens' own.
at::Tensor pool_of(const at::Tensor& prefix, const at::Tensor& own) {
  return prefix.defined() ? at::cat({prefix.to(own.scalar_type()), own}) : own;
}

void append(std::vector<at::Tensor>& all, std::vector<at::Tensor> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

// Gradients are made from the end of the block to its begin; parameters go the other way.
void prepend(std::vector<at::Tensor>& all, std::vector<at::Tensor> before) {
  append(before, std::move(all));
  all = std::move(before);
}

at::Tensor plus(const at::Tensor& gradient, const at::Tensor& outside) {
  return outside.defined() ? gradient + outside : gradient;
}

}  // namespace

FusedBlock::FusedBlock(const DecoderSpec& spec, const DecoderLayer& layer,
                       const AttentionShape& shape, BlockRows rows)
    : spec_(spec),
      layer_(layer),
      shape_(shape),
      rows_(std::move(rows)),
      qkv_({&layer.q, &layer.k, &layer.v}, rows_.choices),
      q_({&layer.q}, rows_.query_choices),
      kv_({&layer.k, &layer.v}, rows_.choices),
      o_({&layer.o}, rows_.query_choices),
      gate_up_(mlp_inputs(spec, layer), rows_.query_choices),
      down_({&layer.down}, rows_.query_choices) {}

bool FusedBlock::fits(const DecoderLayer& layer) {
  const bool up = !layer.up.matrix || LinearGroup::can_fuse(layer.up);
  return up && LinearGroup::can_fuse(layer.q) && LinearGroup::can_fuse(layer.k) &&
         LinearGroup::can_fuse(layer.v) && LinearGroup::can_fuse(layer.o) &&
         LinearGroup::can_fuse(layer.gate) && LinearGroup::can_fuse(layer.down);
}

std::vector<at::Tensor> FusedBlock::parameters() const {
  if (no_queries()) return kv_.parameters();
  std::vector<at::Tensor> all = qkv_.parameters();
  append(all, o_.parameters());
  append(all, gate_up_.parameters());
  append(all, down_.parameters());
  return all;
}

at::Tensor FusedBlock::normed(const at::Tensor& x, const at::Tensor& weight) const {
  return weight.defined() ? rms_norm_forward(x, weight, spec_.rms_eps).y : x;
}

at::Tensor FusedBlock::norm_gradient(const at::Tensor& dy, const at::Tensor& x,
                                     const at::Tensor& weight, const at::Tensor& add) const {
  if (!weight.defined()) return plus(dy, add);
  return rms_norm_backward(dy, x, weight, rms_norm_forward(x, weight, spec_.rms_eps).inv_rms, add);
}

// x [T, heads * d] by a weight of one head's length, or of all heads'.
at::Tensor FusedBlock::head_normed(const at::Tensor& x, const at::Tensor& weight) const {
  return weight.defined() ? normed(x.view({-1, weight.size(0)}), weight).view(x.sizes()) : x;
}

at::Tensor FusedBlock::head_norm_gradient(const at::Tensor& dy, const at::Tensor& x,
                                          const at::Tensor& weight) const {
  if (!weight.defined()) return dy;
  const auto heads = [&](const at::Tensor& t) { return t.view({-1, weight.size(0)}); };
  return norm_gradient(heads(dy), heads(x), weight).view(dy.sizes());
}

// Queries, keys and values after their norms and rotations.
FusedBlock::QueryKeyValue FusedBlock::project(const at::Tensor& x, Saved& saved) const {
  const at::Tensor in = normed(x, layer_.before_attention);
  std::vector<at::Tensor> out;
  if (all_queries()) {
    saved.low_qkv = qkv_.low(in);
    out = qkv_.forward(in, saved.low_qkv);
  } else {
    saved.low_qkv = kv_.low(in);
    out = kv_.forward(in, saved.low_qkv);
    at::Tensor q;
    if (!no_queries()) {
      const at::Tensor of_queries = select(in, rows_.queries);
      saved.low_q = q_.low(of_queries);
      q = q_.forward(of_queries, saved.low_q)[0];
    }
    out.insert(out.begin(), q);
  }
  if (layer_.query_norm.defined()) saved.q = out[0], saved.k = out[1];
  const RopeAngles& query_angles = all_queries() ? rows_.angles : rows_.query_angles;
  const auto turned = [&](const at::Tensor& t, const at::Tensor& norm, const RopeAngles& angles) {
    return rotated(head_normed(t, norm), angles, spec_.head_dim, Turn::kForward);
  };
  return {no_queries() ? at::Tensor() : turned(out[0], layer_.query_norm, query_angles),
          turned(out[1], layer_.key_norm, rows_.angles), out[2]};
}

// x + scale * norm(group(in)); what the norm reads is kept.
at::Tensor FusedBlock::add_branch(const at::Tensor& x, const LinearGroup& group,
                                  const at::Tensor& in, const at::Tensor& low,
                                  const at::Tensor& norm, at::Tensor& kept) const {
  if (!norm.defined()) return group.forward_onto(in, low, x, spec_.residual_scale);
  kept = group.forward(in, low)[0];
  return at::add(x, normed(kept, norm), spec_.residual_scale);
}

// From the gradient of the sum to that of group(in).
at::Tensor FusedBlock::branch_gradient(const at::Tensor& dy, const at::Tensor& kept,
                                       const at::Tensor& norm) const {
  const at::Tensor scaled = spec_.residual_scale == 1 ? dy : dy * spec_.residual_scale;
  return norm.defined() ? norm_gradient(scaled, kept, norm) : scaled;
}

at::Tensor FusedBlock::attend(const QueryKeyValue& r, Saved& saved) const {
  if (rows_.cache_keys.defined()) {
    return pool_attention(r.q, rows_.cache_keys, rows_.cache_values, rows_.segments, shape_);
  }
  saved.rotated_q = r.q;
  saved.keys = pool_of(rows_.prefix_keys, r.k);
  saved.values = pool_of(rows_.prefix_values, r.v);
  saved.attended = attention_forward(r.q, saved.keys, saved.values, rows_.segments, shape_);
  return saved.attended.out;
}

at::Tensor FusedBlock::mlp_forward(const at::Tensor& x2, Saved& saved) const {
  const at::Tensor in = normed(x2, layer_.before_mlp);
  saved.low_gate_up = gate_up_.low(in);
  std::vector<at::Tensor> out = gate_up_.forward(in, saved.low_gate_up);
  if (spec_.fused_mlp) {
    const int64_t width = spec_.intermediate;
    out = {out[0].narrow(1, 0, width).contiguous(), out[0].narrow(1, width, width).contiguous()};
  }
  saved.gate = out[0], saved.up = out[1];
  const at::Tensor active = gate_forward(spec_.activation, saved.gate, saved.up);
  saved.low_down = down_.low(active);
  return add_branch(x2, down_, active, saved.low_down, layer_.after_mlp, saved.mlp);
}

FusedBlock::Output FusedBlock::forward(const at::Tensor& x, Saved& saved) const {
  saved.x = x;
  const QueryKeyValue r = project(x, saved);
  if (rows_.cache_keys.defined()) {
    rows_.cache_keys.index_copy_(0, rows_.write_slots, r.k);
    rows_.cache_values.index_copy_(0, rows_.write_slots, r.v);
  }
  if (no_queries()) return {at::Tensor(), r.k, r.v};
  const at::Tensor attended = attend(r, saved);
  saved.low_o = o_.low(attended);
  saved.x2 = add_branch(select(x, rows_.queries), o_, attended, saved.low_o, layer_.after_attention,
                        saved.mixed);
  return {mlp_forward(saved.x2, saved), r.k, r.v};
}

// Gradient of x2.
at::Tensor FusedBlock::mlp_backward(const at::Tensor& dy, const Saved& saved,
                                    Gradients& gradients) const {
  const std::array out{branch_gradient(dy, saved.mlp, layer_.after_mlp)};
  const at::Tensor dlow_down = down_.low_gradient(out);
  const GateBackward g =
      gate_backward(spec_.activation, down_.input_gradient(out, dlow_down), saved.gate, saved.up);
  prepend(gradients.parameters, down_.parameter_gradients(g.y, out, saved.low_down, dlow_down));
  std::vector<at::Tensor> in{g.dgate, g.dup};
  if (spec_.fused_mlp) in = {at::cat(in, 1)};
  const at::Tensor dlow = gate_up_.low_gradient(in);
  const at::Tensor dnormed = gate_up_.input_gradient(in, dlow);
  const at::Tensor normed_x2 = normed(saved.x2, layer_.before_mlp);
  prepend(gradients.parameters,
          gate_up_.parameter_gradients(normed_x2, in, saved.low_gate_up, dlow));
  return norm_gradient(dnormed, saved.x2, layer_.before_mlp, dy);
}

// Gradients of q, k and v before their norms and rotations.
FusedBlock::QueryKeyValue FusedBlock::attend_backward(const at::Tensor& dx2, const Output& outside,
                                                      const Saved& saved,
                                                      Gradients& gradients) const {
  const at::ScalarType type = saved.x.scalar_type();
  const auto own = [&](const at::Tensor& pool) {
    return pool.narrow(0, pool.size(0) - saved.x.size(0), saved.x.size(0));
  };
  at::Tensor dq, dk, dv;
  if (no_queries()) {
    dk = outside.keys, dv = outside.values;
  } else {
    const std::array out{branch_gradient(dx2, saved.mixed, layer_.after_attention)};
    const at::Tensor dlow = o_.low_gradient(out);
    prepend(gradients.parameters,
            o_.parameter_gradients(saved.attended.out, out, saved.low_o, dlow));
    const AttentionGradients g =
        attention_backward(saved.rotated_q, saved.keys, saved.values, saved.attended,
                           o_.input_gradient(out, dlow), rows_.segments, shape_);
    if (rows_.prefix_keys.defined()) {
      gradients.prefix_keys = g.dk.narrow(0, 0, rows_.prefix_keys.size(0));
      gradients.prefix_values = g.dv.narrow(0, 0, rows_.prefix_keys.size(0));
    }
    dq = rotated(g.dq, all_queries() ? rows_.angles : rows_.query_angles, spec_.head_dim,
                 Turn::kBack)
             .to(type);
    dq = head_norm_gradient(dq, saved.q, layer_.query_norm);
    dk = plus(own(g.dk), outside.keys), dv = plus(own(g.dv), outside.values);
  }
  dk = rotated(dk, rows_.angles, spec_.head_dim, Turn::kBack).to(type);
  return {dq, head_norm_gradient(dk, saved.k, layer_.key_norm), dv.to(type).contiguous()};
}

at::Tensor FusedBlock::project_backward(const QueryKeyValue& d, const at::Tensor& dx2,
                                        const Saved& saved, bool want_x,
                                        Gradients& gradients) const {
  const at::Tensor in = normed(saved.x, layer_.before_attention);
  const bool apart = !all_queries();
  const LinearGroup& group = apart ? kv_ : qkv_;
  std::vector<at::Tensor> dy{d.k, d.v};
  if (!apart) dy.insert(dy.begin(), d.q);
  const at::Tensor dlow = group.low_gradient(dy);
  prepend(gradients.parameters, group.parameter_gradients(in, dy, saved.low_qkv, dlow));
  at::Tensor din = want_x ? group.input_gradient(dy, dlow) : at::Tensor();
  if (apart && d.q.defined()) {
    const std::array dq{d.q};
    const at::Tensor dlow_q = q_.low_gradient(dq);
    prepend(gradients.parameters,
            q_.parameter_gradients(select(in, rows_.queries), dq, saved.low_q, dlow_q));
    if (want_x) din.index_add_(0, rows_.queries, q_.input_gradient(dq, dlow_q));
  }
  if (!want_x) return {};
  if (!apart) return norm_gradient(din, saved.x, layer_.before_attention, dx2);
  at::Tensor dx = norm_gradient(din, saved.x, layer_.before_attention);
  return dx2.defined() ? dx.index_add_(0, rows_.queries, dx2) : dx;
}

FusedBlock::Gradients FusedBlock::backward(const Output& d, const Saved& saved, bool want_x) const {
  Gradients gradients;
  const at::Tensor dx2 = no_queries() ? at::Tensor() : mlp_backward(d.y, saved, gradients);
  const QueryKeyValue qkv = attend_backward(dx2, d, saved, gradients);
  gradients.x = project_backward(qkv, dx2, saved, want_x, gradients);
  return gradients;
}

}  // namespace telora
