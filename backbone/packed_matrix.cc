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

at::Tensor unpack_matrix(const PackedMatrix& packed) {
  if (packed.kind == ProductKind::kLibrary) return packed.data;
  const int64_t depth = packed.depth, side = packed.kind == ProductKind::kPairs ? 2 : 1;
  // [panels, depth / side, width, side] -> [panels * width, depth]
  const auto columns_of = [&](int64_t begin, int64_t panels, int64_t width) {
    return packed.data.narrow(0, begin * depth, panels * width * depth)
        .view({panels, depth / side, width, side})
        .permute({0, 2, 1, 3})
        .reshape({panels * width, depth});
  };
  const int64_t whole = packed.columns / kernels::kPanel, begin = whole * kernels::kPanel;
  const int64_t last = packed.data.numel() / depth - begin;
  std::vector<at::Tensor> parts;
  if (whole > 0) parts.push_back(columns_of(0, whole, kernels::kPanel));
  if (last > 0) parts.push_back(columns_of(begin, 1, last));
  return at::cat(parts).narrow(0, 0, packed.columns).t();
}

int64_t FrozenMatrix::bytes() const {
  int64_t bytes = 0;
  for (const at::Tensor& form : {forward_.data, backward_.data, plain_}) {
    const bool own = form.defined() && (form.is_same(forward_.data) ||
                                        form.const_data_ptr() != forward_.data.const_data_ptr());
    bytes += own ? static_cast<int64_t>(form.nbytes()) : 0;
  }
  return bytes;
}

const PackedMatrix& FrozenMatrix::backward() const {
  std::call_once(backward_once_,
                 [this] { backward_ = pack_matrix(unpack_matrix(forward_).t(), kind_); });
  return backward_;
}

const at::Tensor& FrozenMatrix::plain() const {
  std::call_once(plain_once_, [this] { plain_ = unpack_matrix(forward_).t().contiguous(); });
  return plain_;
}

}  // namespace telora
