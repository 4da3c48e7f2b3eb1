#include <algorithm>

#include "backbone/attention.h"
#include "backbone/attention_kernel.h"
#include "backbone/dispatch.h"
#include "backbone/elementwise.h"
#include "backbone/ops.h"
#include "backbone/parallel.h"
#include "backbone/tensor_ops.h"
#include "backbone/torch.h"

namespace telora {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using Segments = std::vector<AttentionSegment>;

constexpr int64_t kFewQueries = 4;  // a row with fewer is not worth blocks of queries

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
        const int64_t own = s.key_count - s.query_count + query + 1;
        const int64_t all = s.prefix_count + own;
        const int64_t hidden = shape.window > 0 ? std::max<int64_t>(0, all - shape.window) : 0;
        const int64_t of_prefix = std::min(hidden, s.prefix_count), of_own = hidden - of_prefix;
        const kernels::KeyRuns runs{s.prefix_begin + of_prefix, s.prefix_count - of_prefix,
                                    s.key_begin + of_own, own - of_own, k.size(1)};
        const int64_t at = (s.query_begin + query) * q.size(1) + head * dim;
        kernels::attend_one(data<T>(q) + at, data<T>(k) + kv * dim, data<T>(v) + kv * dim, runs,
                            dim, static_cast<float>(shape.scale), scores.data(), data<T>(out) + at);
      }
    });
  });
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
                            const at::Tensor& v, const c10::intrusive_ptr<AttentionPlan>& plan) {
    const Attended attended = attention_forward(q, k, v, plan->segments, plan->shape);
    context->save_for_backward({q, k, v, attended.out, attended.log_sum});
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    return attended.out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const auto plan =
        c10::static_intrusive_pointer_cast<AttentionPlan>(context->saved_data["plan"].toCapsule());
    const AttentionGradients g =
        attention_backward(saved[0], saved[1], saved[2], {saved[3], saved[4]},
                           gradients[0].contiguous(), plan->segments, plan->shape);
    const at::ScalarType type = saved[0].scalar_type();
    return {g.dq.to(type), g.dk.to(type), g.dv.to(type), at::Tensor()};
  }
};

struct RotateNode : torch::autograd::Function<RotateNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine,
                            const at::Tensor& sine, int64_t head_dim) {
    context->save_for_backward({cosine, sine});
    context->saved_data["head_dim"] = head_dim;
    return rotated(x, {cosine, sine}, head_dim, Turn::kForward);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const int64_t head_dim = context->saved_data["head_dim"].toInt();
    return {rotated(gradients[0], {saved[0], saved[1]}, head_dim, Turn::kBack), at::Tensor(),
            at::Tensor(), at::Tensor()};
  }
};

bool wants_gradient(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v) {
  return at::GradMode::is_enabled() &&
         (q.requires_grad() || k.requires_grad() || v.requires_grad());
}

}  // namespace

at::Tensor rotate(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim) {
  return RotateNode::apply(x, angles.cosine, angles.sine, head_dim);
}

at::Tensor pool_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const std::vector<AttentionSegment>& segments,
                          const AttentionShape& shape) {
  if (!q.is_cpu()) return tensor_ops::pool_attention(q, k, v, segments, shape);
  if (wants_gradient(q, k, v)) {
    return AttentionNode::apply(q, k, v, c10::make_intrusive<AttentionPlan>(segments, shape));
  }
  Segments many;
  for (const AttentionSegment& s : segments) {
    if (s.query_count >= kFewQueries) many.push_back(s);
  }
  at::Tensor out = many.empty() ? at::empty_like(q) : attention_forward(q, k, v, many, shape).out;
  for (const AttentionSegment& s : segments) {
    if (s.query_count < kFewQueries) attend_queries(q, k, v, s, shape, out);
  }
  return out;
}

at::Tensor packed_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                            const RopeAngles& angles, const std::vector<AttentionSegment>& segments,
                            const AttentionShape& shape) {
  return pool_attention(rotate(q, angles, shape.head_dim), rotate(k, angles, shape.head_dim),
                        v.contiguous(), segments, shape);
}

}  // namespace telora
