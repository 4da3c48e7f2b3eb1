#include "data/reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/document.h"
#include "core/error.h"
#include "core/files.h"

namespace telora {

namespace {

constexpr size_t kMinOptions = 2;
constexpr size_t kMaxOptions = 10;

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \t\r") == std::string_view::npos;
}

void check_type(Fields& fields, const RowField& field) {
  if (field.type == "string") {
    fields.string(field.name);
  } else if (field.type == "boolean") {
    fields.boolean(field.name);
  } else if (field.type == "integer") {
    fields.integer(field.name);
  } else if (field.type == "number") {
    fields.number(field.name);
  } else {
    fields.strings(field.name);
  }
}

void read_letters(Fields& fields, Example& example) {
  example.options = fields.strings("choices");
  const size_t count = example.options.size();
  if (count < kMinOptions || count > kMaxOptions) {
    fields.fail("choices", fmt::format("{} options", count),
                fmt::format("{} to {}", kMinOptions, kMaxOptions));
  }
  const auto last = static_cast<int64_t>(count) - 1;
  example.answer = static_cast<size_t>(fields.integer("answer", {.min = 0, .max = last}));
}

void read_class(Fields& fields, const Category& category, Example& example) {
  const std::string answer = fields.string("answer", category.classes);
  const auto found = std::ranges::find(category.classes, answer);
  example.options = category.classes;
  example.answer = static_cast<size_t>(found - category.classes.begin());
}

void read_answer(Fields& fields, const Category& category, Example& example) {
  switch (category.kind) {
    case TaskKind::kLetters:
      return read_letters(fields, example);
    case TaskKind::kClasses:
      return read_class(fields, category, example);
    case TaskKind::kNumber:
      fields.number("answer");
      example.number = fields.raw("answer").dump();
  }
}

Example read_row(const Document& document, const Category& category, size_t row) {
  Fields fields(document);
  Example example;
  example.id = fmt::format("{}/{}", category.name, row);
  example.row = row;
  example.question = fields.string("question");
  read_answer(fields, category, example);
  for (const RowField& field : category.fields) {
    if (fields.has(field.name)) check_type(fields, field);
  }
  for (const std::string& name : category.source_fields) {
    example.source.push_back(fields.string(name));
  }
  fields.finish();
  return example;
}

class RowCollector {
 public:
  RowCollector(std::string file, const Category& category)
      : file_(std::move(file)), category_(category) {}

  void add(std::string_view line, int number) {
    if (is_blank(line)) return;
    const Document document = Document::parse_json(line, file_, number);
    examples_.push_back(read_row(document, category_, examples_.size()));
  }

  std::vector<Example> finish() {
    if (examples_.empty()) {
      fail(ErrorKind::kMissing, {.file = file_, .field = "rows"}, "none", "one JSON object a line",
           "is this the right file?");
    }
    return std::move(examples_);
  }

 private:
  std::string file_;
  const Category& category_;
  std::vector<Example> examples_;
};

}  // namespace

std::vector<Example> read_examples(const std::filesystem::path& path, const Category& category) {
  RowCollector rows(path.string(), category);
  for_each_line(path, [&](std::string_view line, int number) { rows.add(line, number); });
  return rows.finish();
}

std::vector<Example> read_examples(const std::vector<std::string>& lines, const std::string& name,
                                   const Category& category) {
  RowCollector rows(name, category);
  for (size_t i = 0; i < lines.size(); ++i) rows.add(lines[i], static_cast<int>(i) + 1);
  return rows.finish();
}

}  // namespace telora
