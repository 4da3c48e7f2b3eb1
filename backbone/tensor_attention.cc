#include "backbone/tensor_attention.h"

#include "backbone/flash_attention.h"
#include "backbone/tensor_ops.h"
#include "backbone/torch.h"

namespace telora::tensor_ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using Segments = std::vector<AttentionSegment>;

// What is computed of a batch's segments, the same in every layer of one kind.
struct Plan : torch::CustomClassHolder {
  Segments segments;
  AttentionShape shape;
  int64_t queries = 0, keys = 0;  // of the batch and the pool
  at::Device device = at::kCPU;
  at::ScalarType type = at::kFloat;
  AttentionSpans own, prefix;
  bool flash = false;
  FlashSequences own_sequences, prefix_sequences;  // with flash

  bool fits(const at::Tensor& q, const at::Tensor& k, const Segments& wanted,
            const AttentionShape& wanted_shape) const {
    return queries == q.size(0) && keys == k.size(0) && device == q.device() &&
           type == q.scalar_type() && shape.window == wanted_shape.window &&
           shape.heads == wanted_shape.heads && shape.kv_heads == wanted_shape.kv_heads &&
           shape.head_dim == wanted_shape.head_dim && shape.scale == wanted_shape.scale &&
           segments == wanted;
  }
};
using PlanPointer = c10::intrusive_ptr<Plan>;

PlanPointer make_plan(const at::Tensor& q, const at::Tensor& k, const Segments& segments,
                      const AttentionShape& shape) {
  auto plan = c10::make_intrusive<Plan>();
  plan->segments = segments;
  plan->shape = shape;
  plan->queries = q.size(0);
  plan->keys = k.size(0);
  plan->device = q.device();
  plan->type = q.scalar_type();
  plan->own = own_spans(segments);
  plan->prefix = prefix_spans(segments, shape.window);
  plan->flash = flash_serves(q, k, plan->prefix, shape);
  if (!plan->flash) return plan;
  const auto sequences = [&](const AttentionSpans& spans, bool causal) {
    return flash_sequences(spans, causal, plan->queries, plan->keys, plan->device);
  };
  plan->own_sequences = sequences(plan->own, true);
  if (!plan->prefix.empty()) plan->prefix_sequences = sequences(plan->prefix, false);
  return plan;
}

// The last one of this thread is kept: its small tensors go to the device once a batch, not once a
// layer. q [Tq, H, d], k [N, K, d].
PlanPointer plan_for(const at::Tensor& q, const at::Tensor& k, const Segments& segments,
                     const AttentionShape& shape) {
  thread_local PlanPointer last;
  if (!last || !last->fits(q, k, segments, shape)) last = make_plan(q, k, segments, shape);
  return last;
}

Attended attend_part(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                     const Plan& plan, bool prefix) {
  if (plan.flash) {
    return attend_flash(q, k, v, prefix ? plan.prefix_sequences : plan.own_sequences, plan.shape);
  }
  return attend_plainly(q, k, v, prefix ? plan.prefix : plan.own, plan.shape);
}

Attended attend(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const Plan& plan) {
  Attended own = attend_part(q, k, v, plan, false);
  if (plan.prefix.empty()) return own;
  const Attended prefix = attend_part(q, k, v, plan, true);
  const at::Tensor log_sum = at::logaddexp(own.log_sum, prefix.log_sum);
  const auto share = [&](const Attended& part) {  // [Tq, H, d] float32
    return at::mul(part.out, (part.log_sum - log_sum).exp_().t().unsqueeze(2));
  };
  return {share(own).add_(share(prefix)), log_sum};
}

AttentionSums attend_backward(const AttentionResult& result, const Plan& plan) {
  const auto zeros = [](const at::Tensor& like) { return at::zeros_like(like, at::kFloat); };
  AttentionSums sums{zeros(result.q), zeros(result.k), zeros(result.v)};
  if (plan.flash) {
    attend_flash_backward(result, plan.own_sequences, plan.shape, sums);
    if (!plan.prefix.empty())
      attend_flash_backward(result, plan.prefix_sequences, plan.shape, sums);
  } else {
    attend_plainly_backward(result, plan.own, plan.shape, sums);
    attend_plainly_backward(result, plan.prefix, plan.shape, sums);
  }
  return sums;
}

// [T, heads * d] -> [T, heads, d]
at::Tensor heads_of(const at::Tensor& x, const AttentionShape& shape) {
  return x.reshape({x.size(0), -1, shape.head_dim});
}

struct AttentionNode : torch::autograd::Function<AttentionNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& q, const at::Tensor& k,
                            const at::Tensor& v, const Segments& segments,
                            const AttentionShape& shape) {
    const at::Tensor queries = heads_of(q, shape), keys = heads_of(k, shape);
    const at::Tensor values = heads_of(v, shape);
    const PlanPointer plan = plan_for(queries, keys, segments, shape);
    const Attended attended = attend(queries, keys, values, *plan);
    const at::Tensor out = attended.out.to(q.scalar_type());
    context->save_for_backward({queries, keys, values, out, attended.log_sum});
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    return out.view(q.sizes());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const auto plan =
        c10::static_intrusive_pointer_cast<Plan>(context->saved_data["plan"].toCapsule());
    const AttentionSums sums = attend_backward(
        {saved[0], saved[1], saved[2], saved[3], saved[4], heads_of(gradients[0], plan->shape)},
        *plan);
    const at::ScalarType type = saved[0].scalar_type();
    const auto flat = [&](const at::Tensor& x) { return x.flatten(1).to(type); };
    return {flat(sums.dq), flat(sums.dk), flat(sums.dv), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

AttentionSpans own_spans(const Segments& segments) {
  AttentionSpans spans;
  for (const AttentionSegment& s : segments) {
    spans.push_back(
        {s.query_begin, s.query_count, s.key_begin, s.key_count, s.key_count - s.query_count});
  }
  return spans;
}

AttentionSpans prefix_spans(const Segments& segments, int64_t window) {
  AttentionSpans spans;
  for (const AttentionSegment& s : segments) {
    if (s.prefix_count == 0) continue;
    AttentionSpan* last = spans.empty() ? nullptr : &spans.back();
    const bool goes_on = window == 0 && last && last->key_begin == s.prefix_begin &&
                         last->key_count == s.prefix_count &&
                         last->query_begin + last->query_count == s.query_begin;
    if (goes_on) {
      last->query_count += s.query_count;
    } else {
      spans.push_back({s.query_begin, s.query_count, s.prefix_begin, s.prefix_count,
                       s.prefix_count + s.key_count - s.query_count});
    }
  }
  return spans;
}

at::Tensor pool_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                          const Segments& segments, const AttentionShape& shape) {
  return AttentionNode::apply(q, k, v, segments, shape);
}

}  // namespace telora::tensor_ops
