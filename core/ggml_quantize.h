#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "core/ggml_types.h"

namespace telora {

// Types that quantize() writes: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1.
bool can_quantize(GgmlType type);

// Encodes whole blocks, bit for bit as the quantisers of the gguf package for Python do. `values`
// is a multiple of the type's block, `blocks` the bytes for them. Returns the place of the first
// value that cannot be stored: one that is not finite, or beyond what the type or a block's scale
// can hold; what was written is then not to be used. Throws Error(internal) for lengths that do not
// fit and for another type.
std::optional<size_t> quantize(GgmlType type, std::span<const float> values,
                               std::span<std::byte> blocks);

}  // namespace telora
