#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/task_kind.h"

namespace telora {

// A field that rows of a category may have besides question, choices and answer.
struct RowField {
  std::string name;
  std::string type;  // string | boolean | integer | number | strings
};

// How a published small file was drawn: the first `rows` of NumPy's PCG64 permutation of the full
// file's rows.
struct LiteDraw {
  int64_t rows = 0;
  int64_t of_rows = 0;
  uint64_t seed = 0;
};

// One benchmark category: a row of configs/categories.yaml.
struct Category {
  std::string name;                  // as users type it: "6g-bench"
  std::vector<std::string> aliases;  // the data set's names: "sixg_bench"
  std::string file;                  // "sixg_bench" (+ .jsonl or .jsonl.gz)
  TaskKind kind = TaskKind::kLetters;
  std::string system;                // system message; empty: none
  std::string prompt;                // template with {letters} {question} {choices}, or {question}
  std::string target;                // template of the wanted completion, with {answer}
  std::vector<std::string> classes;  // kClasses: the allowed answers
  int64_t usual_options = 0;         // kLetters: how many options most rows offer
  std::string parser;                // name of the official answer parser
  std::vector<std::string> other_parsers;   // those that read the same completions otherwise
  std::vector<RowField> fields;             // the other fields a row may have
  std::vector<std::string> telling_fields;  // those that betray the answer
  std::string grouping;                     // one of grouping_names() (data/grouping.h)
  std::vector<std::string>
      source_fields;            // fields that say where a row came from; every row has them
  std::string similar_after;    // questions are compared from this text on; empty = from the start
  bool similar_tables = false;  // only the tables' rows of numbers in the questions are compared
  std::vector<int64_t> episode_lengths;  // grouping episode: rows of each episode of the full file
  std::optional<LiteDraw> lite =
      std::nullopt;  // none: it is not known how the small file was drawn
  int64_t max_new_tokens = 16;
  int64_t max_length = 1024;
  int64_t max_epochs = 5;
};

// All categories, from the table built into the program (configs/categories.yaml).
const std::vector<Category>& categories();

// By name or alias. Throws Error(usage) naming the nearest.
const Category& find_category(std::string_view name);

// The parsers that can read the category's answers, the official one first.
std::vector<std::string> answer_parsers_of(const Category& category);

// Reads such a table. Throws Error(config) naming the file, the field, and line and column.
std::vector<Category> parse_categories(std::string_view yaml, std::string file);

}  // namespace telora
