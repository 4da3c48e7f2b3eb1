#include <optional>

#include "backbone/attention_kernel.h"
#include "backbone/dispatch.h"
#include "backbone/ops.h"
#include "backbone/parallel.h"
#include "backbone/torch.h"
#include "backbone/window_attention.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using Segments = std::vector<AttentionSegment>;

constexpr int64_t kRowGrain = 16;
constexpr int64_t kFewQueries = 4;  // a row with fewer is not worth a blocked product

at::Tensor rotate_by(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim,
                     float sine_sign) {
  const at::Tensor in = x.contiguous();  // [T, heads * dim]
  at::Tensor out = at::empty_like(in);
  const int64_t width = in.size(1), half = head_dim / 2;
  dispatch(in, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, in.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
      kernels::rope(data<T>(in) + begin * width, angles.cosine.data_ptr<float>() + begin * half,
                    angles.sine.data_ptr<float>() + begin * half, sine_sign,
                    data<T>(out) + begin * width, end - begin, width / head_dim, head_dim);
    });
  });
  return out;
}

struct Run {
  int64_t begin = 0;
  int64_t count = 0;
};

// [n, heads * dim] rows of a packed tensor as the [1, heads, n, dim] view LibTorch's kernel takes.
at::Tensor heads_view(const at::Tensor& x, const Run& run, int64_t heads) {
  return x.narrow(0, run.begin, run.count).view({1, run.count, heads, -1}).transpose(1, 2);
}

// Keys or values of one row, each kv head repeated for the query heads that share it: [1, H, n,
// dim].
at::Tensor repeat_heads(const at::Tensor& x, const Run& run, const AttentionShape& shape) {
  const int64_t group = shape.heads / shape.kv_heads;
  const at::Tensor view = heads_view(x, run, shape.kv_heads);
  if (group == 1) return view;
  return view.unsqueeze(2)
      .expand({1, shape.kv_heads, group, run.count, shape.head_dim})
      .reshape({1, shape.heads, run.count, shape.head_dim});
}

// One run of queries over one run of keys. Returns the output [1, H, n, dim] and the log-sum-exp
// [1, H, n].
struct Attended {
  at::Tensor out, log_sum;
};
Attended attend_run(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const Run& queries, const Run& keys, bool causal, const AttentionShape& shape) {
  auto [out, log_sum] = at::_scaled_dot_product_flash_attention_for_cpu(
      heads_view(q, queries, shape.heads), repeat_heads(k, keys, shape),
      repeat_heads(v, keys, shape), 0.0, causal, {}, shape.scale);
  return {out, log_sum};
}

Run queries_of(const AttentionSegment& s) { return {s.query_begin, s.query_count}; }
Run own_keys_of(const AttentionSegment& s) { return {s.key_begin, s.key_count}; }

// Rows that continue one prefix: their queries lie end to end and all may see all of its keys.
struct SharedPrefix {
  size_t first_row = 0;  // segment index; the rows are those from there on
  Run queries;           // of all rows
  Run keys;              // of the prefix
};

std::optional<SharedPrefix> find_shared_prefix(const Segments& segments) {
  size_t first = 0;
  while (first < segments.size() && segments[first].prefix_count == 0) ++first;
  if (first == segments.size()) return std::nullopt;
  const AttentionSegment& head = segments[first];
  SharedPrefix shared{first, {head.query_begin, 0}, {head.prefix_begin, head.prefix_count}};
  for (size_t i = first; i < segments.size(); ++i) {
    const AttentionSegment& s = segments[i];
    const bool fits = s.prefix_begin == head.prefix_begin && s.prefix_count == head.prefix_count &&
                      s.query_count == s.key_count &&
                      s.query_begin == shared.queries.begin + shared.queries.count;
    if (!fits) return std::nullopt;
    shared.queries.count += s.query_count;
  }
  return shared;
}

// Joins attention over two disjoint sets of keys into attention over both: each weighs by its share
// of the sum of exponentials. Updates `own` to the joint output and log-sum-exp.
void merge(Attended& own, const Attended& prefix) {
  const at::Tensor joint = at::logaddexp(own.log_sum, prefix.log_sum);  // [1, H, N]
  const at::Tensor own_share = (own.log_sum - joint).exp().unsqueeze(3);
  const at::Tensor prefix_share = (prefix.log_sum - joint).exp().unsqueeze(3);
  own.out = (own.out * own_share + prefix.out * prefix_share).to(own.out.scalar_type());
  own.log_sum = joint;
}

