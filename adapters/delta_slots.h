#pragma once

#include <vector>

#include "backbone/decoder.h"

namespace telora {

// The deltas of one adapter, so that several take turns on a decoder: LoraAdapter::attach() checks
// shapes and prepares DoRA's norms, which is done once a run; changing turns is writing pointers.
class DeltaSlots {
 public:
  DeltaSlots() = default;
  // Takes out what is attached; the decoder's slots are empty afterwards.
  static DeltaSlots take(Decoder& decoder);

  // Puts them back into the decoder they were taken from.
  void give_back(Decoder& decoder) const;

  size_t size() const { return deltas_.size(); }
  // Of linear `index` of Decoder::linears(); nullptr if there is none.
  LinearDelta* delta(size_t index) const { return deltas_.at(index); }

 private:
  friend class AttachedDeltas;
  std::vector<LinearDelta*> deltas_;  // in the order of Decoder::linears()
};

// Puts deltas into the slots of the decoder they were taken from, and empties the slots when it
// goes.
class AttachedDeltas {
 public:
  AttachedDeltas(const DeltaSlots& slots, Decoder& decoder);
  ~AttachedDeltas();
  AttachedDeltas(const AttachedDeltas&) = delete;
  AttachedDeltas& operator=(const AttachedDeltas&) = delete;

 private:
  Decoder& decoder_;
};

}  // namespace telora
