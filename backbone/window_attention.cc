#include "backbone/window_attention.h"

#include "backbone/torch.h"

namespace telora {

namespace {

// [n, heads * dim] -> [1, query heads, n, dim], kv heads repeated for the query heads that share
// them.
at::Tensor split_heads(const at::Tensor& x, int64_t heads, const AttentionShape& shape) {
  const at::Tensor view = x.view({x.size(0), heads, shape.head_dim}).transpose(0, 1).unsqueeze(0);
  return heads == shape.heads ? view : view.repeat_interleave(shape.heads / heads, 1);
}

// The rows of the pool that a segment's queries may see: its prefix, then its own.
at::Tensor rows_of(const at::Tensor& pool, const AttentionSegment& s) {
  const at::Tensor own = pool.narrow(0, s.key_begin, s.key_count);
  if (s.prefix_count == 0) return own;
  return at::cat({pool.narrow(0, s.prefix_begin, s.prefix_count), own}, 0);
}

// [queries, keys] bool: true where the query sees the key.
at::Tensor window_mask(const AttentionSegment& s, int64_t window) {
  const int64_t keys = s.prefix_count + s.key_count;
  const at::Tensor at = at::arange(keys - s.query_count, keys).unsqueeze(1);
  const at::Tensor key = at::arange(keys).unsqueeze(0);
  return key.le(at).logical_and(key.gt(at - window));
}

}  // namespace

bool window_matters(const std::vector<AttentionSegment>& segments, const AttentionShape& shape) {
  if (shape.window == 0) return false;
  for (const AttentionSegment& s : segments) {
    if (s.prefix_count + s.key_count > shape.window) return true;
  }
  return false;
}

at::Tensor rotate_plain(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim) {
  const at::Tensor heads = x.view({x.size(0), -1, head_dim}).to(at::kFloat);  // [T, heads, d]
  const at::Tensor first = heads.narrow(2, 0, head_dim / 2);
  const at::Tensor second = heads.narrow(2, head_dim / 2, head_dim / 2);
  const at::Tensor cosine = angles.cosine.unsqueeze(1), sine = angles.sine.unsqueeze(1);
  const at::Tensor rotated =
      at::cat({first * cosine - second * sine, second * cosine + first * sine}, 2);
  return rotated.view(x.sizes()).to(x.scalar_type());
}

at::Tensor window_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const std::vector<AttentionSegment>& segments,
                            const AttentionShape& shape) {
  std::vector<at::Tensor> outputs;  // segments' queries lie end to end
  for (const AttentionSegment& s : segments) {
    const at::Tensor out = at::scaled_dot_product_attention(
        split_heads(q.narrow(0, s.query_begin, s.query_count), shape.heads, shape),
        split_heads(rows_of(k, s), shape.kv_heads, shape),
        split_heads(rows_of(v, s), shape.kv_heads, shape), window_mask(s, shape.window), 0.0, false,
        shape.scale);  // [1, H, n, d]
    outputs.push_back(out.squeeze(0).transpose(0, 1).reshape({s.query_count, q.size(1)}));
  }
  return at::cat(outputs, 0);
}

}  // namespace telora
