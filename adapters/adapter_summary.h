#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "adapters/peft_folder.h"

namespace telora {

// What one pair does to its linear, whose weight W becomes W + scale * B * A; with DoRA the rows of
// that are then given the lengths that the magnitudes say.
struct LoraModuleSummary {
  std::string module;
  int64_t in = 0, out = 0;
  int64_t rank = 0;
  double scale = 0;
  double norm = 0;            // Frobenius norm of scale * B * A
  double spectral_norm = 0;   // its largest singular value
  double effective_rank = 0;  // exp of the entropy of its singular values (Roy, Vetterli 2007); 0
                              // for a product that is zero
  double top_share = 0;       // of the squared norm, in the largest singular value
  int64_t magnitudes = 0;     // of DoRA, one a row; 0 without
  double magnitude_low = 0, magnitude_high = 0;  // smallest and largest of them
};

// One entry for each module, in the adapter's order; computed in float64 without forming B * A.
std::vector<LoraModuleSummary> summarise_adapter(const AdapterFile& adapter);

}  // namespace telora
