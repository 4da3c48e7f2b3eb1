#include "tools/eval_parse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "core/document.h"
#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "data/answer_parser.h"
#include "data/category.h"
#include "data/prompt.h"

namespace telora {

namespace {

constexpr int64_t kMostOptions = 26;

struct ParseFlags {
  std::string category, parser, file;
  bool json = false;
};

// A completion and what the parser makes of it.
struct ParsedLine {
  std::string id, gold;
  ReadAnswer answer;
};

CLI::App* add_flags(CLI::App& app, ParseFlags& flags) {
  CLI::App* parse = app.add_subcommand(
      "parse", "Show what an answer parser reads in each completion of a JSON Lines file");
  parse->add_option("--category", flags.category, "Benchmark category")->required();
  parse->add_option("--parser", flags.parser,
                    "Answer parser (default: the category's official one)");
  parse
      ->add_option(
          "file", flags.file,
          "Lines of {\"id\", \"output\", \"gold\"}, for letters also \"options\", their number")
      ->required();
  parse->add_flag("--json", flags.json, "Lines of {\"id\", \"parsed\", \"correct\"}");
  return parse;
}

std::string checked_parser(const ParseFlags& flags, const Category& category) {
  if (flags.parser.empty()) return category.parser;
  const std::string name(find_answer_parser(flags.parser).name);
  const std::vector<std::string> known = answer_parsers_of(category);
  if (std::ranges::find(known, name) == known.end()) {
    fail(ErrorKind::kUsage, {.file = {}, .field = "parser"}, name,
         fmt::format("one that reads answers of {}: {}", category.name, fmt::join(known, ", ")));
  }
  return name;
}

// What may be chosen: letters need only the number of texts.
std::vector<std::string> options_of(Fields& fields, const Category& category) {
  if (category.kind != TaskKind::kLetters) return category.classes;
  const bool given = fields.has("options");
  const int64_t count =
      given ? fields.integer("options", {.min = 2, .max = kMostOptions}) : category.usual_options;
  return std::vector<std::string>(static_cast<size_t>(count));
}

std::string read_gold(Fields& fields, const Category& category,
                      const std::vector<std::string>& options) {
  if (category.kind == TaskKind::kClasses) return fields.string("gold", options);
  if (category.kind == TaskKind::kNumber) {
    if (!fields.raw("gold").is_number()) return fields.string("gold");
    fields.number("gold");
    return fields.raw("gold").dump();
  }
  std::vector<std::string> letters;
  for (size_t i = 0; i < options.size(); ++i) letters.push_back(option_letter(i));
  return fields.string("gold", letters);
}

std::vector<ParsedLine> read_lines(const std::string& file, const Category& category,
                                   const std::string& parser) {
  std::vector<ParsedLine> lines;
  for_each_line(file, [&](std::string_view text, int number) {
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) return;
    Fields fields(Document::parse_json(text, file, number));
    ParsedLine line;
    line.id = fields.string("id");
    const std::string output = fields.string("output");
    const std::vector<std::string> options = options_of(fields, category);
    line.gold = read_gold(fields, category, options);
    fields.finish();
    line.answer = read_answer(parser, output, line.gold, options);
    lines.push_back(std::move(line));
  });
  if (lines.empty()) {
    fail(ErrorKind::kMissing, {.file = file, .field = "rows"}, "none",
         "lines of {\"id\", \"output\", \"gold\"}");
  }
  return lines;
}

void print_json(const std::vector<ParsedLine>& lines) {
  for (const ParsedLine& line : lines) {
    nlohmann::ordered_json row = {{"id", line.id}, {"parsed", nullptr}};
    if (!line.answer.parsed.empty()) row["parsed"] = line.answer.parsed;
    row["correct"] = line.answer.correct;
    fmt::print("{}\n", to_json(row));
  }
}

// One cell: control bytes made visible, filled up or cut to a width in characters.
std::string cell(const std::string& text, size_t width) {
  const std::string shown = printable(text, 4000);
  std::vector<size_t> starts;
  for (size_t at = 0; at < shown.size(); next_code_point(shown, at)) starts.push_back(at);
  if (starts.size() > width) return shown.substr(0, starts[width - 1]) + "…";
  return shown + std::string(width - starts.size(), ' ');
}

void print_table(const std::vector<ParsedLine>& lines, const std::string& parser) {
  constexpr size_t kId = 28, kAnswer = 24;
  const auto print_row = [&](const std::string& id, const std::string& gold,
                             const std::string& parsed, std::string_view verdict) {
    fmt::print("{}  {}  {}  {}\n", cell(id, kId), cell(gold, kAnswer), cell(parsed, kAnswer),
               verdict);
  };
  print_row("id", "gold", "parsed", "");
  size_t correct = 0, unparsed = 0;
  for (const ParsedLine& line : lines) {
    const bool understood = !line.answer.parsed.empty();
    print_row(line.id, line.gold, understood ? line.answer.parsed : "–",
              line.answer.correct ? "right" : "wrong");
    correct += line.answer.correct;
    unparsed += !understood;
  }
  fmt::print("{} of {} right, {} not understood; read by {}\n", correct, lines.size(), unparsed,
             describe_answer_parser(parser));
}

int run(const ParseFlags& flags) {
  const Category& category = find_category(flags.category);
  const std::string parser = checked_parser(flags, category);
  const std::vector<ParsedLine> lines = read_lines(flags.file, category, parser);
  if (flags.json) {
    print_json(lines);
  } else {
    print_table(lines, parser);
  }
  return 0;
}

}  // namespace

Subcommand add_eval_parse(CLI::App& app) {
  const auto flags = std::make_shared<ParseFlags>();
  return {add_flags(app, *flags), [flags] { return run(*flags); }};
}

}  // namespace telora
