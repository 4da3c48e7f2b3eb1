#include "backbone/tensor_ops.h"

#include <cmath>

#include "backbone/torch.h"

namespace telora::tensor_ops {

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Keeps the inputs alone: silu(gate) is made again.
struct SwigluNode : torch::autograd::Function<SwigluNode> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& gate,
                            const at::Tensor& up) {
    context->save_for_backward({gate, up});
    return at::silu(gate).mul_(up);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const at::Tensor &gate = saved[0], &up = saved[1], &dy = gradients[0];
    return {at::silu_backward(dy * up, gate), at::silu(gate).mul_(dy)};
  }
};

constexpr int64_t kLowWord = 0xFFFFFFFF;

at::Tensor high_word(const at::Tensor& x) {
  return at::bitwise_right_shift(x, 32).bitwise_and_(kLowWord);
}

// The four words of Philox4x32-10 for each of `counters` [...] int64: [4] of the same shape, each
// 0 to 2^32 - 1. The 64-bit products wrap around, which leaves their bits what they are.
std::vector<at::Tensor> philox_words(const at::Tensor& counters, uint64_t key) {
  const at::Tensor zero = at::zeros_like(counters);
  std::vector<at::Tensor> w{at::bitwise_and(counters, kLowWord), high_word(counters), zero, zero};
  auto key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9, key1 += 0xBB67AE85) {
    at::Tensor first = w[0] * int64_t{0xD2511F53}, second = w[2] * int64_t{0xCD9E8D57};
    w[0] = high_word(second).bitwise_xor_(w[1]).bitwise_xor_(int64_t{key0});
    w[2] = high_word(first).bitwise_xor_(w[3]).bitwise_xor_(int64_t{key1});
    w[1] = second.bitwise_and_(kLowWord);
    w[3] = first.bitwise_and_(kLowWord);
  }
  return w;
}

// The 16-bit numbers [blocks * kDropoutBlock] of consecutive blocks, in the kernel's order: word,
// half, counter.
at::Tensor draws(int64_t blocks, uint64_t first_block, uint64_t key, at::Device device) {
  constexpr int64_t kCounters = kernels::kDropoutBlock / 8;
  const at::Tensor counters =
      at::arange(blocks * kCounters, at::TensorOptions(at::kLong).device(device))
          .add_(static_cast<int64_t>(first_block * kCounters))
          .view({blocks, kCounters});
  const at::Tensor words = at::stack(philox_words(counters, key), 1);  // [blocks, 4, 16]
  const at::Tensor halves =
      at::stack({at::bitwise_and(words, 0xFFFF), at::bitwise_right_shift(words, 16)}, 2);
  return halves.flatten();
}

}  // namespace

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  return at::rms_norm(x, {x.size(-1)}, weight, eps);
}

at::Tensor swiglu(const at::Tensor& gate, const at::Tensor& up) {
  return SwigluNode::apply(gate, up);
}

at::Tensor rotate(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim,
                  double sine_sign) {
  const at::Tensor halves =
      x.reshape({x.size(0), -1, 2, head_dim / 2}).to(at::kFloat);     // [T, heads, 2, d / 2]
  const at::Tensor a = halves.select(2, 0), b = halves.select(2, 1);  // [T, heads, d / 2]
  const at::Tensor c = angles.cosine.unsqueeze(1), s = angles.sine.unsqueeze(1);
  const at::Tensor rotated = at::stack(
      {at::mul(a, c).addcmul_(b, s, -sine_sign), at::mul(b, c).addcmul_(a, s, sine_sign)}, 2);
  return rotated.view(x.sizes()).to(x.scalar_type());
}

at::Tensor dropout(const at::Tensor& x, uint64_t first_block, uint64_t key, uint32_t threshold) {
  const int64_t n = x.numel();
  const int64_t blocks = (n + kernels::kDropoutBlock - 1) / kernels::kDropoutBlock;
  const at::Tensor dropped = draws(blocks, first_block, key, x.device())
                                 .narrow(0, 0, n)
                                 .lt(static_cast<int64_t>(threshold));
  const float scale = 65536.0f / static_cast<float>(65536u - threshold);
  return at::mul(x, static_cast<double>(scale)).masked_fill_(dropped.view(x.sizes()), 0);
}

void adamw(const kernels::AdamWStep& s, const at::Tensor& gradient, at::Tensor parameter,
           at::Tensor first_moment, at::Tensor second_moment) {
  const at::NoGradGuard no_gradient;
  const at::Tensor g = gradient * s.gradient_scale;
  first_moment.mul_(s.beta1).add_(g, 1.0f - s.beta1);
  second_moment.mul_(s.beta2).addcmul_(g, g, 1.0f - s.beta2);
  const at::Tensor root =
      second_moment.sqrt().mul_(1.0f / std::sqrt(s.correction2)).add_(s.epsilon);
  parameter.mul_(1.0f - s.learning_rate * s.weight_decay)
      .addcdiv_(first_moment, root, -s.learning_rate / s.correction1);
}

}  // namespace telora::tensor_ops
