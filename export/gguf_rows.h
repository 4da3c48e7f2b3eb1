#pragma once

#include <cstdint>
#include <string>

#include "core/gguf_writer.h"
#include "export/merged_weights.h"

namespace telora {

// How rows of a parameter become a tensor of a GGUF file.
struct GgufRows {
  int64_t first = 0;  // of the parameter's rows
  int64_t count = 0;
  int64_t reordered_head = 0;  // rows of a head, where the file reorders them; 0: as they are
  float offset = 0;            // added to every value
};

// Appends these rows of a merged parameter in the plan's type, a piece at a time. Throws
// Error(data) naming `file`, the tensor and the first value that the type cannot hold.
void append_rows(const MergedWeights& merged, const StoredTensor& stored, const GgufRows& rows,
                 const GgufTensorPlan& plan, const std::string& file, TensorSink& sink);

}  // namespace telora
