#include "data/answer_parser.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "core/document.h"
#include "core/error.h"
#include "core/text.h"
#include "data/boxed_answer.h"
#include "data/number_text.h"
#include "data/prompt.h"
#include "data/regex.h"

namespace telora {

namespace {

using Options = std::vector<std::string>;
using Answer = std::optional<size_t>;

constexpr Regex::Options kAnyCase = {.ignore_case = true};
constexpr Regex::Options kAnyCaseLines = {.ignore_case = true, .multiline = true};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

std::string_view trim(std::string_view text, std::string_view front, std::string_view back) {
  const size_t begin = text.find_first_not_of(front);
  if (begin == std::string_view::npos) return {};
  const size_t end = text.find_last_not_of(back);
  return end == std::string_view::npos || end < begin ? std::string_view()
                                                      : text.substr(begin, end + 1 - begin);
}

// Decoders of tokens show bytes that are no UTF-8 as U+FFFD, and so the originals see them.
std::string replace_invalid(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t length = utf8_sequence_length(text.substr(at));
    out += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    at += std::max<size_t>(length, 1);
  }
  return out;
}

// The index of a run that is one capital letter among the first `count`.
Answer single_letter(std::string_view run, size_t count) {
  if (run.size() != 1 || run[0] < 'A' || run[0] > 'Z') return std::nullopt;
  const auto index = static_cast<size_t>(run[0] - 'A');
  return index < count ? Answer(index) : std::nullopt;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

// Runs after ANSWER: that fill the rest of their line or sentence; where there is none, runs that
// end at any non-word character, anywhere in the text.
std::vector<std::string> inspect_runs(std::string_view completion) {
  static const Regex strict(R"(^answer\s*:\s*([a-z\d ,]+)\s*(?:$|\.))", kAnyCaseLines);
  static const Regex relaxed(R"(answer\s*:\s*([a-z\d ,]+)(?:\W|$))", kAnyCase);
  std::vector<std::string> runs = strict.captures(completion);
  return runs.empty() ? relaxed.captures(completion) : runs;
}

Answer inspect_legacy(std::string_view completion, const Options& options) {
  const std::vector<std::string> runs = inspect_runs(completion);
  if (runs.empty()) return std::nullopt;
  return single_letter(trim(runs.front(), " ", " "), options.size());
}

Answer inspect_current(std::string_view completion, const Options& options) {
  const std::vector<std::string> runs = inspect_runs(completion);
  if (runs.empty()) return std::nullopt;
  return single_letter(upper(trim(runs.back(), " ", " ,")), options.size());
}

Answer lenient(std::string_view completion, const Options& options) {
  static const Regex after_label(R"(answer\s*:\s*\(?([a-z]))", kAnyCase);
  static const Regex alone(R"(\A\s*([a-z])\s*\z)", kAnyCase);
  std::vector<std::string> letters = after_label.captures(completion);
  if (letters.empty()) letters = alone.captures(completion);
  return letters.empty() ? std::nullopt : single_letter(upper(letters.back()), options.size());
}

bool is_a_to_d(std::string_view text) {
  return text.size() == 1 && text[0] >= 'A' && text[0] <= 'D';
}

// The letter under the first key that holds one, where the whole completion is a JSON object.
std::string json_letter(std::string_view completion) {
  try {
    const Document document = Document::parse_json(completion, "completion");
    if (!document.root().is_object()) return {};
    for (const char* key : {"answer", "choice", "label", "option"}) {
      const auto found = document.root().find(key);
      if (found == document.root().end() || !found->is_string()) continue;
      const std::string_view letter = strip_blanks(found->get_ref<const std::string&>());
      if (is_a_to_d(letter)) return std::string(letter);
    }
  } catch (const Error&) {
    // Not JSON: read as text by the caller.
  }
  return {};
}

Answer sixg_json(std::string_view completion, const Options& options) {
  static const Regex quoted(R"re("answer"\s*:\s*"([ABCD])")re");
  static const Regex alone(R"(\b([ABCD])\b)");
  if (const std::string letter = json_letter(completion); !letter.empty()) {
    return single_letter(letter, options.size());
  }
  std::vector<std::string> letters = quoted.captures(completion);
  if (letters.empty()) letters = alone.captures(completion);
  return letters.empty() ? std::nullopt : single_letter(letters.front(), options.size());
}

Answer find_class(std::string_view text, const Options& classes) {
  const auto same = [&](const std::string& name) { return lower(name) == lower(text); };
  const auto found = std::ranges::find_if(classes, same);
  if (found == classes.end()) return std::nullopt;
  return static_cast<size_t>(found - classes.begin());
}

Answer working_group_official(std::string_view completion, const Options& classes) {
  static const Regex group(R"(([a-z]+\d+(?:-[a-z]+)?))", kAnyCase);
  const std::vector<std::string> found = group.captures(completion);
  return found.empty() ? std::nullopt : find_class(found.front(), classes);
}

bool is_word(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

// Whether `name` stands in `text` (both lower case) as a word of its own.
bool names_word(std::string_view text, std::string_view name) {
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const size_t end = at + name.size();
    const bool starts = at == 0 || !is_word(text[at - 1]);
    if (starts && (end == text.size() || !is_word(text[end]))) return true;
  }
  return false;
}

Answer only(const std::set<size_t>& found) {
  return found.size() == 1 ? Answer(*found.begin()) : std::nullopt;
}

Answer working_group_exact(std::string_view completion, const Options& classes) {
  static const Regex value(R"re("working group"\s*:\s*"([^"]*)")re", kAnyCase);
  std::set<size_t> found;
  for (const std::string& text : value.captures(completion)) {
    if (const Answer index = find_class(trim(text, " ", " "), classes)) found.insert(*index);
  }
  if (found.size() == 1) return only(found);
  found.clear();
  const std::string text = lower(completion);
  for (size_t i = 0; i < classes.size(); ++i) {
    if (names_word(text, lower(classes[i]))) found.insert(i);
  }
  return only(found);
}

Answer boxed_cause(std::string_view completion, const Options& classes) {
  const std::optional<std::string> number = first_integer(last_boxed(completion));
  const auto same = [&](const std::string& name) {
    return number && first_integer(name) == number;
  };
  const auto found = std::ranges::find_if(classes, same);
  if (found == classes.end()) return std::nullopt;
  return static_cast<size_t>(found - classes.begin());
}

Answer boxed_cause_hard(std::string_view completion, const Options& classes) {
  return find_class(last_boxed(completion), classes);
}

// Exactly one of the two is set.
struct Rule {
  AnswerParser parser;
  Answer (*choose)(std::string_view, const Options&);
  bool (*close)(double, double);
};

constexpr TaskKind kLetters = TaskKind::kLetters;
constexpr TaskKind kClasses = TaskKind::kClasses;
constexpr TaskKind kNumber = TaskKind::kNumber;

constexpr std::array<Rule, 10> kRules = {{
    {{"inspect-legacy", 1, kLetters, "Inspect AI before 0.3.221"}, inspect_legacy, nullptr},
    {{"inspect-current", 1, kLetters, "Inspect AI from 0.3.260"}, inspect_current, nullptr},
    {{"lenient", 1, kLetters, "first letter after the last ANSWER:"}, lenient, nullptr},
    {{"sixg-json", 1, kLetters, "6G-Bench's own scripts"}, sixg_json, nullptr},
    {{"working-group-official", 1, kClasses, "GSMA evals, first pattern match"},
     working_group_official,
     nullptr},
    {{"working-group-exact", 1, kClasses, "JSON value or the only class named"},
     working_group_exact,
     nullptr},
    {{"boxed-cause", 1, kClasses, "GSMA evals, soft: first integer of the last box"},
     boxed_cause,
     nullptr},
    {{"boxed-cause-hard", 1, kClasses, "GSMA evals, hard: all of the last box"},
     boxed_cause_hard,
     nullptr},
    {{"boxed-number", 1, kNumber, "GSMA evals, within 1 % or 0.01"},
     nullptr,
     close_by_official_rule},
    {{"boxed-number-rel1", 1, kNumber, "last box, within 1 %"}, nullptr, close_relatively},
}};

const Rule& find_rule(std::string_view name) {
  const auto same = [&](const Rule& rule) { return rule.parser.name == name; };
  const auto found = std::ranges::find_if(kRules, same);
  if (found != kRules.end()) return *found;
  const std::string near = nearest(name, answer_parser_names());
  fail(ErrorKind::kUsage, {.file = {}, .field = "parser"}, printable(name, 60),
       fmt::format("one of {}", fmt::join(answer_parser_names(), ", ")),
       near.empty() ? "" : fmt::format("did you mean {}?", near));
}

ReadAnswer read_number_answer(const Rule& rule, std::string_view completion,
                              std::string_view gold) {
  ReadAnswer answer{.parsed = last_boxed(completion)};
  const std::optional<double> found = read_number(answer.parsed);
  const std::optional<double> wanted = read_number(gold);
  answer.correct = found && wanted ? rule.close(*found, *wanted) : answer.parsed == gold;
  answer.correct = answer.correct && !answer.parsed.empty();
  return answer;
}

}  // namespace

const std::vector<std::string>& answer_parser_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Rule& rule : kRules) list.emplace_back(rule.parser.name);
    return list;
  }();
  return names;
}

