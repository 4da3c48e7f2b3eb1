#include "backbone/product.h"

#include <algorithm>
#include <array>
#include <vector>

#include "backbone/dispatch.h"
#include "backbone/parallel.h"
#include "backbone/product_kernel.h"
#include "backbone/torch.h"

namespace telora {

namespace {

using kernels::Factors;
using kernels::ProductOutput;
using kernels::ProductRange;

constexpr int64_t kChunkBytes = 1 << 18;  // of the rows that stay in the second cache
constexpr int64_t kRowsAtOnce = 12;       // chunks are a multiple of it
constexpr int64_t kMostRows = 144;
constexpr size_t kMostProducts = 8;

int64_t chunk_rows(std::span<const Product> products) {
  int64_t bytes = 0;
  for (const Product& p : products) bytes += p.right->depth * p.right->data.element_size();
  return std::clamp(kChunkBytes / bytes / kRowsAtOnce * kRowsAtOnce, kRowsAtOnce, kMostRows);
}

// Rows of one chunk and panels of columns: what a thread takes at a time.
struct Grid {
  Grid(int64_t rows, int64_t columns, int64_t chunk)
      : rows(rows), panels((columns + kernels::kPanel - 1) / kernels::kPanel), chunk(chunk) {
    row_parts = (rows + chunk - 1) / chunk;
    const int64_t threads = thread_count();
    // Few rows: threads share the columns.
    panel_parts = row_parts >= 2 * threads ? 1 : std::min(panels, threads);
  }
  int64_t parts() const { return row_parts * panel_parts; }
  int64_t panel_at(int64_t part) const { return panels * part / panel_parts; }
  int64_t rows, panels, chunk, row_parts, panel_parts;
};

float* widened_rows(size_t floats) {
  thread_local std::vector<float> scratch;
  if (scratch.size() < floats) scratch.resize(floats);
  return scratch.data();
}

// The left factors of rows [begin, begin + rows), bfloat16 widened where the kernel wants float32.
class Lefts {
 public:
  Lefts(std::span<const Product> products, int64_t begin, int64_t rows) {
    int64_t floats = 0;
    for (const Product& p : products) floats += wants_widening(p) ? rows * p.right->depth : 0;
    float* scratch = widened_rows(static_cast<size_t>(floats));
    for (const Product& p : products) {
      const int64_t depth = p.right->depth, step = p.left.stride(0);
      const auto* first =
          static_cast<const char*>(p.left.data_ptr()) + begin * step * p.left.element_size();
      Factors& f = factors_[count_++];
      f = {first, step, p.right->data.data_ptr(), depth};
      if (!wants_widening(p)) continue;
      kernels::widen_rows(reinterpret_cast<const kernels::Bf16*>(first), step, rows, depth,
                          scratch);
      f.left = scratch, f.left_step = depth;
      scratch += rows * depth;
    }
  }
  std::span<const Factors> factors() const { return {factors_.data(), count_}; }

 private:
  static bool wants_widening(const Product& p) {
    return p.right->kind == ProductKind::kFloat && p.left.scalar_type() == at::kBFloat16;
  }
  std::array<Factors, kMostProducts> factors_{};
  size_t count_ = 0;
};

void by_library(at::Tensor& out, std::span<const Product> products, const ProductTail& tail) {
  const auto of = [](const Product& p) {
    return at::mm(p.left.to(p.right->data.scalar_type()), p.right->data);
  };
  at::Tensor sum = of(products[0]);
  for (const Product& p : products.subspan(1)) sum.add_(of(p));
  if (tail.bias.defined()) sum.add_(tail.bias);
  if (tail.scale != 1) sum.mul_(tail.scale);
  tail.add.defined() ? out.copy_(sum.add_(tail.add)) : out.copy_(sum);
}

// The kernels of one call sum in one type: that of the first matrix, unless one has no pairs.
void by_kernels(at::Tensor& out, std::span<const Product> products, const ProductTail& tail) {
  const PackedMatrix& first = *products[0].right;
  const Grid grid(out.size(0), first.columns, chunk_rows(products));
  const auto kernel =
      first.kind == ProductKind::kPairs ? kernels::product_bf16 : kernels::product_f32;
  const int64_t out_bytes = out.element_size();
  parallel_tasks(grid.parts(), [&](int64_t task) {
    const int64_t begin = task / grid.panel_parts * grid.chunk, part = task % grid.panel_parts;
    const int64_t rows = std::min(grid.chunk, grid.rows - begin);
    const Lefts lefts(products, begin, rows);
    ProductOutput o{.out = static_cast<char*>(out.data_ptr()) + begin * out.stride(0) * out_bytes,
                    .out_step = out.stride(0),
                    .scale = static_cast<float>(tail.scale),
                    .bf16 = out.scalar_type() == at::kBFloat16};
    if (tail.bias.defined()) o.bias = tail.bias.data_ptr<float>();
    if (tail.add.defined()) {
      o.add_step = tail.add.stride(0);
      o.add = static_cast<const char*>(tail.add.data_ptr()) + begin * o.add_step * out_bytes;
    }
    kernel(lefts.factors(), {rows, first.columns, grid.panel_at(part), grid.panel_at(part + 1)}, o);
  });
}

bool one_kind(std::span<const Product> products) {
  return std::ranges::all_of(
      products, [&](const Product& p) { return p.right->kind == products[0].right->kind; });
}

}  // namespace

void multiply_into(at::Tensor& out, std::span<const Product> products, const ProductTail& tail) {
  if (out.size(0) == 0) return;
  if (products[0].right->kind == ProductKind::kLibrary) return by_library(out, products, tail);
  if (one_kind(products)) return by_kernels(out, products, tail);
  // Matrices without pairs among others: one after another.
  multiply_into(out, products.first(1), tail);
  for (size_t i = 1; i < products.size(); ++i)
    multiply_into(out, products.subspan(i, 1), {.scale = tail.scale, .add = out});
}

at::Tensor multiply(std::span<const Product> products, at::ScalarType type,
                    const ProductTail& tail) {
  at::Tensor out = at::empty({products[0].left.size(0), products[0].right->columns}, type);
  multiply_into(out, products, tail);
  return out;
}

at::Tensor sum_rows(const at::Tensor& left, const at::Tensor& right, ProductKind kind) {
  if (kind == ProductKind::kLibrary || left.size(0) == 0)
    return at::mm(left.t(), right).to(at::kFloat);
  at::Tensor out = at::empty({left.size(1), right.size(1)}, at::kFloat);
  constexpr int64_t kStrip = 64;
  const bool bf16 = left.scalar_type() == at::kBFloat16;
  parallel_for(0, (right.size(1) + kStrip - 1) / kStrip, 1, [&](int64_t first, int64_t last) {
    const kernels::RowSums sums{left.data_ptr(),
                                left.stride(0),
                                left.size(1),
                                right.data_ptr(),
                                right.stride(0),
                                first * kStrip,
                                std::min(last * kStrip, right.size(1)),
                                left.size(0),
                                out.data_ptr<float>(),
                                out.stride(0)};
    kind == ProductKind::kPairs&& bf16 ? kernels::sum_rows_bf16(sums)
                                       : kernels::sum_rows_f32(sums, bf16);
  });
  return out;
}

}  // namespace telora
