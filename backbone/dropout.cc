#include "backbone/dropout.h"

#include <cmath>

#include "backbone/dispatch.h"
#include "backbone/kernels.h"
#include "backbone/parallel.h"
#include "backbone/tensor_ops.h"
#include "backbone/torch.h"

namespace telora {

at::Tensor drop(const at::Tensor& x, const LoraDropout& d) {
  if (!d.active()) return x;
  const at::Tensor in = x.contiguous();  // [T, width]
  const int64_t blocks_a_row = (in.size(1) + kernels::kDropoutBlock - 1) / kernels::kDropoutBlock;
  const uint64_t first = d.position * static_cast<uint64_t>(blocks_a_row);
  const auto threshold = static_cast<uint32_t>(std::lround(d.p * 65536.0));
  if (!in.is_cpu()) return tensor_ops::dropout(in, first, d.key, threshold);
  at::Tensor out = at::empty_like(in);
  const int64_t blocks = (in.numel() + kernels::kDropoutBlock - 1) / kernels::kDropoutBlock;
  dispatch(in, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, blocks, 64, [&](int64_t begin, int64_t end) {
      const int64_t at = begin * kernels::kDropoutBlock;
      const int64_t count = std::min(end * kernels::kDropoutBlock, in.numel()) - at;
      kernels::dropout(data<T>(in) + at, data<T>(out) + at, count,
                       first + static_cast<uint64_t>(begin), d.key, threshold);
    });
  });
  return out;
}

}  // namespace telora
