#include "backbone/elementwise.h"

#include "backbone/dispatch.h"
#include "backbone/kernels.h"
#include "backbone/parallel.h"
#include "backbone/tensor_ops.h"
#include "backbone/torch.h"

namespace telora {

namespace {

constexpr int64_t kRowGrain = 16;           // rows a thread takes at least
constexpr int64_t kElementGrain = 1 << 14;  // elements a thread takes at least

}  // namespace

Normed rms_norm_forward(const at::Tensor& x, const at::Tensor& weight, double eps) {
  Normed normed{at::empty_like(x), at::empty({x.size(0)}, at::kFloat)};
  const int64_t width = x.size(1);
  dispatch(x, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, x.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
      const int64_t at = begin * width;
      kernels::rms_norm(data<T>(x) + at, data<T>(weight), data<T>(normed.y) + at,
                        normed.inv_rms.data_ptr<float>() + begin, end - begin, width,
                        static_cast<float>(eps));
    });
  });
  return normed;
}

at::Tensor rms_norm_backward(const at::Tensor& dy, const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& inv_rms, const at::Tensor& add) {
  at::Tensor dx = at::empty_like(x);
  const int64_t width = x.size(1);
  dispatch(x, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, x.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
      const int64_t at = begin * width;
      kernels::rms_norm_backward(
          data<T>(dy) + at, data<T>(x) + at, data<T>(weight), inv_rms.data_ptr<float>() + begin,
          add.defined() ? data<T>(add) + at : nullptr, data<T>(dx) + at, end - begin, width);
    });
  });
  return dx;
}

at::Tensor gate_forward(Activation activation, const at::Tensor& gate, const at::Tensor& up) {
  at::Tensor y = at::empty_like(gate);
  dispatch(gate, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, gate.numel(), kElementGrain, [&](int64_t begin, int64_t end) {
      const T *g = data<T>(gate) + begin, *u = data<T>(up) + begin;
      T* const out = data<T>(y) + begin;
      activation == Activation::kGeluTanh ? kernels::geglu(g, u, out, end - begin)
                                          : kernels::swiglu(g, u, out, end - begin);
    });
  });
  return y;
}

GateBackward gate_backward(Activation activation, const at::Tensor& dy, const at::Tensor& gate,
                           const at::Tensor& up) {
  GateBackward out{at::empty_like(gate), at::empty_like(gate), at::empty_like(gate)};
  dispatch(gate, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, gate.numel(), kElementGrain, [&](int64_t begin, int64_t end) {
      const auto at = [begin](const at::Tensor& x) { return data<T>(x) + begin; };
      const kernels::GateGradients<T> g{at(dy),        at(gate),    at(up),
                                        at(out.dgate), at(out.dup), at(out.y)};
      activation == Activation::kGeluTanh ? kernels::geglu_backward(g, end - begin)
                                          : kernels::swiglu_backward(g, end - begin);
    });
  });
  return out;
}

at::Tensor rotated(const at::Tensor& x, const RopeAngles& angles, int64_t head_dim, Turn turn) {
  if (!x.is_cpu()) return tensor_ops::rotate(x, angles, head_dim, turn == Turn::kForward ? 1 : -1);
  const at::Tensor in = x.contiguous();  // [T, heads * dim]
  at::Tensor out = at::empty_like(in);
  const int64_t width = in.size(1), half = head_dim / 2;
  const float sign = turn == Turn::kForward ? 1.0f : -1.0f;
  dispatch(in, [&](auto element) {
    using T = decltype(element);
    parallel_for(0, in.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
      kernels::rope(data<T>(in) + begin * width, angles.cosine.data_ptr<float>() + begin * half,
                    angles.sine.data_ptr<float>() + begin * half, sign,
                    data<T>(out) + begin * width, end - begin, width / head_dim, head_dim);
    });
  });
  return out;
}

}  // namespace telora
