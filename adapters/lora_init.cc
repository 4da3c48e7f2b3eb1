#include "adapters/lora_init.h"

#include <cmath>
#include <numbers>

#include "backbone/torch.h"
#include "core/random.h"

namespace telora {

namespace {

void fill_uniform(at::Tensor& tensor, double bound, uint64_t key) {
  RandomStream stream(key);
  float* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    values[i] = static_cast<float>((2.0 * stream.next_unit() - 1.0) * bound);
  }
}

// Box-Muller.
void fill_normal(at::Tensor& tensor, double deviation, uint64_t key) {
  RandomStream stream(key);
  float* values = tensor.data_ptr<float>();
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    const double radius = std::sqrt(-2.0 * std::log(1.0 - stream.next_unit()));
    values[i] = static_cast<float>(deviation * radius *
                                   std::cos(2.0 * std::numbers::pi * stream.next_unit()));
  }
}

struct Svd {
  at::Tensor u, s, v;  // [out, r], [r], [r, in]
};

Svd exact_svd(const at::Tensor& weight, int64_t rank) {
  const auto [u, s, v] = at::linalg_svd(weight, /*full_matrices=*/false);
  return {u.narrow(1, 0, rank), s.narrow(0, 0, rank), v.narrow(0, 0, rank)};
}

at::Tensor orthonormal(const at::Tensor& columns) { return std::get<0>(at::linalg_qr(columns)); }

Svd randomised_svd(const at::Tensor& weight, int64_t rank, int64_t iterations, uint64_t key) {
  at::Tensor start = at::empty({weight.size(1), rank}, at::kFloat);
  fill_normal(start, 1.0, key);
  at::Tensor basis = orthonormal(weight.mm(start));  // [out, r]
  for (int64_t i = 0; i < iterations; ++i) {
    basis = orthonormal(weight.mm(orthonormal(weight.t().mm(basis))));
  }
  const auto [u, s, v] = at::linalg_svd(basis.t().mm(weight), false);
  return {basis.mm(u), s, v};
}

LoraFactors pissa(const at::Tensor& weight, int64_t rank, double scale, int64_t iterations,
                  uint64_t key) {
  const Svd svd =
      iterations > 0 ? randomised_svd(weight, rank, iterations, key) : exact_svd(weight, rank);
  const at::Tensor root = svd.s.div(scale).sqrt();  // [r]
  return {svd.v.mul(root.unsqueeze(1)).contiguous(), svd.u.mul(root).contiguous()};
}

LoraFactors olora(const at::Tensor& weight, int64_t rank) {
  const auto [q, r] = at::linalg_qr(weight);
  return {r.narrow(0, 0, rank).contiguous(), q.narrow(1, 0, rank).contiguous()};
}

}  // namespace

void fill_lora_a(at::Tensor& a, LoraInit init, uint64_t key) {
  if (init == LoraInit::kKaiming) {
    fill_uniform(a, 1.0 / std::sqrt(static_cast<double>(a.size(1))), key);
  } else {
    fill_normal(a, 1.0 / static_cast<double>(a.size(0)), key);
  }
}

LoraFactors lora_factors(const at::Tensor& weight, int64_t rank, double scale,
                         const LoraStart& start, uint64_t key) {
  const at::NoGradGuard no_gradient;
  // On the CPU, so that a start does not depend on the device.
  const at::Tensor values = weight.to(at::kCPU, at::kFloat);
  return start.init == LoraInit::kPissa ? pissa(values, rank, scale, start.pissa_iterations, key)
                                        : olora(values, rank);
}

}  // namespace telora
