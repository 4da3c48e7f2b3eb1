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

TaskKind read_kind(Fields& fields) {
  const std::string kind = fields.string("kind", {"letters", "classes", "number"});
  if (kind == "letters") return TaskKind::kLetters;
  return kind == "classes" ? TaskKind::kClasses : TaskKind::kNumber;
}

void read_parsers(Fields& fields, Category& category) {
  category.parser = fields.string("parser", answer_parser_names());
  category.other_parsers = fields.strings("other_parsers");
  const std::vector<std::string> known = answer_parser_names();
  for (const std::string& name : answer_parsers_of(category)) {
    const bool official = name == category.parser;
    if (std::ranges::find(known, name) == known.end() ||
        find_answer_parser(name).kind != category.kind) {
      fields.fail(official ? "parser" : "other_parsers", printable(name, 60),
                  "a parser of this kind of answer");
    }
  }
}

// The part of a category that several share.
Category read_format(Fields fields) {
  Category category;
  category.kind = read_kind(fields);
  if (fields.has("system")) category.system = fields.string("system");
  category.prompt = fields.string("prompt");
  category.target = fields.string("target");
  read_parsers(fields, category);
  category.max_new_tokens = fields.integer("max_new_tokens", kTokens);
  fields.finish();
  std::vector<std::string> parts = {"{question}"};
  if (category.kind == TaskKind::kLetters) parts = {"{letters}", "{question}", "{choices}"};
  require_placeholders(fields, "prompt", category.prompt, parts);
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

bool has_field(const Category& category, const std::string& name, std::string_view type) {
  const auto found = std::ranges::find(category.fields, name, &RowField::name);
  return found != category.fields.end() && (type.empty() || found->type == type);
}

void read_fields(Fields& fields, Category& category) {
  category.fields = read_row_fields(fields.object("fields"));
  if (!fields.has("telling_fields")) return;
  category.telling_fields = fields.strings("telling_fields");
  for (const std::string& name : category.telling_fields) {
    if (!has_field(category, name, "")) {
      fields.fail("telling_fields", name, "names of fields of this category");
    }
  }
}

void read_grouping(Fields& fields, Category& category) {
  category.grouping = fields.string(
      "grouping",
      {"similar", "similar-or-source", "similar-or-masked", "source", "episode", "class-cycle"});
  category.source_fields = fields.strings("source_fields");
  for (const std::string& name : category.source_fields) {
    if (!has_field(category, name, "string")) {
      fields.fail("source_fields", name, "names of string fields of this category");
    }
  }
  if (fields.has("similar_after")) category.similar_after = fields.string("similar_after");
  if (fields.has("similar_tables")) category.similar_tables = fields.boolean("similar_tables");
  if (category.grouping == "class-cycle" && category.kind != TaskKind::kClasses) {
    fields.fail("grouping", category.grouping, "one for categories without classes");
  }
  if (category.grouping == "episode") {
    category.episode_lengths = fields.integers("episode_lengths", {.min = 1, .max = 1 << 20});
    if (category.source_fields.size() != 1) {
      fields.fail("source_fields", fmt::format("{} fields", category.source_fields.size()),
                  "the one that holds the task id");
    }
  }
}

// What may be answered, as far as the rows do not say it.
void read_answers(Fields& fields, Category& category) {
  if (category.kind == TaskKind::kLetters) {
    category.usual_options = fields.integer("usual_options", {.min = 2, .max = 26});
  }
  if (category.kind != TaskKind::kClasses) return;
  category.classes = fields.strings("classes");
  const std::set<std::string> distinct(category.classes.begin(), category.classes.end());
  if (distinct.size() < 2 || distinct.size() != category.classes.size()) {
    fields.fail("classes", fmt::format("{} distinct names", distinct.size()),
                "at least two, all different");
  }
}

LiteDraw read_lite(Fields fields) {
  LiteDraw draw;
  draw.of_rows = fields.integer("of_rows", {.min = 1, .max = int64_t{1} << 31});
  draw.rows = fields.integer("rows", {.min = 1, .max = draw.of_rows});
  draw.seed = static_cast<uint64_t>(fields.integer("seed", {.min = 0}));
  fields.finish();
  return draw;
}

Category read_category(Fields fields, const std::map<std::string, Category>& formats,
                       const std::vector<std::string>& format_names) {
  Category category = formats.at(fields.string("format", format_names));
  category.name = fields.string("name");
  category.aliases = fields.strings("aliases");
  category.file = fields.string("file");
  read_fields(fields, category);
  read_answers(fields, category);
  read_grouping(fields, category);
  if (fields.has("lite")) category.lite = read_lite(fields.object("lite"));
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

std::vector<std::string> answer_parsers_of(const Category& category) {
  std::vector<std::string> names = {category.parser};
  names.insert(names.end(), category.other_parsers.begin(), category.other_parsers.end());
  if (category.kind != TaskKind::kLetters) return names;
  // Letters are read alike in every category; how classes are written differs.
  for (const std::string& name : answer_parser_names()) {
    const bool letters = find_answer_parser(name).kind == TaskKind::kLetters;
    if (letters && std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
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
