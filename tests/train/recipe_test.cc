#include "train/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "backbone/decoder_spec.h"
#include "core/embedded.h"
#include "core/error.h"
#include "data/category.h"
#include "train/recipe_keys.h"
#include "train/schedule.h"

namespace telora {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string message_of(const std::function<void()>& body, ErrorKind kind) {
  try {
    body();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

std::string config_message(const RecipeSources& sources) {
  return message_of([&] { load_recipe(sources); }, ErrorKind::kConfig);
}

RecipeSources with(std::vector<std::string> settings) {
  return {.config = {}, .settings = std::move(settings), .flags = {{"category", "6g-bench"}}};
}

class ConfigFile {
 public:
  explicit ConfigFile(const std::string& text) {
    std::string pattern = (std::filesystem::temp_directory_path() / "recipe-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
    std::ofstream(path()) << text;
  }
  ~ConfigFile() { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "mine.yaml").string(); }

 private:
  std::filesystem::path folder_;
};

std::vector<ModuleShape> small_layers() {
  return {{"model.layers.0.self_attn.q_proj", 64, 64},
          {"model.layers.0.self_attn.k_proj", 64, 32},
          {"model.layers.0.mlp.down_proj", 128, 64},
          {"model.layers.1.self_attn.q_proj", 64, 64}};
}

Recipe small_recipe() { return load_recipe(with({"target_modules=[q_proj, down_proj]"})); }

TEST(Recipe, DefaultsAreThoseOfTheBuiltInFile) {
  const Recipe recipe = load_recipe(with({}));
  EXPECT_EQ(recipe.category, "6g-bench");
  EXPECT_EQ(recipe.rank, 16);
  EXPECT_EQ(recipe.learning_rate, 5e-4);
  EXPECT_EQ(recipe.epsilon, 1e-8);
  EXPECT_EQ(recipe.batch_size, 16);
  EXPECT_EQ(recipe.loss, "answer");
  EXPECT_EQ(recipe.selection_metric, "selection_accuracy");
  EXPECT_EQ(recipe.split_method, "group");
  EXPECT_EQ(recipe.alpha, kAuto);
  EXPECT_EQ(recipe.dropout, kAuto);
  EXPECT_EQ(recipe.target_modules.size(), 7u);
}

TEST(Recipe, TheCategoryDecidesLengthsAndEpochs) {
  for (const Category& category : categories()) {
    const Recipe recipe =
        load_recipe({.config = {}, .settings = {}, .flags = {{"category", category.name}}});
    EXPECT_EQ(recipe.epochs, category.max_epochs) << category.name;
    EXPECT_EQ(recipe.max_length, category.max_length) << category.name;
    EXPECT_EQ(recipe.max_new_tokens, category.max_new_tokens) << category.name;
  }
  EXPECT_EQ(load_recipe(with({"epochs=9"})).epochs, 9);
}

TEST(Recipe, AnAliasBecomesTheCategorysName) {
  const Recipe recipe =
      load_recipe({.config = {}, .settings = {"category=sixg_bench"}, .flags = {}});
  EXPECT_EQ(recipe.category, "6g-bench");
}

TEST(Recipe, LaterSourcesWin) {
  const ConfigFile file("category: 6g-bench\nrank: 4\nbatch_size: 8\nseed: 1\n");
  const Recipe recipe = load_recipe({.config = file.path(),
                                     .settings = {"rank=8", "batch_size=32", "rank=12"},
                                     .flags = {{"batch_size", "64"}}});
  EXPECT_EQ(recipe.seed, 1);
  EXPECT_EQ(recipe.rank, 12);
  EXPECT_EQ(recipe.batch_size, 64);
}

TEST(Recipe, ValuesOfSetAreYaml) {
  const Recipe recipe = load_recipe(with({"learning_rate=3e-4", "dropout=0.1", "alpha=8",
                                          "target_modules=[q_proj, v_proj]", "data=some/where"}));
  EXPECT_EQ(recipe.learning_rate, 3e-4);
  EXPECT_EQ(recipe.alpha, 8);
  EXPECT_EQ(recipe.data, "some/where");
  EXPECT_THAT(recipe.target_modules, ElementsAre("q_proj", "v_proj"));
  EXPECT_THAT(load_recipe(with({"target_modules=q_proj,o_proj"})).target_modules,
              ElementsAre("q_proj", "o_proj"));
}

TEST(Recipe, FlagsOfTextAreTakenAsTheyStand) {
  RecipeSources sources = with({});
  for (const char* path : {"/a b/c: d", "123", "true", "null", "auto", "#x", "[a]", "été.gguf"}) {
    sources.flags = {{"category", "6g-bench"}, {"data", path}};
    EXPECT_EQ(load_recipe(sources).data, path);
  }
}

TEST(Recipe, WithoutACategoryNamesThemAll) {
  const std::string message = message_of([] { load_recipe({}); }, ErrorKind::kUsage);
  EXPECT_THAT(message, AllOf(HasSubstr("--category"), HasSubstr("teleqna")));
}

TEST(Recipe, UnknownKeysNameFileAndNearest) {
  const ConfigFile file("category: 6g-bench\nlearning_rat: 1e-4\n");
  EXPECT_THAT(config_message({.config = file.path(), .settings = {}, .flags = {}}),
              AllOf(HasSubstr("mine.yaml"), HasSubstr("learning_rat"), HasSubstr("learning_rate")));
  EXPECT_THAT(config_message(with({"bach_size=4"})),
              AllOf(HasSubstr("--set"), HasSubstr("bach_size"), HasSubstr("batch_size")));
}

TEST(Recipe, EveryRangeIsKept) {
  const struct {
    const char* setting;
    const char* found;
  } cases[] = {{"rank=0", "0"},           {"rank=-4", "-4"},
               {"rank=1.5", "1.5"},       {"rank=true", "true"},
               {"learning_rate=0", "0"},  {"learning_rate=-1", "-1"},
               {"learning_rate=2", "2"},  {"batch_size=0", "0"},
               {"max_steps=-1", "-1"},    {"dropout=1", "1"},
               {"dropout=-0.5", "-0.5"},  {"alpha=0", "0"},
               {"alpha=-1", "-1"},        {"epochs=0", "0"},
               {"epochs=-1", "-1"},       {"beta1=1", "1"},
               {"loss=prompt", "prompt"}, {"precision=fp16", "fp16"},
               {"schedule=poly", "poly"}, {"split_method=kfold", "kfold"},
               {"device=gpu", "gpu"}};
  for (const auto& [setting, found] : cases) {
    const std::string name(setting, std::string_view(setting).find('='));
    EXPECT_THAT(config_message(with({setting})),
                AllOf(HasSubstr("--set"), HasSubstr(name), HasSubstr(found), HasSubstr("want")))
        << setting;
  }
}

TEST(Recipe, WhatIsNoNumberIsRefused) {
  for (const char* setting :
       {"learning_rate=.nan", "learning_rate=.inf", "learning_rate=", "rank=0x10000000000000000",
        "rank=99999999999999999999", "rank=auto", "rank=[4]", "rank={a: 1}", "target_modules=[]",
        "backbone=", "target_modules=[q_proj, q_proj]", "target_modules=[1]"}) {
    config_message(with({setting}));
  }
}

TEST(Recipe, SetNeedsKeyAndOneValue) {
  for (const char* setting : {"rank", "=4", "", "rank\xff=4"}) {
    message_of([&] { load_recipe(with({setting})); }, ErrorKind::kUsage);
  }
  EXPECT_ANY_THROW(load_recipe(with({"rank=4\nseed: 3"})));
}

TEST(Recipe, DuplicateKeysInAFileAreRefused) {
  const ConfigFile file("category: 6g-bench\nrank: 4\nrank: 8\n");
  EXPECT_THAT(config_message({.config = file.path(), .settings = {}, .flags = {}}),
              AllOf(HasSubstr("mine.yaml"), HasSubstr("rank")));
}

TEST(Recipe, ResolveFillsAlphaAndDropout) {
  Recipe recipe = resolve_recipe(small_recipe(), 2000, small_layers());
  EXPECT_EQ(recipe.alpha, 32);
  EXPECT_EQ(recipe.dropout, 0);
  recipe = resolve_recipe(small_recipe(), 1999, small_layers());
  EXPECT_EQ(recipe.dropout, 0.05);
  recipe = small_recipe();
  recipe.alpha = 5;
  recipe.dropout = 0.25;
  recipe = resolve_recipe(recipe, 1, small_layers());
  EXPECT_EQ(recipe.alpha, 5);
  EXPECT_EQ(recipe.dropout, 0.25);
}

TEST(Recipe, AllLinearBecomesNames) {
  Recipe recipe = small_recipe();
  recipe.target_modules = {"all-linear"};
  EXPECT_THAT(resolve_recipe(recipe, 10, small_layers()).target_modules,
              ElementsAre("q_proj", "k_proj", "down_proj"));
}

TEST(Recipe, RankFitsTheSmallestTargetedLayer) {
  Recipe recipe = small_recipe();
  recipe.rank = 64;
  EXPECT_EQ(resolve_recipe(recipe, 10, small_layers()).rank, 64);
  recipe.target_modules.push_back("k_proj");
  EXPECT_THAT(message_of([&] { resolve_recipe(recipe, 10, small_layers()); }, ErrorKind::kConfig),
              AllOf(HasSubstr("rank"), HasSubstr("64"), HasSubstr("32"),
                    HasSubstr("model.layers.0.self_attn.k_proj")));
  recipe.rank = 0;
  EXPECT_THAT(message_of([&] { resolve_recipe(recipe, 10, small_layers()); }, ErrorKind::kConfig),
              HasSubstr("rank"));
}

TEST(Recipe, TargetsMustExist) {
  Recipe recipe = small_recipe();
  recipe.target_modules = {"q_proj", "query"};
  EXPECT_THAT(message_of([&] { resolve_recipe(recipe, 10, small_layers()); }, ErrorKind::kConfig),
              AllOf(HasSubstr("query"), HasSubstr("k_proj")));
}

TEST(Recipe, AnEmptyStructIsNotARecipe) {
  message_of([] { resolve_recipe(Recipe{}, 10, small_layers()); }, ErrorKind::kConfig);
}

TEST(Recipe, YamlReadsBackAsTheSameStruct) {
  Recipe recipe = resolve_recipe(small_recipe(), 100, small_layers());
  for (const char* text : {"plain", "true", "null", "auto", "~", "12", "1e3", ".5", "a: b", "# c",
                           "- d", "été", "\"q\"", "it's", "tab\there", "C:\\x", " pad ", "[x]"}) {
    recipe.data = text;
    recipe.backbone = text;
    EXPECT_EQ(read_recipe(to_yaml(recipe), "recipe.yaml"), recipe) << to_yaml(recipe);
  }
  recipe.learning_rate = 1.0 / 3;
  recipe.epsilon = 5e-324;
  recipe.alpha = 0.1 + 0.2;
  EXPECT_EQ(read_recipe(to_yaml(recipe), "recipe.yaml"), recipe);
  EXPECT_EQ(read_recipe(to_yaml(default_recipe()), "recipe.yaml"), default_recipe());
}

TEST(Recipe, YamlHoldsEveryKeyAndReadingNeedsEveryKey) {
  const std::string yaml = to_yaml(small_recipe());
  for (const RecipeKey& key : recipe_keys()) {
    const size_t begin = ("\n" + yaml).find("\n" + std::string(key.name) + ": ");
    ASSERT_NE(begin, std::string::npos) << key.name;
    std::string without = yaml;
    without.erase(begin, without.find('\n', begin) + 1 - begin);
    EXPECT_THAT(message_of([&] { read_recipe(without, "recipe.yaml"); }, ErrorKind::kConfig),
                AllOf(HasSubstr("recipe.yaml"), HasSubstr(std::string(key.name))));
  }
}

TEST(Recipe, DigestChangesWithASetting) {
  const std::string digest = recipe_digest(small_recipe());
  EXPECT_EQ(digest.size(), 64u);
  EXPECT_EQ(digest, recipe_digest(small_recipe()));
  for (const char* setting : {"seed=43", "threads=1", "data=x", "loss=full", "min_delta=1e-9",
                              "target_modules=[q_proj]", "alpha=32"}) {
    RecipeSources sources = with({"target_modules=[q_proj, down_proj]", setting});
    EXPECT_NE(recipe_digest(load_recipe(sources)), digest) << setting;
  }
}

TEST(Recipe, ASettingChangesNothingElse) {
  const Recipe changed = load_recipe(with({"split_seed=7", "keep_checkpoints=9", "patience=8"}));
  Recipe copy = default_recipe();
  copy.category = "6g-bench";
  copy.split_seed = 7;
  copy.keep_checkpoints = 9;
  copy.patience = 8;
  copy.epochs = changed.epochs;
  copy.max_length = changed.max_length;
  copy.max_new_tokens = changed.max_new_tokens;
  EXPECT_EQ(changed, copy);
}

TEST(Recipe, SchedulesAreThoseThatExist) {
  for (const char* name : {"cosine", "linear", "constant"}) {
    EXPECT_EQ(load_recipe(with({std::string("schedule=") + name})).schedule, name);
    EXPECT_NO_THROW(parse_schedule_shape(name));
  }
}

TEST(Recipe, HelpListsEveryKey) {
  const std::string help = recipe_help();
  for (const RecipeKey& key : recipe_keys()) {
    EXPECT_THAT(help, HasSubstr("\n  " + std::string(key.name) + ": ")) << key.name;
    EXPECT_THAT(help, HasSubstr(std::string(key.doc)));
  }
}

TEST(Recipe, ThePaperRecipeIsTheReplication) {
  const ConfigFile file(std::string(embedded_file("configs/recipes/paper.yaml")));
  const Recipe recipe =
      load_recipe({.config = file.path(), .settings = {}, .flags = {{"category", "teleqna"}}});
  EXPECT_EQ(recipe.loss, "full");
  EXPECT_EQ(recipe.selection_metric, "loss");
  EXPECT_EQ(recipe.split_method, "sk");
  EXPECT_EQ(recipe.alpha, 32);
  EXPECT_EQ(recipe.epochs, 3);
}

}  // namespace
}  // namespace telora