// All rows' own keys, then the shared prefix with all their queries in one product. Writes `out`
// [T, H*dim] and returns the log-sum-exp [1, H, n] of each segment.
tensor_list attend_rows(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const Segments& segments, const std::optional<SharedPrefix>& shared,
                        const AttentionShape& shape, at::Tensor& out) {
  tensor_list log_sums;
  for (const AttentionSegment& s : segments) {
    const Attended own = attend_run(q, k, v, queries_of(s), own_keys_of(s), true, shape);
    heads_view(out, queries_of(s), shape.heads).copy_(own.out);
    log_sums.push_back(own.log_sum);
  }
  if (!shared) return log_sums;
  const auto first = log_sums.begin() + static_cast<long>(shared->first_row);
  Attended own{heads_view(out, shared->queries, shape.heads),
               at::cat(tensor_list(first, log_sums.end()), 2)};
  merge(own, attend_run(q, k, v, shared->queries, shared->keys, false, shape));
  heads_view(out, shared->queries, shape.heads).copy_(own.out);
  for (size_t i = shared->first_row; i < segments.size(); ++i) {
    log_sums[i] = own.log_sum.narrow(2, segments[i].query_begin - shared->queries.begin,
                                     segments[i].query_count);
  }
  return log_sums;
}

// Few queries over many keys (a cache, or a shared prefix): one query and head at a time.
void attend_queries(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                    const AttentionSegment& s, const AttentionShape& shape, at::Tensor& out) {
  const int64_t dim = shape.head_dim, group = shape.heads / shape.kv_heads;
  dispatch(q, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, s.query_count * shape.heads, 4, [&](int64_t begin, int64_t end) {
      std::vector<float> scores(static_cast<size_t>(s.prefix_count + s.key_count));
      for (int64_t i = begin; i < end; ++i) {
        const int64_t query = i / shape.heads, head = i % shape.heads, kv = head / group;
        const kernels::KeyRuns runs{s.prefix_begin, s.prefix_count, s.key_begin,
                                    s.key_count - s.query_count + query + 1, k.size(1)};
        const int64_t at = (s.query_begin + query) * q.size(1) + head * dim;
        kernels::attend_one(data<T>(q) + at, data<T>(k) + kv * dim, data<T>(v) + kv * dim, runs,
                            dim, static_cast<float>(shape.scale), scores.data(), data<T>(out) + at);
      }
    });
  });
}

// Adds up the gradients of the query heads that share a kv head: [1, H, n, dim] -> [1, K, n, dim].
at::Tensor sum_heads(const at::Tensor& gradient, const AttentionShape& shape) {
  const int64_t group = shape.heads / shape.kv_heads, n = gradient.size(2);
  if (group == 1) return gradient;
  return gradient.reshape({1, shape.kv_heads, group, n, shape.head_dim}).sum(2, false, at::kFloat);
}

// What the backward pass needs besides tensors.
struct AttentionPlan : torch::CustomClassHolder {
  AttentionPlan(Segments segments, AttentionShape shape)
      : segments(std::move(segments)), shape(shape) {}
  Segments segments;
  AttentionShape shape;
};

// Sums of the gradients of rotated queries, keys and values, float32. `saved`: q, k, v, out.
struct AttentionGradients {
  AttentionGradients(const tensor_list& saved, at::Tensor dy, const AttentionShape& shape)
      : q(saved[0]),
        k(saved[1]),
        v(saved[2]),
        out(saved[3]),
        dy(std::move(dy)),
        shape(shape),
        dq(at::zeros(q.sizes(), at::kFloat)),
        dk(at::zeros(k.sizes(), at::kFloat)),
        dv(at::zeros(v.sizes(), at::kFloat)) {}

  void add(const Run& queries, const Run& keys, const at::Tensor& log_sum, bool causal) {
    auto [gq, gk, gv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
        heads_view(dy, queries, shape.heads), heads_view(q, queries, shape.heads),
        repeat_heads(k, keys, shape), repeat_heads(v, keys, shape),
        heads_view(out, queries, shape.heads), log_sum, 0.0, causal, {}, shape.scale);
    heads_view(dq, queries, shape.heads).add_(gq);
    heads_view(dk, keys, shape.kv_heads).add_(sum_heads(gk, shape));
    heads_view(dv, keys, shape.kv_heads).add_(sum_heads(gv, shape));
  }

