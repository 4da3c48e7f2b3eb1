#include "backbone/linear.h"

#include "backbone/torch.h"

namespace telora {

at::Tensor Linear::plain(const at::Tensor& x) const {
  const at::Tensor& w = weight();
  return at::linear(x.to(w.scalar_type()), w, bias).to(x.scalar_type());
}

at::Tensor Linear::forward(const at::Tensor& x) const {
  return delta ? delta->forward(x, *this) : plain(x);
}

}  // namespace telora
