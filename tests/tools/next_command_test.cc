#include "tools/next_command.h"

#include <gtest/gtest.h>

namespace telora {
namespace {

TEST(ShellWord, QuotesWhatAShellWouldTakeApart) {
  EXPECT_EQ(shell_word("runs/oran-bench-r16-1"), "runs/oran-bench-r16-1");
  EXPECT_EQ(shell_word("my runs"), "'my runs'");
  EXPECT_EQ(shell_word("it's"), "'it'\\''s'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("$HOME"), "'$HOME'");
}

TEST(SiblingProgram, StandsBesideThisOne) {
  EXPECT_EQ(sibling_program("build/bin/lora-train", "lora-eval"), "build/bin/lora-eval");
  EXPECT_EQ(sibling_program("lora-train", "lora-eval"), "lora-eval");
  EXPECT_EQ(sibling_program("/", "lora-eval"), "/lora-eval");
}

Recipe default_recipe() {
  RecipeSources sources;
  sources.flags = {{"category", "oran-bench"}};
  return load_recipe(sources);
}

TEST(ScoringArguments, DefaultsAreLeftOut) {
  EXPECT_EQ(scoring_arguments(default_recipe(), "runs/a"),
            "--category oran-bench --adapter runs/a");
}

TEST(ScoringArguments, WhatDiffersIsNamed) {
  Recipe recipe = default_recipe();
  recipe.data = "sample";
  recipe.split_method = "sk";
  recipe.split_seed = 7;
  recipe.backbone = "my model.gguf";
  recipe.precision = "f32";
  recipe.device = "cuda";
  EXPECT_EQ(scoring_arguments(recipe, "runs/a b"),
            "--category oran-bench --adapter 'runs/a b' --data sample --split-method sk "
            "--split-seed 7 --backbone 'my model.gguf' --precision f32 --device cuda");
}

}  // namespace
}  // namespace telora