  const at::Tensor &q, &k, &v, &out;
  at::Tensor dy;
  const AttentionShape& shape;
  at::Tensor dq, dk, dv;
};

struct AttentionNode : torch::autograd::Function<AttentionNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const at::Tensor& cosine, const at::Tensor& sine,
                            const c10::intrusive_ptr<AttentionPlan>& plan) {
    const RopeAngles angles{cosine, sine};
    const at::Tensor rq = rotate_by(q, angles, plan->shape.head_dim, 1.0f);
    const at::Tensor rk = rotate_by(k, angles, plan->shape.head_dim, 1.0f);
    const at::Tensor values = v.contiguous();
    at::Tensor out = at::empty_like(rq);
    tensor_list saved{rq, rk, values, out, cosine, sine};
    for (at::Tensor& log_sum : attend_rows(rq, rk, values, plan->segments,
                                           find_shared_prefix(plan->segments), plan->shape, out)) {
      saved.push_back(log_sum);
    }
    context->save_for_backward(saved);
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const auto plan =
        c10::static_intrusive_pointer_cast<AttentionPlan>(context->saved_data["plan"].toCapsule());
    AttentionGradients g(saved, gradients[0].contiguous(), plan->shape);
    for (size_t i = 0; i < plan->segments.size(); ++i) {
      g.add(queries_of(plan->segments[i]), own_keys_of(plan->segments[i]), saved[6 + i], true);
    }
    // With the joint output and log-sum-exp each part's gradient is exact by itself.
    if (const auto shared = find_shared_prefix(plan->segments)) {
      const auto first = saved.begin() + 6 + static_cast<long>(shared->first_row);
      g.add(shared->queries, shared->keys, at::cat(tensor_list(first, saved.end()), 2), false);
    }
    const RopeAngles angles{saved[4], saved[5]};
    return {rotate_by(g.dq.to(saved[0].scalar_type()), angles, plan->shape.head_dim, -1.0f),
            rotate_by(g.dk.to(saved[0].scalar_type()), angles, plan->shape.head_dim, -1.0f),
            g.dv.to(saved[0].scalar_type()),
            at::Tensor(),
            at::Tensor(),
            at::Tensor()};
  }
};

bool wants_gradient(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return at::GradMode::is_enabled() &&
         (q.requires_grad() || k.requires_grad() || v.requires_grad());
}

}  // namespace

at::Tensor rotate(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim) {
  return rotate_by(x, angles, head_dim, 1.0f);
}

at::Tensor pool_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const std::vector<AttentionSegment>& segments,
                          const AttentionShape& shape) {
  if (window_matters(segments, shape)) return window_attention(q, k, v, segments, shape);
  at::Tensor out = at::empty_like(q);
  const auto shared = find_shared_prefix(segments);
  if (shared && shared->queries.count >= kFewQueries * static_cast<int64_t>(segments.size())) {
    attend_rows(q, k, v, segments, shared, shape, out);
    return out;
  }
  for (const AttentionSegment& s : segments) {
    if (s.is_plain() && s.query_count >= kFewQueries) {
      const Attended own = attend_run(q, k, v, queries_of(s), own_keys_of(s), true, shape);
      heads_view(out, queries_of(s), shape.heads).copy_(own.out);
    } else {
      attend_queries(q, k, v, s, shape, out);
    }
  }
  return out;
}

at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const RopeAngles& angles, const std::vector<AttentionSegment>& segments,
                            const AttentionShape& shape) {
  if (wants_gradient(q, k, v) && window_matters(segments, shape)) {
    return window_attention(rotate_plain(q, angles, shape.head_dim),
                            rotate_plain(k, angles, shape.head_dim), v, segments, shape);
  }
  if (wants_gradient(q, k, v)) {
    return AttentionNode::apply(q, k, v, angles.cosine, angles.sine,
                                c10::make_intrusive<AttentionPlan>(segments, shape));
  }
  return pool_attention(rotate(q, angles, shape.head_dim), rotate(k, angles, shape.head_dim),
                        v.contiguous(), segments, shape);
}

}  // namespace telora
