#include "adapters/delta_slots.h"

#include <utility>

namespace telora {

DeltaSlots DeltaSlots::take(Decoder& decoder) {
  DeltaSlots slots;
  for (Linear* linear : decoder.linears()) {
    slots.deltas_.push_back(std::exchange(linear->delta, nullptr));
  }
  return slots;
}

void DeltaSlots::give_back(Decoder& decoder) const {
  const std::vector<Linear*> linears = decoder.linears();
  for (size_t i = 0; i < linears.size(); ++i) linears[i]->delta = deltas_.at(i);
}

AttachedDeltas::AttachedDeltas(const DeltaSlots& slots, Decoder& decoder) : decoder_(decoder) {
  slots.give_back(decoder);
}

AttachedDeltas::~AttachedDeltas() {
  for (Linear* linear : decoder_.linears()) linear->delta = nullptr;
}

}  // namespace telora
