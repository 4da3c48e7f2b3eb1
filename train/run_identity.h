#pragma once

#include <map>
#include <memory>
#include <string>

#include "backbone/backbone.h"
#include "train/checkpoint.h"
#include "train/recipe.h"
#include "train/workbench.h"

namespace telora {

// What of a backbone decides a run.
struct BaseFacts {
  std::string weights;  // digest
  Tokenizer tokenizer;
};

// The recipe with what rows and backbone decide filled in. Throws as resolve_recipe().
Recipe resolved_for(const Recipe& recipe, const CategoryRows& rows, const DecoderSpec& spec);

// Digests of all that a run depends on; `recipe` resolved.
RunIdentity run_identity(const Recipe& recipe, const CategoryRows& rows, const BaseFacts& base);

// The same for runs that are only planned: reads data and digests of backbones, each once, without
// loading weights.
class IdentityReader {
 public:
  // Throws as reading data and backbone, and as resolve_recipe().
  RunIdentity identity(const Recipe& recipe);
  // Optimiser steps that it takes at most.
  int64_t steps(const Recipe& recipe);

 private:
  struct Base {
    DecoderSpec spec;
    BaseFacts facts;
  };
  const Base& base(const std::string& backbone);

  Workbench bench_{nullptr};
  std::map<std::string, std::unique_ptr<const Base>> bases_;
};

}  // namespace telora
