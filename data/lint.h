#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/category.h"
#include "data/source.h"

namespace telora {

// Rows that have something in common, in clusters of at least two.
struct SharedRows {
  size_t rows = 0;
  size_t clusters = 0;
  size_t largest = 0;      // rows of the largest cluster
  size_t conflicting = 0;  // clusters whose gold answers differ
};

// A count of test rows for every split of CategoryLint::methods.
using BySplit = std::vector<size_t>;

// Rows with at least one near-duplicate, and test rows with one in training.
struct NearRows {
  size_t rows = 0;
  BySplit leaked;
};

// Two rows at least that say the same and are answered differently.
using Conflict = std::vector<size_t>;

// What is doubled or broken in the rows of one category. Counts of clusters are over all rows;
// questions are compared as compared_text() gives them unless said otherwise.
struct CategoryLint {
  std::string category;
  std::string origin;
  std::string sha256;
  size_t rows = 0;
  std::vector<std::string> methods;  // splits that leaks were counted for, seed 42
  BySplit test_rows;

  SharedRows same_question;
  SharedRows same_raw_question;       // byte for byte, the whole question
  SharedRows same_item;               // letters: question and set of options
  SharedRows same_options;            // letters: the set of options, whatever the question
  SharedRows same_source;             // equal source_fields, where rows of one source share a group
  SharedRows same_template;           // numbers: equal but for the numbers in the question
  size_t templates = 0;               // numbers: different questions once their numbers are masked
  NearRows near_words;                // five words
  NearRows near_characters;           // five characters
  NearRows near_items;                // letters: question and options together, five words
  size_t near_pairs = 0;              // numbers: pairs of rows, five characters
  size_t near_pairs_same_answer = 0;  // … within 1 %

  size_t groups = 0;
  size_t largest_group = 0;
  double effective_rows = 0;  // independent rows that would tell as much (data/grouping.h)
  BySplit group_leaks;   // test rows whose group is in training too
  BySplit answer_leaks;  // … whose question and gold answer are
  BySplit option_leaks;  // letters: … whose set of options is
  BySplit source_leaks;  // … whose source is
  BySplit item_leaks;    // … that are exactly a training row (data/leaks.h)

  std::vector<size_t> empty_questions;   // rows, ascending
  std::vector<size_t> title_questions;   // rows that share a question of at most two words
  std::vector<size_t> repeated_options;  // one text twice among the options
  std::vector<size_t> repeated_gold;     // … and it is the gold one: a right answer can be wrong
  std::vector<size_t> equal_options;     // all options are one text
  std::vector<Conflict> conflicts;       // classes: one question, several classes
  bool answers_follow_rows = false;      // classes: the row's number tells its class
  std::vector<std::string> telling_fields;  // fields of the rows that betray the answer

  std::optional<size_t> lite_rows;  // published small file, where it is known
  BySplit lite_in_training;         // those of which training has a copy
};

struct LintRequest {
  std::string method;  // a split besides py, hf and sk
  std::optional<std::filesystem::path> lite;
};

// Throws as make_split(), and as published_lite_rows() where a folder is given.
CategoryLint lint_category(const Category& category, const DataSet& data,
                           const LintRequest& request);

// Normalised questions that more than one of the categories asks.
size_t shared_questions(const std::vector<std::pair<const Category*, const DataSet*>>& sets);

}  // namespace telora
