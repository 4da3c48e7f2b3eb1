#include "backbone/torch.h"

#include <numeric>

#include "backbone/attention_kernel.h"
#include "backbone/dispatch.h"
#include "backbone/ops.h"
#include "backbone/parallel.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using Segments = std::vector<AttentionSegment>;

constexpr int64_t kRowGrain = 16;

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

// [n, heads * dim] rows of a packed tensor as the [1, heads, n, dim] view LibTorch's kernel takes.
at::Tensor heads_view(const at::Tensor& x, int64_t begin, int64_t count, int64_t heads) {
  return x.narrow(0, begin, count).view({1, count, heads, -1}).transpose(1, 2);
}

// Keys or values of one row, each kv head repeated for the query heads that share it: [1, H, n,
// dim].
at::Tensor repeat_heads(const at::Tensor& x, int64_t begin, int64_t count,
                        const AttentionShape& shape) {
  const int64_t group = shape.heads / shape.kv_heads;
  const at::Tensor view = heads_view(x, begin, count, shape.kv_heads);
  if (group == 1) return view;
  return view.unsqueeze(2)
      .expand({1, shape.kv_heads, group, count, shape.head_dim})
      .reshape({1, shape.heads, count, shape.head_dim});
}

// Returns log-sum-exp [1, H, n] for the backward pass.
at::Tensor attend_plain(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                        const AttentionSegment& s, const AttentionShape& shape, at::Tensor& out) {
  auto [y, log_sum] = at::_scaled_dot_product_flash_attention_for_cpu(
      heads_view(q, s.query_begin, s.query_count, shape.heads),
      repeat_heads(k, s.key_begin, s.key_count, shape),
      repeat_heads(v, s.key_begin, s.key_count, shape), 0.0,
      /*is_causal=*/true, {}, shape.scale);
  heads_view(out, s.query_begin, s.query_count, shape.heads).copy_(y);
  return log_sum;
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

// Adds the gradients of the query heads that share a kv head: [1, H, n, dim] -> rows of [T, K*dim].
void add_heads(const at::Tensor& gradient, const AttentionSegment& s, const AttentionShape& shape,
               at::Tensor& out) {
  const int64_t group = shape.heads / shape.kv_heads, n = s.key_count;
  at::Tensor target = heads_view(out, s.key_begin, n, shape.kv_heads);  // [1, K, n, dim]
  if (group == 1) {
    target.copy_(gradient);
  } else {
    target.copy_(
        gradient.reshape({1, shape.kv_heads, group, n, shape.head_dim}).sum(2, false, at::kFloat));
  }
}

// What the backward pass needs besides tensors.
struct AttentionPlan : torch::CustomClassHolder {
  AttentionPlan(Segments segments, AttentionShape shape)
      : segments(std::move(segments)), shape(shape) {}
  Segments segments;
  AttentionShape shape;
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
    for (const AttentionSegment& s : plan->segments) {
      saved.push_back(attend_plain(rq, rk, values, s, plan->shape, out));
    }
    context->save_for_backward(saved);
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const auto plan =
        c10::static_intrusive_pointer_cast<AttentionPlan>(context->saved_data["plan"].toCapsule());
    const Segments& segments = plan->segments;
    const AttentionShape& shape = plan->shape;
    const at::Tensor &q = saved[0], &k = saved[1], &v = saved[2], &out = saved[3];
    const at::Tensor dy = gradients[0].contiguous();
    at::Tensor dq = at::empty_like(q), dk = at::empty_like(k), dv = at::empty_like(v);
    for (size_t i = 0; i < segments.size(); ++i) {
      const AttentionSegment& s = segments[i];
      auto [gq, gk, gv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
          heads_view(dy, s.query_begin, s.query_count, shape.heads),
          heads_view(q, s.query_begin, s.query_count, shape.heads),
          repeat_heads(k, s.key_begin, s.key_count, shape),
          repeat_heads(v, s.key_begin, s.key_count, shape),
          heads_view(out, s.query_begin, s.query_count, shape.heads), saved[6 + i], 0.0, true, {},
          shape.scale);
      heads_view(dq, s.query_begin, s.query_count, shape.heads).copy_(gq);
      add_heads(gk, s, shape, dk);
      add_heads(gv, s, shape, dv);
    }
    const RopeAngles angles{saved[4], saved[5]};
    return {rotate_by(dq, angles, shape.head_dim, -1.0f),
            rotate_by(dk, angles, shape.head_dim, -1.0f),
            dv,
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
  at::Tensor out = at::empty_like(q);
  for (const AttentionSegment& s : segments) {
    if (s.is_plain() && s.query_count > 1) {
      attend_plain(q, k, v, s, shape, out);
    } else {
      attend_queries(q, k, v, s, shape, out);
    }
  }
  return out;
}

at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const RopeAngles& angles, const std::vector<AttentionSegment>& segments,
                            const AttentionShape& shape) {
  if (wants_gradient(q, k, v)) {
    return AttentionNode::apply(q, k, v, angles.cosine, angles.sine,
                                c10::make_intrusive<AttentionPlan>(segments, shape));
  }
  return pool_attention(rotate(q, angles, shape.head_dim), rotate(k, angles, shape.head_dim),
                        v.contiguous(), segments, shape);
}

}  // namespace telora
