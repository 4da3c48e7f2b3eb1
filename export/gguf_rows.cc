#include "export/gguf_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "backbone/gguf_names.h"
#include "core/error.h"
#include "core/ggml_quantize.h"

namespace telora {

namespace {

// Pieces hold whole heads, so each is reordered by itself.
void reorder(std::span<const float> values, int64_t head, size_t columns,
             std::vector<float>& ordered) {
  for (size_t row = 0; row < values.size() / columns; ++row) {
    const auto to = static_cast<size_t>(gguf_row(static_cast<int64_t>(row), head));
    std::ranges::copy(values.subspan(row * columns, columns),
                      ordered.begin() + static_cast<std::ptrdiff_t>(to * columns));
  }
}

}  // namespace

void append_rows(const MergedWeights& merged, const StoredTensor& stored, const GgufRows& rows,
                 const GgufTensorPlan& plan, const std::string& file, TensorSink& sink) {
  const GgmlTypeInfo& info = ggml_type_info(plan.type);
  const int64_t columns = stored.shape.size() == 2 ? stored.shape[1] : 1;
  const int64_t begin = rows.first * columns, end = begin + rows.count * columns;
  std::vector<float> ordered;
  std::vector<std::byte> blocks;
  merged.for_each_piece(
      stored,
      [&](int64_t first, std::span<const float> piece) {
        const int64_t from = std::max(begin, first), to = std::min(end, first + std::ssize(piece));
        if (from >= to) return;
        const auto values =
            piece.subspan(static_cast<size_t>(from - first), static_cast<size_t>(to - from));
        ordered.assign(values.begin(), values.end());
        if (rows.reordered_head > 0) {
          reorder(values, rows.reordered_head, static_cast<size_t>(columns), ordered);
        }
        for (float& value : ordered) value += rows.offset;
        blocks.resize(ordered.size() / info.block_elements * info.block_bytes);
        if (const auto bad = quantize(plan.type, ordered, blocks)) {
          fail(ErrorKind::kData, {file, plan.name},
               fmt::format("{} at element {}", ordered[*bad],
                           from - begin + static_cast<int64_t>(*bad)),
               fmt::format("finite values that {} can hold", info.name), "write it as F32 or BF16");
        }
        sink.append(blocks);
      },
      std::max<int64_t>(1, rows.reordered_head));
}

}  // namespace telora
