#include "train/workbench.h"

#include <fmt/format.h>

#include "backbone/device.h"
#include "backbone/parallel.h"
#include "core/error.h"
#include "core/profile.h"
#include "data/lite.h"
#include "data/option_rotation.h"
#include "eval/encode.h"
#include "train/manifest.h"
#include "train/option_order.h"

namespace telora {

namespace {

CategoryRows read_rows(const Recipe& recipe) {
  const Category& category = find_category(recipe.category);
  const auto source = recipe.data.empty() ? std::nullopt : std::optional(recipe.data);
  DataSet data = load_category(find_source(source), category);
  Split split = make_split(
      data.examples, category, recipe.split_method, static_cast<uint64_t>(recipe.split_seed),
      rows_held_out({recipe.hold_out_lite, recipe.lite}, category, data.examples));
  return {category, std::move(data), std::move(split)};
}

// Only letter questions have options of their own that can change places.
void require_letters(const CategoryRows& rows, const char* key, std::string_view value,
                     const char* advice) {
  if (rows.category.kind == TaskKind::kLetters) return;
  fail(ErrorKind::kConfig, {"recipe", key}, fmt::format("{} for {}", value, rows.category.name),
       "a category whose questions have options of their own", advice);
}

// Of every training row the orders that its options can stand in besides its own.
std::vector<std::vector<EncodedExample>> other_orders(const CategoryRows& rows,
                                                      const ExampleEncoder& encoder) {
  require_letters(rows, "augment", "rotate_options", "set augment=none");
  const std::vector<size_t>& train = rows.split.train;
  std::vector<std::vector<EncodedExample>> all(train.size());
  parallel_for(0, static_cast<int64_t>(train.size()), 16, [&](int64_t begin, int64_t end) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      const Example& example = rows.data.examples[train[i]];
      const size_t orders = rotation_count(example.options);
      for (size_t shift = 1; shift < orders; ++shift)
        all[i].push_back(encoder.encode(rotate_options(example, shift), train[i]));
    }
  });
  return all;
}

// Drawn with the split's seed: every run on these parts is asked the same.
AskedQuestions rotated_questions(const CategoryRows& rows, const ExampleEncoder& encoder) {
  require_letters(rows, "selection_metric", kRotatedAccuracy,
                  "set selection_metric=balanced_accuracy");
  AskedQuestions asked;
  std::vector<size_t> indices;
  for (const size_t row : rows.split.validation) {
    const Example& example = rows.data.examples[row];
    const size_t orders = rotation_count(example.options);
    const size_t shift = option_order(rows.split.seed, row, 0, orders);
    indices.push_back(asked.examples.size());
    asked.examples.push_back(rotate_options(example, shift));
  }
  asked.encoded = encoder.encode_all(asked.examples, indices);
  return asked;
}

}  // namespace

Workbench::Workbench(std::function<void(const std::string&)> note) : note_(std::move(note)) {
  held_.program = resident_bytes();
}

Workbench::RowsKey Workbench::rows_key(const Recipe& r) {
  return {r.category, r.data, r.split_method, r.split_seed, r.hold_out_lite, r.lite};
}

Workbench::PartsKey Workbench::parts_key(const Recipe& r) {
  return {rows_key(r), r.max_length, r.augment, r.selection_metric == kRotatedAccuracy};
}

const CategoryRows& Workbench::rows(const Recipe& recipe) {
  auto& slot = rows_[rows_key(recipe)];
  if (!slot) {
    const ProfileScope scope("data");
    slot = std::make_unique<const CategoryRows>(read_rows(recipe));
  }
  return *slot;
}

void Workbench::load(const Recipe& recipe) {
  const ProfileScope scope("load");
  backbone_ =
      std::make_unique<Backbone>(load_backbone(recipe.backbone, frozen_type(recipe.precision),
                                               recipe.chat_template, open_device(recipe.device)));
}

void Workbench::note_shortened(const EncodedParts& parts, int64_t max_length) const {
  int64_t shortened = 0;
  for (const auto* part : {&parts.train, &parts.validation, &parts.test}) {
    for (const EncodedExample& example : *part) shortened += example.shortened;
  }
  if (shortened == 0 || !note_) return;
  note_(fmt::format("{} rows are longer than max_length = {} tokens: their texts were cut",
                    shortened, max_length));
}

const EncodedParts& Workbench::parts(const Recipe& recipe) {
  auto& slot = parts_[parts_key(recipe)];
  if (!slot) {
    const CategoryRows& all = rows(recipe);
    const ProfileScope scope("data");
    const ExampleEncoder encoder(all.category, *backbone_, recipe.max_length);
    const auto encode = [&](const std::vector<size_t>& indices) {
      return encoder.encode_all(all.data.examples, indices);
    };
    EncodedParts parts{encode(all.split.train), encode(all.split.validation),
                       encode(all.split.test)};
    if (recipe.augment == "rotate_options") parts.train_orders = other_orders(all, encoder);
    if (recipe.selection_metric == kRotatedAccuracy) {
      parts.rotated_validation = rotated_questions(all, encoder);
    }
    slot = std::make_unique<const EncodedParts>(std::move(parts));
    note_shortened(*slot, recipe.max_length);
  }
  return *slot;
}

const Evaluation& Workbench::base_scores(const Recipe& recipe,
                                         const std::function<void(int64_t)>& progress) {
  auto& slot = base_scores_[{parts_key(recipe), recipe.max_new_tokens}];
  if (!slot) {
    const CategoryRows& all = rows(recipe);
    EvaluationOptions options = test_options(recipe);
    options.progress = progress;
    slot = std::make_unique<const Evaluation>(
        evaluate(*backbone_, all.category, all.data.examples, parts(recipe).test, options));
  }
  return *slot;
}

void Workbench::hold(int64_t adapter_bytes, int64_t optimizer_bytes) {
  held_.adapters += adapter_bytes;
  held_.optimizers += optimizer_bytes;
}

MemoryUse Workbench::memory() {
  MemoryUse memory = held_;
  memory.peak = peak_rss_bytes();
  memory.weights = weight_bytes(backbone_->decoder);
  return memory;
}

const GemmRate& Workbench::gemm_rate() {
  const ProfileScope scope("rate of products");
  if (!gemm_rate_) gemm_rate_ = measure_gemm_rate(backbone_->decoder.dtype());
  return *gemm_rate_;
}

void require_same_backbone(const std::vector<const Recipe*>& recipes) {
  const auto require = [](const char* key, const auto& first, const auto& other) {
    if (first == other) return;
    fail(ErrorKind::kUsage, {"runs of one process", key},
         fmt::format("\"{}\" and \"{}\"", first, other), "one value for all",
         "they share the frozen weights; give them to commands of their own");
  };
  for (const Recipe* recipe : recipes) {
    require("backbone", recipes[0]->backbone, recipe->backbone);
    require("precision", recipes[0]->precision, recipe->precision);
    require("device", recipes[0]->device, recipe->device);
    require("chat_template", recipes[0]->chat_template, recipe->chat_template);
    require("threads", recipes[0]->threads, recipe->threads);
  }
}

EvaluationOptions test_options(const Recipe& recipe) {
  EvaluationOptions options;
  options.max_new_tokens = recipe.max_new_tokens;
  options.split_method = recipe.split_method;
  options.split_seed = recipe.split_seed;
  return options;
}

}  // namespace telora
