#include "data/category.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "core/document.h"
#include "core/embedded.h"
#include "core/error.h"
#include "core/text.h"
#include "data/answer_parser.h"

namespace telora {

namespace {

constexpr Range<int64_t> kTokens = {.min = 1, .max = 1 << 20};

void require_placeholders(const Fields& fields, const std::string& key, const std::string& text,
                          const std::vector<std::string>& placeholders) {
  for (const std::string& placeholder : placeholders) {
    const size_t first = text.find(placeholder);
    if (first == std::string::npos || text.find(placeholder, first + 1) != std::string::npos) {
      fields.fail(key, printable(text, 60), fmt::format("{} exactly once", placeholder));
    }
  }
}

// The part of a category that several share.
Category read_format(Fields fields) {
  Category category;
  const bool letters = fields.string("kind", {"letters", "classes"}) == "letters";
  category.kind = letters ? TaskKind::kLetters : TaskKind::kClasses;
  category.prompt = fields.string("prompt");
  category.target = fields.string("target");
  category.parser = fields.string("parser", answer_parser_names());
  category.max_new_tokens = fields.integer("max_new_tokens", kTokens);
  fields.finish();
  const std::vector<std::string> letter_parts = {"{letters}", "{question}", "{choices}"};
  const std::vector<std::string> class_parts = {"{question}"};
  require_placeholders(fields, "prompt", category.prompt, letters ? letter_parts : class_parts);
  require_placeholders(fields, "target", category.target, {"{answer}"});
  return category;
}

std::vector<RowField> read_row_fields(Fields fields) {
  std::vector<RowField> known;
  for (const std::string& name : fields.keys()) {
    known.push_back(
        {name, fields.string(name, {"string", "boolean", "integer", "number", "strings"})});
  }
  return known;
}

void read_grouping(Fields& fields, Category& category) {
  category.grouping =
      fields.string("grouping", {"similar", "similar-or-source", "source", "episode"});
  category.source_fields = fields.strings("source_fields");
  for (const std::string& name : category.source_fields) {
    const auto is_named = [&](const RowField& field) { return field.name == name; };
    const auto found = std::ranges::find_if(category.fields, is_named);
    if (found == category.fields.end() || found->type != "string") {
      fields.fail("source_fields", name, "names of string fields of this category");
    }
  }
  if (fields.has("similar_after")) category.similar_after = fields.string("similar_after");
  if (category.grouping == "episode") {
    category.episode_lengths = fields.integers("episode_lengths", {.min = 1, .max = 1 << 20});
    if (category.source_fields.size() != 1) {
      fields.fail("source_fields", fmt::format("{} fields", category.source_fields.size()),
                  "the one that holds the task id");
    }
  }
}

void read_classes(Fields& fields, Category& category) {
  if (category.kind != TaskKind::kClasses) return;
  category.classes = fields.strings("classes");
  const std::set<std::string> distinct(category.classes.begin(), category.classes.end());
  if (distinct.size() < 2 || distinct.size() != category.classes.size()) {
    fields.fail("classes", fmt::format("{} distinct names", distinct.size()),
                "at least two, all different");
  }
}

Category read_category(Fields fields, const std::map<std::string, Category>& formats,
                       const std::vector<std::string>& format_names) {
  Category category = formats.at(fields.string("format", format_names));
  category.name = fields.string("name");
  category.aliases = fields.strings("aliases");
  category.file = fields.string("file");
  category.fields = read_row_fields(fields.object("fields"));
  read_classes(fields, category);
  read_grouping(fields, category);
  category.max_length = fields.integer("max_length", kTokens);
  category.max_epochs = fields.integer("max_epochs", {.min = 1, .max = 1000});
  fields.finish();
  return category;
}

std::vector<std::string> names_of(const Category& category) {
  std::vector<std::string> names = {category.name};
  names.insert(names.end(), category.aliases.begin(), category.aliases.end());
  return names;
}

}  // namespace

std::vector<Category> parse_categories(std::string_view yaml, std::string file) {
  Fields root(Document::parse_yaml(yaml, std::move(file)));
  Fields format_table = root.object("formats");
  const std::vector<std::string> format_names = format_table.keys();
  std::map<std::string, Category> formats;
  for (const std::string& name : format_names) {
    formats[name] = read_format(format_table.object(name));
  }
  std::vector<Category> result;
  std::set<std::string> taken;
  for (Fields& fields : root.objects("categories")) {
    result.push_back(read_category(fields, formats, format_names));
    for (const std::string& name : names_of(result.back())) {
      if (!taken.insert(name).second) fields.fail("name", name, "a name that is not taken yet");
    }
  }
  root.finish();
  return result;
}

const std::vector<Category>& categories() {
  static const std::vector<Category> table =
      parse_categories(embedded_file("configs/categories.yaml"), "configs/categories.yaml");
  return table;
}

const Category& find_category(std::string_view name) {
  std::vector<std::string> known;
  std::string list;
  for (const Category& category : categories()) {
    for (const std::string& alias : names_of(category)) {
      if (alias == name) return category;
      known.push_back(alias);
    }
    list += (list.empty() ? "" : ", ") + category.name;
  }
  const std::string near = nearest(name, known);
  fail(ErrorKind::kUsage, {.file = {}, .field = "category"}, printable(name, 60), "one of " + list,
       near.empty() ? "" : fmt::format("did you mean {}?", near));
}

}  // namespace telora
