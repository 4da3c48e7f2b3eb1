#include "backbone/head.h"

#include "backbone/head_kernel.h"
#include "backbone/parallel.h"
#include "backbone/torch.h"

namespace telora {

namespace {

constexpr int64_t kWordGrain = 256;  // of the vocabulary
constexpr int64_t kStrip = 64;       // columns of the gradient

}  // namespace

at::Tensor head_logits(const at::Tensor& x, const at::Tensor& head, double scale) {
  if (!x.is_cpu()) {
    const at::Tensor logits = at::mm(x, head.t());
    return scale == 1.0 ? logits : logits * scale;
  }
  const at::Tensor rows = x.contiguous(), weight = head.contiguous();
  at::Tensor out = at::empty({rows.size(0), weight.size(0)}, at::kFloat);
  parallel_for(0, weight.size(0), kWordGrain, [&](int64_t first, int64_t last) {
    kernels::head_product({rows.const_data_ptr<float>(), rows.size(0), rows.size(1),
                           weight.const_data_ptr<float>(), first, last, static_cast<float>(scale),
                           out.data_ptr<float>(), out.size(1)});
  });
  return out;
}

at::Tensor head_gradient(const at::Tensor& dlogits, const at::Tensor& head, double scale) {
  if (!dlogits.is_cpu()) {
    const at::Tensor gradient = at::mm(dlogits, head);
    return scale == 1.0 ? gradient : gradient * scale;
  }
  const at::Tensor dy = dlogits.contiguous(), weight = head.contiguous();
  const int64_t width = weight.size(1);
  at::Tensor out = at::empty({dy.size(0), width}, at::kFloat);
  parallel_for(0, (width + kStrip - 1) / kStrip, 1, [&](int64_t first, int64_t last) {
    kernels::head_gradient({dy.const_data_ptr<float>(), dy.size(0), dy.size(1),
                            weight.const_data_ptr<float>(), width, first * kStrip,
                            std::min(last * kStrip, width), static_cast<float>(scale),
                            out.data_ptr<float>()});
  });
  return out;
}

}  // namespace telora
