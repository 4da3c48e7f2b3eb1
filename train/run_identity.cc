#include "train/run_identity.h"

#include "train/schedule.h"

namespace telora {

Recipe resolved_for(const Recipe& recipe, const CategoryRows& rows, const DecoderSpec& spec) {
  return resolve_recipe(recipe, static_cast<int64_t>(rows.split.train.size()),
                        linear_modules(spec));
}

RunIdentity run_identity(const Recipe& recipe, const CategoryRows& rows, const BaseFacts& base) {
  RunIdentity identity = {{"recipe", recipe_digest(recipe)},
                          {"data", rows.data.sha256},
                          {"split", split_digest(rows.split)},
                          {"weights", base.weights},
                          {"tokenizer", base.tokenizer.digest()}};
  if (const auto digest = template_digest(base.tokenizer)) identity["template"] = *digest;
  return identity;
}

const IdentityReader::Base& IdentityReader::base(const std::string& backbone) {
  auto& slot = bases_[backbone];
  if (!slot) {
    const BackboneSource source = find_backbone(backbone);
    const Checkpoint checkpoint = Checkpoint::open(source.path);
    slot = std::make_unique<const Base>(
        Base{checkpoint.spec(), {checkpoint.digest(), read_tokenizer(source.path)}});
  }
  return *slot;
}

RunIdentity IdentityReader::identity(const Recipe& recipe) {
  const CategoryRows& rows = bench_.rows(recipe);
  const Base& known = base(recipe.backbone);
  return run_identity(resolved_for(recipe, rows, known.spec), rows, known.facts);
}

int64_t IdentityReader::steps(const Recipe& recipe) {
  const auto rows = static_cast<int64_t>(bench_.rows(recipe).split.train.size());
  return total_steps(rows, recipe.batch_size, recipe.epochs, recipe.max_steps);
}

}  // namespace telora
