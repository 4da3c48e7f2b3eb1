#include "backbone/flash_attention.h"

#include <ATen/SDPBackend.h>

#include <algorithm>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora::tensor_ops {

namespace {

// Whether LibTorch itself would run these heads on a kernel that this generation of GPU shares with
// the one for unequal lengths.
bool device_has_it(const at::Tensor& q, const at::Tensor& k) {
  const auto batch = [](const at::Tensor& x) { return x.transpose(0, 1).unsqueeze(0); };
  const auto choice = static_cast<at::SDPBackend>(
      at::_fused_sdp_choice(batch(q), batch(k), batch(k), {}, 0.0, /*is_causal=*/false,
                            std::nullopt, /*enable_gqa=*/true));
  return choice == at::SDPBackend::flash_attention || choice == at::SDPBackend::cudnn_attention;
}

// begin, begin + 1, ... of each stretch one behind the other.
struct Rows {
  std::vector<int64_t> rows;
  std::vector<int32_t> ends{0};
  int64_t most = 0;

  void add(int64_t begin, int64_t count) {
    for (int64_t i = 0; i < count; ++i) rows.push_back(begin + i);
    ends.push_back(static_cast<int32_t>(rows.size()));
    most = std::max(most, count);
  }
  bool is_all(int64_t length) const {
    if (static_cast<int64_t>(rows.size()) != length) return false;
    for (size_t i = 0; i < rows.size(); ++i) {
      if (rows[i] != static_cast<int64_t>(i)) return false;
    }
    return true;
  }
  at::Tensor rows_unless_all(int64_t length, at::Device device) const {
    return is_all(length) ? at::Tensor() : torch::tensor(rows, at::kLong).to(device);
  }
};

at::Tensor pick_rows(const at::Tensor& x, const at::Tensor& rows) {
  return rows.defined() ? x.index_select(0, rows) : x.contiguous();
}

void add_rows(at::Tensor& sum, const at::Tensor& rows, const at::Tensor& part) {
  if (rows.defined()) {
    sum.index_add_(0, rows, part.to(sum.scalar_type()));
  } else {
    sum.add_(part);
  }
}

std::optional<int64_t> keys_before(const FlashSequences& s, const AttentionShape& shape) {
  return s.causal && shape.window > 0 ? std::optional(shape.window - 1) : std::nullopt;
}

std::optional<int64_t> keys_behind(const FlashSequences& s) {
  return s.causal ? std::optional<int64_t>(0) : std::nullopt;
}

// Puts what was computed for some queries among all of them.
Attended spread(const Attended& part, const at::Tensor& rows, const at::Tensor& q) {
  if (!rows.defined()) return part;
  Attended all{at::zeros_like(q),
               at::full({q.size(1), q.size(0)}, -std::numeric_limits<double>::infinity(),
                        q.options().dtype(at::kFloat))};
  all.out.index_copy_(0, rows, part.out);
  all.log_sum.index_copy_(1, rows, part.log_sum);
  return all;
}

}  // namespace

bool flash_serves(const at::Tensor& q, const at::Tensor& k, const AttentionSpans& prefix,
                  const AttentionShape& shape) {
  return q.is_cuda() && q.scalar_type() == at::kBFloat16 && shape.head_dim % 8 == 0 &&
         shape.head_dim <= 256 && (shape.window == 0 || prefix.empty()) && device_has_it(q, k);
}

FlashSequences flash_sequences(const AttentionSpans& spans, bool causal, int64_t queries,
                               int64_t keys, at::Device device) {
  Rows query_rows, key_rows;
  for (const AttentionSpan& span : spans) {
    query_rows.add(span.query_begin, span.query_count);
    key_rows.add(span.key_begin, span.key_count);
  }
  const auto ends = [&](const Rows& rows) { return torch::tensor(rows.ends, at::kInt).to(device); };
  return {query_rows.rows_unless_all(queries, device),
          key_rows.rows_unless_all(keys, device),
          ends(query_rows),
          ends(key_rows),
          query_rows.most,
          key_rows.most,
          causal};
}

Attended attend_flash(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                      const FlashSequences& s, const AttentionShape& shape) {
  const at::Tensor queries = pick_rows(q, s.query_rows);
  const auto [out, log_sum, seed, offset, debug] = at::_flash_attention_forward(
      queries, pick_rows(k, s.key_rows), pick_rows(v, s.key_rows), s.query_ends, s.key_ends,
      s.most_queries, s.most_keys, /*dropout_p=*/0.0, s.causal, /*return_debug_mask=*/false,
      shape.scale, keys_before(s, shape), keys_behind(s));
  if (log_sum.dim() != 2 || log_sum.size(1) != queries.size(0)) {
    fail(ErrorKind::kInternal, {"LibTorch", "_flash_attention_forward"},
         "sums of exponentials in another layout", "[heads, queries]",
         "build with LibTorch 2.11, or use --device cpu");
  }
  return spread({out, log_sum}, s.query_rows, q);
}

void attend_flash_backward(const AttentionResult& r, const FlashSequences& s,
                           const AttentionShape& shape, AttentionSums& sums) {
  const auto queries = [&](const at::Tensor& x) { return pick_rows(x, s.query_rows); };
  const at::Tensor log_sum =
      s.query_rows.defined() ? r.log_sum.index_select(1, s.query_rows) : r.log_sum.contiguous();
  const at::Tensor no_dropout = at::empty({2}, r.q.options().dtype(at::kUInt64));
  const auto [dq, dk, dv] = at::_flash_attention_backward(
      queries(r.dout), queries(r.q), pick_rows(r.k, s.key_rows), pick_rows(r.v, s.key_rows),
      queries(r.out), log_sum, s.query_ends, s.key_ends, s.most_queries, s.most_keys,
      /*dropout_p=*/0.0, s.causal, no_dropout, no_dropout, shape.scale, keys_before(s, shape),
      keys_behind(s));
  add_rows(sums.dq, s.query_rows, dq);
  add_rows(sums.dk, s.key_rows, dk);
  add_rows(sums.dv, s.key_rows, dv);
}

}  // namespace telora::tensor_ops
