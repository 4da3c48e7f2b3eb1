#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>

#include "adapters/peft_folder.h"
#include "backbone/stored_model.h"

namespace telora {

// The weights of a model with an adapter's change written into them, read piece by piece from the
// model's files: W + s · B A, or with DoRA m · (W + s · B A) / |W + s · B A| by rows, in float32
// (as PEFT merges). Model and adapter must outlive it.
class MergedWeights {
 public:
  // Throws Error(data) for a module whose weight the model lacks or has in another shape.
  MergedWeights(const StoredModel& base, const AdapterFile& adapter);

  // As for_each_piece() of the stored tensor, which must be one of the model's. Pieces hold whole
  // multiples of `rows_together` rows: heads, where the caller reorders them.
  void for_each_piece(const StoredTensor& tensor,
                      const std::function<void(int64_t first, std::span<const float> values)>& use,
                      int64_t rows_together = 1) const;

  // Whether the adapter changes this tensor at all.
  bool changes(const StoredTensor& tensor) const { return modules_.contains(tensor.name); }

 private:
  void for_each_own_piece(
      const StoredTensor& tensor,
      const std::function<void(int64_t first, std::span<const float> values)>& use) const;

  struct Change {
    const LoraTensors* pair;
    float scale;
  };
  std::unordered_map<std::string, Change> modules_;  // by parameter name
};

}  // namespace telora
