#pragma once

#include <ATen/core/Tensor.h>

#include "backbone/kernels.h"
#include "core/error.h"

namespace telora {

// Calls f(float{}) or f(kernels::Bf16{}) by the tensor's element type.
template <typename F>
void dispatch(const at::Tensor& tensor, F f) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return f(float{});
    case at::kBFloat16:
      return f(kernels::Bf16{});
    default:
      throw Error(ErrorKind::kInternal,
                  "kernels: found another element type, want float32 or bfloat16");
  }
}

template <typename T>
T* data(const at::Tensor& tensor) {
  return reinterpret_cast<T*>(tensor.data_ptr());
}

}  // namespace telora
