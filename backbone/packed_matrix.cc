#include "backbone/packed_matrix.h"

#include "backbone/dispatch.h"
#include "backbone/parallel.h"
#include "backbone/product_kernel.h"
#include "backbone/torch.h"

namespace telora {

namespace {

template <typename T>
void pack_into(const at::Tensor& matrix, T* packed) {
  const int64_t depth = matrix.size(0), columns = matrix.size(1);
  const int64_t panels = (columns + kernels::kPanel - 1) / kernels::kPanel;
  dispatch(matrix, [&](auto element) {
    using S = decltype(element);
    parallel_for(0, panels, 1, [&](int64_t first, int64_t last) {
      kernels::pack_panels(data<S>(matrix), matrix.stride(0), matrix.stride(1), depth, columns,
                           first, last, packed);
    });
  });
}

}  // namespace

PackedMatrix pack_matrix(const at::Tensor& matrix, ProductKind kind) {
  PackedMatrix packed{{}, matrix.size(0), matrix.size(1), kind};
  if (kind == ProductKind::kLibrary) {
    packed.data = matrix;
    return packed;
  }
  if (packed.depth % 2 != 0) packed.kind = ProductKind::kFloat;
  const int64_t elements = kernels::packed_elements(packed.depth, packed.columns);
  if (packed.kind == ProductKind::kPairs) {
    packed.data = at::empty({elements}, at::kBFloat16);
    pack_into(matrix, data<kernels::Bf16>(packed.data));
  } else {
    packed.data = at::empty({elements}, at::kFloat);
    pack_into(matrix, packed.data.data_ptr<float>());
  }
  return packed;
}

const PackedMatrix& FrozenMatrix::forward() const {
  std::call_once(forward_once_, [this] { forward_ = pack_matrix(weight_.t(), kind_); });
  return forward_;
}

const PackedMatrix& FrozenMatrix::backward() const {
  std::call_once(backward_once_, [this] { backward_ = pack_matrix(weight_, kind_); });
  return backward_;
}

}  // namespace telora
