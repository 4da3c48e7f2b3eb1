#pragma once

#include <memory>
#include <span>
#include <vector>

#include "adapters/lora_adapter.h"
#include "backbone/delta_choice.h"

namespace telora {

// Several adapters on one decoder at once: each row of a pass takes the one that its segment's
// `choice` names, unmerged. A row's result has the same bits as with that adapter alone. For passes
// without gradient.
class AdapterMix {
 public:
  // Whether the decoder can take these together: they are LoRA pairs (not DoRA) and blocks are
  // fused.
  static bool possible(Decoder& decoder, std::span<LoraAdapter* const> adapters);

  // A nullptr is the base as it is. Adapters and decoder must outlive the mix. Throws as
  // LoraAdapter::attach(), and Error(internal) where it is not possible.
  AdapterMix(Decoder& decoder, std::span<LoraAdapter* const> adapters);
  ~AdapterMix();
  AdapterMix(const AdapterMix&) = delete;
  AdapterMix& operator=(const AdapterMix&) = delete;

 private:
  Decoder& decoder_;
  std::vector<std::unique_ptr<DeltaChoice>> choices_;  // one a linear that any adapter changes
};

}  // namespace telora