const AnswerParser& find_answer_parser(std::string_view name) { return find_rule(name).parser; }

std::string describe_answer_parser(std::string_view parser) {
  const AnswerParser& found = find_answer_parser(parser);
  return fmt::format("{} v{} ({})", found.name, found.version, found.follows);
}

std::optional<size_t> parse_answer(std::string_view parser, std::string_view completion,
                                   const std::vector<std::string>& options) {
  const Rule& rule = find_rule(parser);
  if (rule.choose == nullptr) {
    fail(ErrorKind::kUsage, {.file = {}, .field = "parser"}, parser, "one that chooses an option");
  }
  return rule.choose(replace_invalid(completion), options);
}

ReadAnswer read_answer(std::string_view parser, std::string_view completion, std::string_view gold,
                       const std::vector<std::string>& options) {
  const Rule& rule = find_rule(parser);
  const std::string text = replace_invalid(completion);
  if (rule.parser.kind == TaskKind::kNumber) return read_number_answer(rule, text, gold);
  const Answer index = rule.choose(text, options);
  if (!index) return {};
  const bool letters = rule.parser.kind == TaskKind::kLetters;
  ReadAnswer answer{.parsed = letters ? option_letter(*index) : options[*index]};
  answer.correct = answer.parsed == gold;
  return answer;
}

}  // namespace telora
