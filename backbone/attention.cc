#include <algorithm>
#include <atomic>

#include "backbone/attention_kernel.h"
#include "backbone/block_attention.h"
#include "backbone/dispatch.h"
#include "backbone/ops.h"
#include "backbone/parallel.h"
#include "backbone/torch.h"

namespace telora {

namespace {

using kernels::AttentionBlock;
using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;
using Segments = std::vector<AttentionSegment>;
using Blocks = std::vector<AttentionBlock>;

constexpr int64_t kRowGrain = 16;
constexpr int64_t kFewQueries = 4;  // a row with fewer is not worth blocks of queries

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

AttentionBlock block_of(const AttentionSegment& s, const AttentionShape& shape, int64_t kv_head) {
  return {.heads = shape.heads,
          .kv_heads = shape.kv_heads,
          .dim = shape.head_dim,
          .kv_head = kv_head,
          .scale = static_cast<float>(shape.scale),
          .window = shape.window,
          .query_begin = s.query_begin,
          .query_count = s.query_count,
          .prefix_begin = s.prefix_begin,
          .prefix_count = s.prefix_count,
          .key_begin = s.key_begin,
          .key_count = s.key_count};
}

// The queries [first, first + count) of a block alone: the keys behind the last of them fall away.
AttentionBlock part_of(AttentionBlock block, int64_t first, int64_t count) {
  block.key_count -= block.query_count - first - count;
  block.query_begin += first;
  block.query_count = count;
  return block;
}

// What threads share in the forward pass: a block of queries of one key head.
void add_forward_blocks(const AttentionSegment& s, const AttentionShape& shape, Blocks& blocks) {
  for (int64_t head = 0; head < shape.kv_heads; ++head) {
    const AttentionBlock whole = block_of(s, shape, head);
    for (int64_t first = 0; first < s.query_count; first += kernels::kQueryBlock) {
      const int64_t count = std::min(kernels::kQueryBlock, s.query_count - first);
      blocks.push_back(part_of(whole, first, count));
    }
  }
}

// Working memory of this thread, kept from call to call: fresh pages cost more than the sums in it.
float* thread_scratch(size_t floats) {
  thread_local std::vector<float> scratch;
  if (scratch.size() < floats) scratch.resize(floats);
  return scratch.data();
}

int64_t work_of(const AttentionBlock& block) { return block.query_count * block.keys(); }

// Calls f(block, scratch) for all of them on all threads, the largest first, each thread taking the
// next when it is done with one. Blocks write apart from each other, so the order does not show.
template <typename Scratch, typename F>
void run_blocks(Blocks& blocks, Scratch scratch_floats, F f) {
  std::ranges::stable_sort(blocks, std::greater(), work_of);
  int64_t most = 0;
  for (const AttentionBlock& block : blocks) most = std::max(most, scratch_floats(block));
  std::atomic<size_t> next = 0;
  parallel_for(0, thread_count(), 1, [&](int64_t begin, int64_t end) {
    for (int64_t thread = begin; thread < end; ++thread) {
      float* const scratch = thread_scratch(static_cast<size_t>(most));
      for (size_t i = next++; i < blocks.size(); i = next++) f(blocks[i], scratch);
    }
  });
}

// Rotated q [Tq, H*dim] over pools of rotated keys and values [N, K*dim]; log_sum [H, Tq].
void attend_blocks(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, Blocks& blocks,
                   at::Tensor& out, at::Tensor& log_sum) {
  dispatch(q, [&](auto element) {
    using T = decltype(element);
    run_blocks(blocks, kernels::forward_scratch_floats,
               [&](const AttentionBlock& block, float* scratch) {
                 kernels::attend_block(data<T>(q), data<T>(k), data<T>(v), block, data<T>(out),
                                       log_sum.data_ptr<float>(), log_sum.size(1), scratch);
               });
  });
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

// Gradients of a prefix' keys and values by one row that continues it: [2, K, P, dim] float32. Rows
// have one each, so that they need not wait for each other and the sum has one order.
using PrefixGradients = std::vector<at::Tensor>;

PrefixGradients make_prefix_gradients(const AttentionPlan& plan) {
  PrefixGradients all;
  for (const AttentionSegment& s : plan.segments) {
    all.push_back(
        s.prefix_count == 0
            ? at::Tensor()
            : at::empty({2, plan.shape.kv_heads, s.prefix_count, plan.shape.head_dim}, at::kFloat));
  }
  return all;
}

void add_prefix_gradients(const AttentionPlan& plan, const PrefixGradients& gradients,
                          at::Tensor& dk, at::Tensor& dv) {
  for (size_t i = 0; i < plan.segments.size(); ++i) {
    const AttentionSegment& s = plan.segments[i];
    if (s.prefix_count == 0) continue;
    const auto rows = [&](at::Tensor& x) {
      return x.narrow(0, s.prefix_begin, s.prefix_count)
          .view({s.prefix_count, plan.shape.kv_heads, plan.shape.head_dim});
    };
    rows(dk).add_(gradients[i][0].transpose(0, 1));
    rows(dv).add_(gradients[i][1].transpose(0, 1));
  }
}

// Of rotated queries and keys, and of values, float32. `saved`: q, k, v, out, cosine, sine,
// log_sum.
struct AttentionGradients {
  AttentionGradients(const tensor_list& saved, const at::Tensor& dout, const AttentionPlan& plan)
      : dq(at::empty(saved[0].sizes(), at::kFloat)),
        dk(at::empty(saved[1].sizes(), at::kFloat)),
        dv(at::empty(saved[2].sizes(), at::kFloat)) {
    const PrefixGradients prefixes = make_prefix_gradients(plan);
    const kernels::AttentionInputs in{saved[0].const_data_ptr(), saved[1].const_data_ptr(),
                                      saved[2].const_data_ptr(), saved[3].const_data_ptr(),
                                      dout.const_data_ptr(),     saved[6].data_ptr<float>(),
                                      saved[6].size(1)};
    Blocks blocks;
    for (const AttentionSegment& s : plan.segments) {
      for (int64_t head = 0; head < plan.shape.kv_heads; ++head)
        blocks.push_back(block_of(s, plan.shape, head));
    }
    const bool bf16 = saved[0].scalar_type() == at::kBFloat16;
    run_blocks(
        blocks, kernels::backward_scratch_floats, [&](const AttentionBlock& block, float* scratch) {
          kernels::attend_block_backward(in, bf16, block, outputs(plan, prefixes, block), scratch);
        });
    add_prefix_gradients(plan, prefixes, dk, dv);
  }

  kernels::AttentionOutputs outputs(const AttentionPlan& plan, const PrefixGradients& prefixes,
                                    const AttentionBlock& block) const {
    kernels::AttentionOutputs out{dq.data_ptr<float>(), dk.data_ptr<float>(), dv.data_ptr<float>(),
                                  nullptr, nullptr};
    if (block.prefix_count == 0) return out;
    const auto segment =
        std::ranges::find(plan.segments, block.query_begin, &AttentionSegment::query_begin);
    const at::Tensor& own = prefixes[static_cast<size_t>(segment - plan.segments.begin())];
    const int64_t of_head = block.prefix_count * block.dim;
    out.prefix_dk = own.data_ptr<float>() + block.kv_head * of_head;
    out.prefix_dv = out.prefix_dk + block.kv_heads * of_head;
    return out;
  }

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
    at::Tensor log_sum = at::empty({plan->shape.heads, rq.size(0)}, at::kFloat);
    Blocks blocks;
    for (const AttentionSegment& s : plan->segments) add_forward_blocks(s, plan->shape, blocks);
    attend_blocks(rq, rk, values, blocks, out, log_sum);
    context->save_for_backward({rq, rk, values, out, cosine, sine, log_sum});
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    return out;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const auto plan =
        c10::static_intrusive_pointer_cast<AttentionPlan>(context->saved_data["plan"].toCapsule());
    const AttentionGradients g(saved, gradients[0].contiguous(), *plan);
    const RopeAngles angles{saved[4], saved[5]};
    const at::ScalarType type = saved[0].scalar_type();
    return {rotate_by(g.dq, angles, plan->shape.head_dim, -1.0f).to(type),
            rotate_by(g.dk, angles, plan->shape.head_dim, -1.0f).to(type),
            g.dv.to(type),
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
  Blocks blocks;
  for (const AttentionSegment& s : segments) {
    if (s.query_count >= kFewQueries) {
      add_forward_blocks(s, shape, blocks);
    } else {
      attend_queries(q, k, v, s, shape, out);
    }
  }
  if (blocks.empty()) return out;
  at::Tensor log_sum = at::empty({shape.heads, q.size(0)}, at::kFloat);
  attend_blocks(q, k, v, blocks, out, log_sum);
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
