#include "backbone/linear_group.h"

#include <algorithm>

#include "backbone/torch.h"

namespace telora {

namespace {

int64_t even(int64_t n) { return n + n % 2; }

at::Tensor float_bias(const Linear& linear) {
  return linear.bias.defined() ? linear.bias.to(at::kFloat) : at::Tensor();
}

}  // namespace

bool LinearGroup::can_fuse(const Linear& linear) {
  return linear.matrix && (!linear.delta || linear.delta->low_rank());
}

LinearGroup::LinearGroup(std::vector<const Linear*> linears)
    : kind_(linears.front()->matrix->kind()) {
  for (const Linear* linear : linears) {
    Member member{linear, linear->delta ? linear->delta->low_rank() : nullptr, {}, ranks_, 0};
    if (member.pair) {
      member.dropout = member.pair->dropout;
      member.rank = even(member.pair->used_rank());
    }
    ranks_ += member.rank;
    members_.push_back(member);
  }
}

// A of all pairs, one above the other: [sum of ranks, in].
at::Tensor LinearGroup::stacked_a() const {
  std::vector<at::Tensor> rows;
  for (const Member& m : members_) {
    if (m.pair) rows.push_back(with_even_rows(m.pair->used().a));
  }
  return rows.size() == 1 ? rows[0] : at::cat(rows);
}

bool LinearGroup::drops() const {
  return std::ranges::any_of(members_, [](const Member& m) { return m.dropout.active(); });
}

at::Tensor LinearGroup::low(const at::Tensor& x) const {
  if (ranks_ == 0) return {};
  at::Tensor all = at::empty({x.size(0), ranks_}, x.scalar_type());
  for (const Member& m : members_) {
    if (!m.pair) continue;
    at::Tensor columns = all.narrow(1, m.begin, m.rank);
    const Product product{drop(x, m.dropout), &m.pair->packed(kind_).a};
    multiply_into(columns, {&product, 1}, {.scale = m.pair->scale});
  }
  return all;
}

at::Tensor LinearGroup::output(const Member& m, const at::Tensor& x, const at::Tensor& low,
                               const at::Tensor& add, double factor) const {
  std::vector<Product> products{{x, &m.linear->matrix->forward()}};
  if (m.pair) products.push_back({low.narrow(1, m.begin, m.rank), &m.pair->packed(kind_).b});
  return multiply(products, x.scalar_type(),
                  {.bias = float_bias(*m.linear), .scale = factor, .add = add});
}

std::vector<at::Tensor> LinearGroup::forward(const at::Tensor& x, const at::Tensor& low) const {
  std::vector<at::Tensor> outputs;
  for (const Member& m : members_) outputs.push_back(output(m, x, low, {}, 1));
  return outputs;
}

at::Tensor LinearGroup::forward_onto(const at::Tensor& x, const at::Tensor& low,
                                     const at::Tensor& add, double factor) const {
  return output(members_.front(), x, low, add, factor);
}

// scale * dy B of each pair
at::Tensor LinearGroup::low_gradient(std::span<const at::Tensor> dy) const {
  if (ranks_ == 0) return {};
  at::Tensor all = at::empty({dy[0].size(0), ranks_}, dy[0].scalar_type());
  for (size_t i = 0; i < members_.size(); ++i) {
    const Member& m = members_[i];
    if (!m.pair) continue;
    const PackedMatrix b = pack_matrix(with_even_rows(m.pair->used().b.t()).t(), kind_);
    at::Tensor columns = all.narrow(1, m.begin, m.rank);
    const Product product{dy[i], &b};
    multiply_into(columns, {&product, 1}, {.scale = m.pair->scale});
  }
  return all;
}

// The sum over pairs of dropout(dlow A).
at::Tensor LinearGroup::dropped_gradient(const at::Tensor& dlow, at::ScalarType type) const {
  at::Tensor sum;
  for (const Member& m : members_) {
    if (!m.pair) continue;
    const PackedMatrix a = pack_matrix(with_even_rows(m.pair->used().a), kind_);
    const Product product{dlow.narrow(1, m.begin, m.rank), &a};
    const at::Tensor masked = drop(multiply({&product, 1}, type), m.dropout);
    sum = sum.defined() ? sum.add_(masked) : masked;
  }
  return sum;
}

at::Tensor LinearGroup::input_gradient(std::span<const at::Tensor> dy,
                                       const at::Tensor& dlow) const {
  const at::ScalarType type = dy[0].scalar_type();
  std::vector<Product> products;
  for (size_t i = 0; i < members_.size(); ++i)
    products.push_back({dy[i], &members_[i].linear->matrix->backward()});
  if (ranks_ == 0) return multiply(products, type);
  if (drops()) return multiply(products, type, {.add = dropped_gradient(dlow, type)});
  const PackedMatrix a = pack_matrix(stacked_a(), kind_);
  products.push_back({dlow, &a});
  return multiply(products, type);
}

std::vector<at::Tensor> LinearGroup::parameter_gradients(const at::Tensor& x,
                                                         std::span<const at::Tensor> dy,
                                                         const at::Tensor& low,
                                                         const at::Tensor& dlow) const {
  const bool masked = drops();
  const at::Tensor together = ranks_ > 0 && !masked ? sum_rows(dlow, x, kind_) : at::Tensor();
  std::vector<at::Tensor> gradients;
  for (size_t i = 0; i < members_.size(); ++i) {
    const Member& m = members_[i];
    if (!m.pair) continue;
    // Of the gradients of [A - A0; A] and [B0 B - B0], what belongs to A and B.
    const int64_t rank = m.pair->a.size(0);
    const at::Tensor da = masked
                              ? sum_rows(dlow.narrow(1, m.begin, rank), drop(x, m.dropout), kind_)
                              : together.narrow(0, m.begin, m.rank);
    const bool twice = m.pair->initial_a.defined();
    gradients.push_back(twice ? da.narrow(0, 0, rank) + da.narrow(0, rank, rank)
                              : da.narrow(0, 0, rank));
    const int64_t trained = m.begin + (twice ? rank : 0);
    gradients.push_back(sum_rows(low.narrow(1, trained, rank), dy[i], kind_).t());
  }
  return gradients;
}

std::vector<at::Tensor> LinearGroup::parameters() const {
  std::vector<at::Tensor> all;
  for (const Member& m : members_) {
    if (m.pair) all.insert(all.end(), {m.pair->a, m.pair->b});
  }
  return all;
}

}  // namespace telora
