#include "backbone/linear_group.h"

#include <algorithm>
#include <map>

#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

int64_t even(int64_t n) { return n + n % 2; }

at::Tensor float_bias(const Linear& linear) {
  return linear.bias.defined() ? linear.bias.to(at::kFloat) : at::Tensor();
}

}  // namespace

bool LinearGroup::can_fuse(const Linear& linear) {
  if (!linear.matrix) return false;
  if (!linear.delta) return true;
  const DeltaChoice* choice = linear.delta->choice();
  return choice ? choice->can_fuse() : linear.delta->low_rank() != nullptr;
}

LinearGroup::LinearGroup(std::vector<const Linear*> linears, std::span<const ChoiceRun> runs)
    : kind_(linears.front()->matrix->kind()) {
  for (const Linear* linear : linears) {
    Member member{linear, {}};
    if (linear->delta && linear->delta->choice()) {
      add_choices(member, *linear->delta->choice(), runs);
    } else if (linear->delta) {
      add_pair(member, linear->delta->low_rank(), {});
    }
    members_.push_back(std::move(member));
  }
}

void LinearGroup::add_pair(Member& member, const LowRank* low_rank, std::vector<ChoiceRun> rows) {
  const int64_t rank = even(low_rank->used_rank());
  member.pairs.push_back({low_rank, low_rank->dropout, ranks_, rank, std::move(rows)});
  ranks_ += rank;
}

// A pair for each choice that rows of this pass take.
void LinearGroup::add_choices(Member& member, const DeltaChoice& choice,
                              std::span<const ChoiceRun> runs) {
  std::map<size_t, std::vector<ChoiceRun>> taken;
  for (const ChoiceRun& run : runs) taken[run.choice].push_back(run);
  for (auto& [which, rows] : taken) {
    if (const LowRank* pair = choice.pair(which)) add_pair(member, pair, std::move(rows));
  }
}

bool LinearGroup::chooses() const {
  return std::ranges::any_of(members_, [](const Member& m) {
    return std::ranges::any_of(m.pairs, [](const Pair& p) { return !p.rows.empty(); });
  });
}

// A of all pairs, one above the other: [sum of ranks, in].
at::Tensor LinearGroup::stacked_a() const {
  std::vector<at::Tensor> rows;
  for (const Member& m : members_) {
    for (const Pair& p : m.pairs) rows.push_back(with_even_rows(p.low_rank->used().a));
  }
  return rows.size() == 1 ? rows[0] : at::cat(rows);
}

bool LinearGroup::drops() const {
  return std::ranges::any_of(members_, [](const Member& m) {
    return std::ranges::any_of(m.pairs, [](const Pair& p) { return p.dropout.active(); });
  });
}

// Rows that do not take a pair have zeros in its columns: they add nothing to the products.
at::Tensor LinearGroup::low(const at::Tensor& x) const {
  if (ranks_ == 0) return {};
  at::Tensor all = chooses() ? at::zeros({x.size(0), ranks_}, x.scalar_type())
                             : at::empty({x.size(0), ranks_}, x.scalar_type());
  for (const Member& m : members_) {
    for (const Pair& p : m.pairs) {
      at::Tensor columns = all.narrow(1, p.begin, p.rank);
      const at::Tensor in = drop(x, p.dropout);
      const ChoiceRun whole{0, x.size(0)};
      for (const ChoiceRun& run : p.rows.empty() ? std::span(&whole, 1) : std::span(p.rows)) {
        at::Tensor part = columns.narrow(0, run.begin, run.count);
        const Product product{in.narrow(0, run.begin, run.count), &p.low_rank->packed(kind_).a};
        multiply_into(part, {&product, 1}, {.scale = p.low_rank->scale});
      }
    }
  }
  return all;
}

at::Tensor LinearGroup::output(const Member& m, const at::Tensor& x, const at::Tensor& low,
                               const at::Tensor& add, double factor) const {
  std::vector<Product> products{{x, &m.linear->matrix->forward()}};
  for (const Pair& p : m.pairs)
    products.push_back({low.narrow(1, p.begin, p.rank), &p.low_rank->packed(kind_).b});
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
  if (chooses()) throw Error(ErrorKind::kInternal, "a gradient through several adapters at once");
  if (ranks_ == 0) return {};
  at::Tensor all = at::empty({dy[0].size(0), ranks_}, dy[0].scalar_type());
  for (size_t i = 0; i < members_.size(); ++i) {
    for (const Pair& p : members_[i].pairs) {
      const PackedMatrix b = pack_matrix(with_even_rows(p.low_rank->used().b.t()).t(), kind_);
      at::Tensor columns = all.narrow(1, p.begin, p.rank);
      const Product product{dy[i], &b};
      multiply_into(columns, {&product, 1}, {.scale = p.low_rank->scale});
    }
  }
  return all;
}

// The sum over pairs of dropout(dlow A).
at::Tensor LinearGroup::dropped_gradient(const at::Tensor& dlow, at::ScalarType type) const {
  at::Tensor sum;
  for (const Member& m : members_) {
    for (const Pair& p : m.pairs) {
      const PackedMatrix a = pack_matrix(with_even_rows(p.low_rank->used().a), kind_);
      const Product product{dlow.narrow(1, p.begin, p.rank), &a};
      const at::Tensor masked = drop(multiply({&product, 1}, type), p.dropout);
      sum = sum.defined() ? sum.add_(masked) : masked;
    }
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
    for (const Pair& p : members_[i].pairs) {
      // Of the gradients of [A - A0; A] and [B0 B - B0], what belongs to A and B.
      const int64_t rank = p.low_rank->a.size(0);
      const at::Tensor da = masked
                                ? sum_rows(dlow.narrow(1, p.begin, rank), drop(x, p.dropout), kind_)
                                : together.narrow(0, p.begin, p.rank);
      const bool twice = p.low_rank->initial_a.defined();
      gradients.push_back(twice ? da.narrow(0, 0, rank) + da.narrow(0, rank, rank)
                                : da.narrow(0, 0, rank));
      const int64_t trained = p.begin + (twice ? rank : 0);
      gradients.push_back(sum_rows(low.narrow(1, trained, rank), dy[i], kind_).t());
    }
  }
  return gradients;
}

std::vector<at::Tensor> LinearGroup::parameters() const {
  std::vector<at::Tensor> all;
  for (const Member& m : members_) {
    for (const Pair& p : m.pairs) all.insert(all.end(), {p.low_rank->a, p.low_rank->b});
  }
  return all;
}

}  // namespace telora
