#include "data/answer_parser.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "core/error.h"
#include "core/text.h"
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

struct Parser {
  std::string_view name;
  std::string_view follows;
  Answer (*parse)(std::string_view, const Options&);
};

constexpr std::array<Parser, 5> kParsers = {{
    {"inspect-legacy", "Inspect AI before 0.3.221", inspect_legacy},
    {"inspect-current", "Inspect AI from 0.3.260", inspect_current},
    {"lenient", "first letter after the last ANSWER:", lenient},
    {"working-group-official", "GSMA evals, first pattern match", working_group_official},
    {"working-group-exact", "JSON value or the only class named", working_group_exact},
}};

const Parser& find_parser(std::string_view name) {
  const auto found = std::ranges::find(kParsers, name, &Parser::name);
  if (found != kParsers.end()) return *found;
  const std::string near = nearest(name, answer_parser_names());
  fail(ErrorKind::kUsage, {.file = {}, .field = "parser"}, printable(name, 60),
       fmt::format("one of {}", fmt::join(answer_parser_names(), ", ")),
       near.empty() ? "" : fmt::format("did you mean {}?", near));
}

}  // namespace

const std::vector<std::string>& answer_parser_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list;
    for (const Parser& parser : kParsers) list.emplace_back(parser.name);
    return list;
  }();
  return names;
}

std::string describe_answer_parser(std::string_view parser) {
  const Parser& found = find_parser(parser);
  return fmt::format("{} ({})", found.name, found.follows);
}

std::optional<size_t> parse_answer(std::string_view parser, std::string_view completion,
                                   const std::vector<std::string>& options) {
  return find_parser(parser).parse(replace_invalid(completion), options);
}

}  // namespace telora
