#include "train/gemm_rate.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <chrono>
#include <functional>

#include "backbone/product.h"
#include "backbone/torch.h"

namespace telora {

namespace {

constexpr int64_t kRows = 2048, kSide = 1024;
constexpr double kSeconds = 0.25;

double best_rate(const std::function<void()>& product) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  double least = 1e9;
  const Clock::time_point begin = Clock::now();
  do {
    const Clock::time_point one = Clock::now();
    product();
    least = std::min(least, since(one));
  } while (since(begin) < kSeconds);
  return 2.0 * kRows * kSide * kSide / least;
}

// oneDNN's product x wᵀ under the name that LibTorch's compiler calls it by; absent in builds
// without oneDNN.
std::optional<c10::OperatorHandle> onednn_linear() {
  return c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
}

void call_onednn(const c10::OperatorHandle& linear, const at::Tensor& x, const at::Tensor& w) {
  torch::jit::Stack stack{
      x, w, c10::IValue(), "none", c10::List<std::optional<at::Scalar>>(), c10::IValue()};
  linear.callBoxed(stack);
}

// Telora's own kernels over a matrix packed once.
double packed_rate(const at::Tensor& x, const at::Tensor& w) {
  const FrozenMatrix matrix(w, product_kind(x.scalar_type()));
  const Product product{x, &matrix.forward()};
  at::Tensor out = at::empty({kRows, kSide}, x.scalar_type());
  return best_rate([&] { multiply_into(out, {&product, 1}); });
}

double rate_of(at::ScalarType type) {
  const at::Tensor x = at::ones({kRows, kSide}, type), w = at::ones({kSide, kSide}, type);
  double best = std::max(best_rate([&] { at::mm(x, w); }), packed_rate(x, w));
  if (type != at::kFloat) return best;
  const auto linear = onednn_linear();
  return linear ? std::max(best, best_rate([&] { call_onednn(*linear, x, w); })) : best;
}

}  // namespace

GemmRate measure_gemm_rate(at::ScalarType activations) {
  const at::NoGradGuard no_gradient;
  const GemmRate single{rate_of(at::kFloat), "float32"};
  if (activations != at::kBFloat16) return single;
  const GemmRate half{rate_of(at::kBFloat16), "bfloat16"};
  return half.flops > single.flops ? half : single;
}

}  // namespace telora
