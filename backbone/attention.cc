#include "backbone/attention.h"

#include <algorithm>

#include "backbone/block_attention.h"
#include "backbone/dispatch.h"
#include "backbone/parallel.h"
#include "backbone/torch.h"

namespace telora {

namespace {

using kernels::AttentionBlock;
using Segments = std::vector<AttentionSegment>;
using Blocks = std::vector<AttentionBlock>;

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

// Calls f(block, scratch) for all of them on all threads, the largest first. Blocks write apart
// from each other, so the order does not show.
template <typename Scratch, typename F>
void run_blocks(Blocks& blocks, Scratch scratch_floats, F f) {
  std::ranges::stable_sort(blocks, std::greater(), work_of);
  int64_t most = 0;
  for (const AttentionBlock& block : blocks) most = std::max(most, scratch_floats(block));
  parallel_tasks(static_cast<int64_t>(blocks.size()), [&](int64_t i) {
    f(blocks[static_cast<size_t>(i)], thread_scratch(static_cast<size_t>(most)));
  });
}

// Gradients of a prefix' keys and values by one row that continues it: [2, K, P, dim] float32. Rows
// have one each, so that they need not wait for each other and the sum has one order.
using PrefixGradients = std::vector<at::Tensor>;

PrefixGradients make_prefix_gradients(const Segments& segments, const AttentionShape& shape) {
  PrefixGradients all;
  for (const AttentionSegment& s : segments) {
    all.push_back(s.prefix_count == 0
                      ? at::Tensor()
                      : at::empty({2, shape.kv_heads, s.prefix_count, shape.head_dim}, at::kFloat));
  }
  return all;
}

void add_prefix_gradients(const Segments& segments, const AttentionShape& shape,
                          const PrefixGradients& gradients, at::Tensor& dk, at::Tensor& dv) {
  for (size_t i = 0; i < segments.size(); ++i) {
    const AttentionSegment& s = segments[i];
    if (s.prefix_count == 0) continue;
    const auto rows = [&](at::Tensor& x) {
      return x.narrow(0, s.prefix_begin, s.prefix_count)
          .view({s.prefix_count, shape.kv_heads, shape.head_dim});
    };
    rows(dk).add_(gradients[i][0].transpose(0, 1));
    rows(dv).add_(gradients[i][1].transpose(0, 1));
  }
}

// Gradients of a pool of keys or values: what blocks do not write must be zero.
at::Tensor pool_gradient(const at::Tensor& pool, const Segments& segments) {
  int64_t own = 0;
  for (const AttentionSegment& s : segments) own += s.key_count;
  return own == pool.size(0) ? at::empty(pool.sizes(), at::kFloat)
                             : at::zeros(pool.sizes(), at::kFloat);
}

size_t segment_of(const AttentionBlock& block, const Segments& segments) {
  const auto found = std::ranges::find(segments, block.query_begin, &AttentionSegment::query_begin);
  return static_cast<size_t>(found - segments.begin());
}

kernels::AttentionOutputs outputs_of(const AttentionGradients& g, const PrefixGradients& prefixes,
                                     const Segments& segments, const AttentionBlock& block) {
  kernels::AttentionOutputs out{g.dq.data_ptr<float>(), g.dk.data_ptr<float>(),
                                g.dv.data_ptr<float>(), nullptr, nullptr};
  if (block.prefix_count == 0) return out;
  const int64_t of_head = block.prefix_count * block.dim;
  out.prefix_dk = prefixes[segment_of(block, segments)].data_ptr<float>() + block.kv_head * of_head;
  out.prefix_dv = out.prefix_dk + block.kv_heads * of_head;
  return out;
}

}  // namespace

Attended attention_forward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const Segments& segments, const AttentionShape& shape) {
  Attended attended{at::empty_like(q), at::empty({shape.heads, q.size(0)}, at::kFloat)};
  Blocks blocks;
  for (const AttentionSegment& s : segments) add_forward_blocks(s, shape, blocks);
  dispatch(q, [&](auto element) {
    using T = decltype(element);
    run_blocks(
        blocks, kernels::forward_scratch_floats, [&](const AttentionBlock& block, float* scratch) {
          kernels::attend_block(data<T>(q), data<T>(k), data<T>(v), block, data<T>(attended.out),
                                attended.log_sum.data_ptr<float>(), q.size(0), scratch);
        });
  });
  return attended;
}

AttentionGradients attention_backward(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                      const Attended& attended, const at::Tensor& dout,
                                      const Segments& segments, const AttentionShape& shape) {
  AttentionGradients g{at::empty(q.sizes(), at::kFloat), pool_gradient(k, segments),
                       pool_gradient(v, segments)};
  const PrefixGradients prefixes = make_prefix_gradients(segments, shape);
  const kernels::AttentionInputs in{q.const_data_ptr(),
                                    k.const_data_ptr(),
                                    v.const_data_ptr(),
                                    attended.out.const_data_ptr(),
                                    dout.const_data_ptr(),
                                    attended.log_sum.data_ptr<float>(),
                                    q.size(0)};
  Blocks blocks;
  for (const AttentionSegment& s : segments) {
    for (int64_t head = 0; head < shape.kv_heads; ++head)
      blocks.push_back(block_of(s, shape, head));
  }
  const bool bf16 = q.scalar_type() == at::kBFloat16;
  run_blocks(blocks, kernels::backward_scratch_floats,
             [&](const AttentionBlock& block, float* scratch) {
               kernels::attend_block_backward(in, bf16, block,
                                              outputs_of(g, prefixes, segments, block), scratch);
             });
  add_prefix_gradients(segments, shape, prefixes, g.dk, g.dv);
  return g;
}

}  // namespace telora
