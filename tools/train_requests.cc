#include "tools/train_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "core/error.h"
#include "core/files.h"
#include "data/category.h"
#include "train/run_folder.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

constexpr size_t kCategory = 0, kRank = 1;  // of recipe_flags()

[[noreturn]] void refuse(const std::string& flag, std::string_view found, std::string_view want,
                         std::string_view advice) {
  fail(ErrorKind::kUsage, {"lora-train", flag}, found, want, advice);
}

// A resumed run has its recipe; a second one would have to agree in every value.
void require_no_recipe(const TrainFlags& flags) {
  bool any = !flags.config.empty() || !flags.settings.empty() || !flags.out.empty() ||
             !flags.save_initial.empty();
  for (const auto& value : flags.recipe) any = any || value.has_value();
  if (any) {
    throw Error(ErrorKind::kUsage,
                "lora-train: --resume continues a run with its own recipe.yaml; give no other "
                "recipe, --out or "
                "--save-initial");
  }
}

// Items between commas; a flag that was not given is one item without a value.
std::vector<std::optional<std::string>> items_of(const TrainFlags& flags, size_t index) {
  const std::optional<std::string>& value = flags.recipe[index];
  if (!value || value->find(',') == std::string::npos) return {value};
  std::vector<std::optional<std::string>> items;
  for (size_t begin = 0; begin <= value->size();) {
    const size_t end = std::min(value->find(',', begin), value->size());
    const std::string item = value->substr(begin, end - begin);
    if (item.find_first_not_of(' ') == std::string::npos) {
      refuse(recipe_flags()[index].flag, fmt::format("an empty item in \"{}\"", printable(*value)),
             "values with one comma between them",
             index == kRank ? "for example --rank 4,8,16" : "");
    }
    items.emplace_back(item);
    begin = end + 1;
  }
  return items;
}

RunRequest fresh_request(const TrainFlags& flags) {
  RunRequest request;
  RecipeSources sources{flags.config, flags.settings, {}};
  const auto& category = flags.recipe[kCategory];
  if (category) find_category(*category);  // a slip of the tongue is a usage error
  for (size_t i = 0; i < flags.recipe.size(); ++i) {
    if (flags.recipe[i]) sources.flags.emplace_back(recipe_flags()[i].key, *flags.recipe[i]);
  }
  request.recipe = load_recipe(sources);
  return request;
}

fs::path folder_of(const Recipe& recipe, const std::string& out, bool several) {
  if (out.empty()) return next_run_path(recipe.category, recipe.rank);
  return several ? fs::path(out) / fmt::format("{}-r{}", recipe.category, recipe.rank)
                 : fs::path(out);
}

void require_different(const std::vector<RunRequest>& requests, const Recipe& recipe) {
  for (const RunRequest& other : requests) {
    if (other.recipe.category != recipe.category || other.recipe.rank != recipe.rank) continue;
    refuse("--category, --rank", fmt::format("{} at rank {} twice", recipe.category, recipe.rank),
           "each once", "");
  }
}

void require_one_run(const TrainFlags& flags) {
  const auto require_empty = [](const char* flag, const std::string& value) {
    if (value.empty()) return;
    refuse(flag, "beside several runs", "one run", "give one --category and one --rank");
  };
  require_empty("--save-initial", flags.save_initial);
  require_empty("--dump-batches", flags.dump_batches);
}

std::vector<RunRequest> fresh_requests(const TrainFlags& flags) {
  const auto categories = items_of(flags, kCategory), ranks = items_of(flags, kRank);
  const bool several = categories.size() * ranks.size() > 1;
  if (several) require_one_run(flags);
  std::vector<RunRequest> requests;
  for (const auto& category : categories) {
    for (const auto& rank : ranks) {
      TrainFlags one = flags;
      one.recipe[kCategory] = category;
      one.recipe[kRank] = rank;
      RunRequest request = fresh_request(one);
      require_different(requests, request.recipe);
      request.out = folder_of(request.recipe, flags.out, several);
      requests.push_back(std::move(request));
    }
  }
  return requests;
}

bool is_run(const fs::path& folder) { return fs::exists(folder / "recipe.yaml"); }

// A process that is killed while it begins several runs leaves folders without a recipe.
void require_begun(const fs::path& folder) {
  if (is_run(folder) || !fs::is_directory(folder / "checkpoints")) return;
  fail(ErrorKind::kMissing, {folder.string(), "--resume"}, "no recipe.yaml",
       "the folder of a run that was begun",
       "remove it to resume the others, then start that run anew");
}

// Runs below `folder` that are not finished; `folder` itself if it is one, or holds none (opening
// it then says what is wrong).
std::vector<fs::path> unfinished_runs(const fs::path& folder) {
  if (is_run(folder) || !fs::is_directory(folder)) return {folder};
  std::vector<fs::path> runs;
  bool any = false;
  for (const auto& entry : fs::directory_iterator(folder)) {
    require_begun(entry.path());
    if (!is_run(entry.path())) continue;
    any = true;
    if (!fs::exists(entry.path() / "telora.json")) runs.push_back(entry.path());
  }
  if (any && runs.empty()) {
    fail(ErrorKind::kUsage, {folder.string(), "--resume"}, "finished runs only",
         "one that was interrupted", "their adapters are ready; start new runs with --out");
  }
  return any ? runs : std::vector<fs::path>{folder};
}

RunRequest resumed_request(const fs::path& folder) {
  const fs::path file = folder / "recipe.yaml";
  RunRequest request;
  request.recipe = read_recipe(read_text(file), file.string());
  request.out = folder;
  request.resume = true;
  return request;
}

std::vector<RunRequest> resumed_requests(const TrainFlags& flags) {
  require_no_recipe(flags);
  std::vector<RunRequest> requests;
  for (const std::string& folder : flags.resume) {
    for (const fs::path& run : unfinished_runs(folder)) requests.push_back(resumed_request(run));
  }
  const auto order = [](const RunRequest& r) {
    return std::tuple(r.recipe.category, r.recipe.rank, r.out);
  };
  std::ranges::sort(requests, {}, order);
  if (requests.size() > 1 && !flags.dump_batches.empty()) require_one_run(flags);
  return requests;
}

}  // namespace

const std::vector<RecipeFlag>& recipe_flags() {
  static const std::vector<RecipeFlag> kFlags = {
      {"--category", "category",
       "Benchmark category: 6g-bench, oran-bench, ...; several with commas between"},
      {"--rank", "rank", "Rank r of the adapter (default 16); several with commas between"},
      {"--backbone", "backbone", "Name, model folder or .gguf file (default smollm2-135m)"},
      {"--data", "data",
       "Folder with the ot-full files, or 'sample' (default $TELORA_DATA or the data folder)"},
      {"--split-method", "split_method", "group (default), sk, py or hf"},
      {"--seed", "seed", "Seed of initialisation, row order and dropout (default 42)"},
      {"--max-steps", "max_steps", "Stop after so many optimiser steps"},
      {"--device", "device", "cpu (default), or cuda in a program built for it"},
      {"--loss", "loss", "answer (default), or full: over the prompt too, for replication"},
  };
  return kFlags;
}

std::vector<RunRequest> make_requests(const TrainFlags& flags) {
  std::vector<RunRequest> requests =
      flags.resume.empty() ? fresh_requests(flags) : resumed_requests(flags);
  for (RunRequest& request : requests) {
    request.evaluate_test = !flags.no_eval;
    request.profile = flags.profile;
    request.dump_batches = flags.dump_batches;
    request.save_initial = flags.save_initial;
  }
  return requests;
}

}  // namespace telora
