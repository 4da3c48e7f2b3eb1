#pragma once

#include <string>

#include "export/provenance.h"

namespace telora {

// What the README.md of an exported folder says besides what the run's card says.
struct CardFacts {
  std::string base;          // name or path of the base
  std::string base_license;  // empty: the base names none
  std::string license;       // of what is exported, as its author says; empty: not said
  Provenance provenance;
  bool merged = false;  // a model, not an adapter
};

// The value of a key at the head of a Hugging Face model card (YAML between lines of "---"); empty
// where there is none. The first of a list.
std::string card_field(const std::string& card, const std::string& key);

// A model card: the run's, or a short one where `run_card` is empty, with `license` and
// `base_model` at its head and sections for licences and digests at its end.
std::string exported_card(const std::string& run_card, const CardFacts& facts);

}  // namespace telora
