#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace telora {

enum class TaskKind { kLetters, kClasses };

// A field that rows of a category may have besides question, choices and answer.
struct RowField {
  std::string name;
  std::string type;  // string | boolean | integer | number | strings
};

// One benchmark category: a row of configs/categories.yaml.
struct Category {
  std::string name;                  // as users type it: "6g-bench"
  std::vector<std::string> aliases;  // the data set's names: "sixg_bench"
  std::string file;                  // "sixg_bench" (+ .jsonl or .jsonl.gz)
  TaskKind kind = TaskKind::kLetters;
  std::string prompt;                // template with {letters} {question} {choices}, or {question}
  std::string target;                // template of the wanted completion, with {answer}
  std::vector<std::string> classes;  // kClasses: the allowed answers
  std::string parser;                // name of the official answer parser
  std::vector<RowField> fields;      // the other fields a row may have
  std::string grouping;  // similar | similar-or-source | source | episode (data/grouping.h)
  std::vector<std::string>
      source_fields;          // fields that say where a row came from; every row has them
  std::string similar_after;  // questions are compared from this text on; empty = from the start
  std::vector<int64_t> episode_lengths;  // grouping episode: rows of each episode of the full file
  int64_t max_new_tokens = 16;
  int64_t max_length = 1024;
  int64_t max_epochs = 5;
};

// All categories, from the table built into the program (configs/categories.yaml).
const std::vector<Category>& categories();

// By name or alias. Throws Error(usage) naming the nearest.
const Category& find_category(std::string_view name);

// Reads such a table. Throws Error(config) naming the file, the field, and line and column.
std::vector<Category> parse_categories(std::string_view yaml, std::string file);

}  // namespace telora
