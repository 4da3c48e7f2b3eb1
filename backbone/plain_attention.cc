#include "backbone/tensor_attention.h"
#include "backbone/torch.h"

namespace telora::tensor_ops {

namespace {

// [count, K * g, d] -> [K, g * count, d] float32: the query heads of a key head one behind the
// other.
at::Tensor by_key_head(const at::Tensor& x, int64_t begin, int64_t count, int64_t kv_heads) {
  const at::Tensor rows = x.narrow(0, begin, count).to(at::kFloat);
  return rows.view({count, kv_heads, -1, x.size(2)})
      .permute({1, 2, 0, 3})
      .reshape({kv_heads, -1, x.size(2)});
}

// The way back: [K, g * count, d] -> [count, K * g, d].
at::Tensor by_token(const at::Tensor& x, int64_t count) {
  return x.view({x.size(0), -1, count, x.size(2)})
      .permute({2, 0, 1, 3})
      .reshape({count, -1, x.size(2)});
}

// [count, K, d] -> [K, count, d] float32
at::Tensor key_rows(const at::Tensor& x, const AttentionSpan& span) {
  return x.narrow(0, span.key_begin, span.key_count).to(at::kFloat).transpose(0, 1);
}

// True where a query does not see a key, [query_count, key_count]; undefined if each sees all.
at::Tensor hidden_keys(const AttentionSpan& s, int64_t window, at::Device device) {
  const bool sees_end = s.position >= s.key_count - 1;
  const bool sees_begin = window == 0 || s.position + s.query_count <= window;
  if (sees_end && sees_begin) return {};
  const at::TensorOptions options = at::TensorOptions(at::kLong).device(device);
  const at::Tensor query = at::arange(s.position, s.position + s.query_count, options).unsqueeze(1);
  const at::Tensor key = at::arange(s.key_count, options);
  at::Tensor hidden = key.gt(query);
  if (window > 0) hidden.logical_or_(key.le(query - window));
  return hidden;
}

// scale * q k', -inf where hidden: [K, g * query_count, key_count]
at::Tensor scores_of(const at::Tensor& q, const at::Tensor& k, const AttentionSpan& s,
                     const AttentionShape& shape) {
  at::Tensor scores = at::bmm(q, k.transpose(1, 2)).mul_(shape.scale);
  const at::Tensor hidden = hidden_keys(s, shape.window, q.device());
  if (hidden.defined()) {
    scores.view({shape.kv_heads, -1, s.query_count, s.key_count})
        .masked_fill_(hidden, -std::numeric_limits<double>::infinity());
  }
  return scores;
}

// A query that sees none of the keys has -inf here: any number in its place makes its probabilities
// zero.
at::Tensor probabilities(const at::Tensor& scores, const at::Tensor& log_sum) {
  constexpr double kLeast = std::numeric_limits<float>::lowest();
  return (scores - log_sum.clamp_min(kLeast).unsqueeze(2)).exp_();
}

void attend_span(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                 const AttentionSpan& s, const AttentionShape& shape, Attended& all) {
  const at::Tensor queries = by_key_head(q, s.query_begin, s.query_count, shape.kv_heads);
  const at::Tensor scores = scores_of(queries, key_rows(k, s), s, shape);
  const at::Tensor log_sum = at::logsumexp(scores, {2});  // [K, g * query_count]
  const at::Tensor out = at::bmm(probabilities(scores, log_sum), key_rows(v, s));
  all.out.narrow(0, s.query_begin, s.query_count).copy_(by_token(out, s.query_count));
  all.log_sum.narrow(1, s.query_begin, s.query_count).copy_(log_sum.view({-1, s.query_count}));
}

void attend_span_backward(const AttentionResult& r, const at::Tensor& delta, const AttentionSpan& s,
                          const AttentionShape& shape, AttentionSums& sums) {
  const auto queries = [&](const at::Tensor& x) {
    return by_key_head(x, s.query_begin, s.query_count, shape.kv_heads);
  };
  const at::Tensor q = queries(r.q), dout = queries(r.dout), k = key_rows(r.k, s);
  const at::Tensor log_sum = r.log_sum.narrow(1, s.query_begin, s.query_count)
                                 .reshape({shape.kv_heads, -1});  // [K, g * query_count]
  const at::Tensor p = probabilities(scores_of(q, k, s, shape), log_sum);
  const at::Tensor dp = at::bmm(dout, key_rows(r.v, s).transpose(1, 2));
  const at::Tensor ds = (dp - queries(delta)).mul_(p).mul_(shape.scale);  // [K, g * n, m]
  const auto keys = [&](at::Tensor& x) { return x.narrow(0, s.key_begin, s.key_count); };
  sums.dq.narrow(0, s.query_begin, s.query_count).add_(by_token(at::bmm(ds, k), s.query_count));
  keys(sums.dk).add_(at::bmm(ds.transpose(1, 2), q).transpose(0, 1));
  keys(sums.dv).add_(at::bmm(p.transpose(1, 2), dout).transpose(0, 1));
}

}  // namespace

Attended attend_plainly(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const AttentionSpans& spans, const AttentionShape& shape) {
  Attended all{at::zeros_like(q, at::kFloat),
               at::full({q.size(1), q.size(0)}, -std::numeric_limits<double>::infinity(),
                        q.options().dtype(at::kFloat))};
  for (const AttentionSpan& span : spans) attend_span(q, k, v, span, shape, all);
  return all;
}

void attend_plainly_backward(const AttentionResult& result, const AttentionSpans& spans,
                             const AttentionShape& shape, AttentionSums& sums) {
  // The sum of each query's gradients over its probabilities, [Tq, H, 1].
  const at::Tensor delta =
      at::mul(result.dout.to(at::kFloat), result.out.to(at::kFloat)).sum(2, /*keepdim=*/true);
  for (const AttentionSpan& span : spans) attend_span_backward(result, delta, span, shape, sums);
}

}  // namespace telora::tensor_ops
