#include "adapters/adapter_mix.h"

#include "adapters/delta_slots.h"
#include "core/error.h"

namespace telora {

namespace {

std::vector<DeltaSlots> slots_of(Decoder& decoder, std::span<LoraAdapter* const> adapters) {
  std::vector<DeltaSlots> all;
  for (LoraAdapter* adapter : adapters) {
    if (adapter) adapter->attach(decoder);
    all.push_back(DeltaSlots::take(decoder));
  }
  return all;
}

// One linear's deltas; empty if no adapter changes it.
std::vector<LinearDelta*> deltas_of(const std::vector<DeltaSlots>& slots, size_t linear) {
  std::vector<LinearDelta*> deltas;
  bool any = false;
  for (const DeltaSlots& one : slots) {
    deltas.push_back(one.delta(linear));
    any = any || deltas.back();
  }
  return any ? deltas : std::vector<LinearDelta*>();
}

}  // namespace

bool AdapterMix::possible(Decoder& decoder, std::span<LoraAdapter* const> adapters) {
  if (!decoder.fuses()) return false;
  for (const DeltaSlots& slots : slots_of(decoder, adapters)) {
    for (size_t i = 0; i < slots.size(); ++i) {
      if (slots.delta(i) && !slots.delta(i)->low_rank()) return false;
    }
  }
  return true;
}

AdapterMix::AdapterMix(Decoder& decoder, std::span<LoraAdapter* const> adapters)
    : decoder_(decoder) {
  const std::vector<DeltaSlots> slots = slots_of(decoder, adapters);
  const std::vector<Linear*> linears = decoder.linears();
  for (size_t i = 0; i < linears.size(); ++i) {
    std::vector<LinearDelta*> deltas = deltas_of(slots, i);
    if (deltas.empty()) continue;
    choices_.push_back(std::make_unique<DeltaChoice>(std::move(deltas)));
    linears[i]->delta = choices_.back().get();
  }
  if (decoder.fuses()) return;
  LoraAdapter::detach(decoder);
  throw Error(ErrorKind::kInternal, "adapters that cannot share a pass were attached together");
}

AdapterMix::~AdapterMix() { LoraAdapter::detach(decoder_); }

}  // namespace telora
