#include "backbone/low_rank.h"

#include "backbone/torch.h"

namespace telora {

ResidualPair residual_pair(const at::Tensor& a, const at::Tensor& b, const at::Tensor& initial_a,
                           const at::Tensor& initial_b) {
  const at::NoGradGuard no_gradient;
  return {at::cat({a - initial_a, a}, 0), at::cat({initial_b, b - initial_b}, 1)};
}

ResidualPair LowRank::used() const {
  return initial_a.defined() ? residual_pair(a, b, initial_a, initial_b) : ResidualPair{a, b};
}

const LowRank::Packed& LowRank::packed(ProductKind kind) const {
  const uint64_t version = a._version() + b._version();
  if (packed_from_ == a.const_data_ptr() && packed_.a.kind == kind && packed_version_ == version)
    return packed_;
  const at::NoGradGuard no_gradient;
  const ResidualPair pair = used();
  packed_ = {pack_matrix(with_even_rows(pair.a).t(), kind),
             pack_matrix(with_even_rows(pair.b.t()), kind)};
  packed_from_ = a.const_data_ptr();
  packed_version_ = version;
  return packed_;
}

at::Tensor with_even_rows(const at::Tensor& rows) {
  return rows.size(0) % 2 == 0 ? rows : at::constant_pad_nd(rows, {0, 0, 0, 1});
}

}  // namespace telora
