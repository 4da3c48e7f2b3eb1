#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace telora {

struct ModuleShape;  // backbone/decoder_spec.h

// Stands for `auto` in a numeric field: load_recipe or resolve_recipe puts the number in.
inline constexpr int64_t kAuto = -1;

// A selection_metric: the share of right answers to questions whose options have changed places.
inline constexpr std::string_view kRotatedAccuracy = "rotated_accuracy";

// Every setting of one training run. The defaults are the lines of configs/recipes/default.yaml,
// and nowhere else: start from default_recipe() or load_recipe(), not from Recipe{}.
struct Recipe {
  // What is trained on what.
  std::string category;        // canonical name of the benchmark category; empty = not yet given
  std::string backbone;        // name of configs/backbones.yaml, model folder or .gguf file
  std::string chat_template;   // format of the prompts; empty = by the model's own template
  std::string data;            // where the rows come from; empty = not yet given
  std::string split_method;    // group | sk | py | hf
  int64_t split_seed = 0;      // seed of the split
  bool hold_out_lite = false;  // rows of the published small file are never trained on
  std::string lite;            // folder with the small files, where their draw is not known
  bool allow_leaks = false;    // train although training rows stand in the test part too
  int64_t seed = 0;            // seed of initialisation, order of rows, dropout and sampling

  // The adapter.
  int64_t rank = 0;                          // r of every adapted layer
  double alpha = 0;                          // the delta is scaled by alpha / rank
  bool use_rslora = false;                   // by alpha / sqrt(rank) instead
  bool use_dora = false;                     // trains a magnitude for each output row too
  std::vector<std::string> target_modules;   // layers by the end of their name, or one pattern
  std::vector<int64_t> layers_to_transform;  // numbers of the blocks adapted; empty = all
  std::vector<std::pair<std::string, int64_t>> rank_pattern;  // layers of a rank of their own
  std::vector<std::pair<std::string, double>> alpha_pattern;  // of an alpha of their own
  double dropout = 0;  // on the adapter's input, while training
  std::string init;    // kaiming: A uniform in ±1/sqrt(in), B zero

  // The optimiser (AdamW).
  double learning_rate = 0;      // at the end of the warm-up
  double loraplus_lr_ratio = 0;  // learning rate of B (and magnitudes) over that of A
  std::string schedule;          // cosine | linear | constant
  double warmup_ratio = 0;       // share of all steps that warm up
  int64_t warmup_min_steps = 0;  // but at least so many
  double final_lr = 0;           // learning rate that the schedule ends on
  double weight_decay = 0;       // decoupled, per unit of learning rate
  double beta1 = 0;              // decay of the mean of gradients
  double beta2 = 0;              // decay of the mean of their squares
  double epsilon = 0;            // added to the root of the latter
  double clip_norm = 0;          // largest L2 norm of the whole gradient; 0 = no clipping

  // The steps.
  int64_t batch_size = 0;       // rows of one optimiser step
  int64_t tokens_per_pass = 0;  // tokens of one forward pass; a step takes as many passes as needed
  int64_t epochs = 0;           // passes over the training rows, at most
  int64_t max_steps = 0;        // optimiser steps, at most; 0 = as many as the epochs hold
  int64_t max_length = 0;       // tokens of one row
  std::string loss;             // answer | full: which tokens the loss is taken over
  std::string augment;          // none | rotate_options: another order of the options each epoch
  std::string precision;        // bf16 | f32: frozen weights and activations
  std::string device;           // cpu | cuda: where weights are and products are made
  int64_t threads = 0;          // CPU threads; 0 = all

  // Selection and checkpoints.
  int64_t evaluations_per_epoch = 0;  // on the validation rows
  int64_t patience = 0;               // evaluations without gain before stopping; 0 = never stop
  double min_delta = 0;               // what counts as a gain must exceed this
  std::string selection_metric;  // selection_accuracy | balanced_accuracy | rotated_accuracy | loss
  int64_t checkpoint_every = 0;  // steps between checkpoints
  int64_t keep_checkpoints = 0;  // newest checkpoints kept
  int64_t max_new_tokens = 0;    // of a generated answer

  bool operator==(const Recipe&) const = default;
};

// Where the values of a recipe come from, weakest first: default.yaml, the category's row, then
// these.
struct RecipeSources {
  std::string config;                                      // path of --config; empty = none
  std::vector<std::string> settings;                       // `key=value` of each --set
  std::vector<std::pair<std::string, std::string>> flags;  // key and value of each explicit flag
};

// The built-in recipe, of no category; what is automatic is still open.
Recipe default_recipe();

// Applies the sources in their order, then fills what the category decides (epochs, max_length,
// max_new_tokens). Throws Error(config) naming the file, `--set` or the flag, the key, what was
// found and the range, or for an unknown key the nearest one; Error(usage) if no category is named.
Recipe load_recipe(const RecipeSources& sources);

// A recipe written by to_yaml; every key must be there. Throws Error(config).
Recipe read_recipe(const std::string& yaml, const std::string& file);

// Fills what is still automatic: alpha = 2 · rank, or 8 with use_rslora; dropout = 0 from 2,000
// training rows on or with an init that takes parts out of the weights, 0.05 otherwise;
// `all-linear` = the last names of `layers`, which must not hold the vocabulary head. Then checks
// every value, that each target, pattern and block number names a layer, that each rank fits its
// layer, and that the settings of the adapter go together. Throws Error(config).
Recipe resolve_recipe(Recipe recipe, int64_t training_rows, const std::vector<ModuleShape>& layers);

// One `key: value` line for every setting; read_recipe gives the same struct back.
std::string to_yaml(const Recipe& recipe);

// SHA-256 of to_yaml: equal exactly if every setting is.
std::string recipe_digest(const Recipe& recipe);

// The listing behind --help-recipe: key, default, allowed values, meaning.
std::string recipe_help();

}  // namespace telora
