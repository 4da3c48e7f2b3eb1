#include "data/option_rotation.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

#include "core/text.h"
#include "data/regex.h"

namespace telora {

namespace {

constexpr Regex::Options kAnyCase = {.ignore_case = true};

// Whether "3" or "c" is one of so many options. "Option 7-2x" is a way to split a base station.
bool is_offered(const std::string& label, size_t count) {
  const char c = label.front();
  if (c >= '1' && c <= '9') return std::stoul(label) <= count;
  return static_cast<size_t>((c | 0x20) - 'a') < count;
}

// "Both option 1 and option 3", "A and C", "Both 1 and 2". Bare numbers need a word before them: "1
// and 2" and "2, 3, 7" are values.
bool names_options(const std::string& option, size_t count) {
  static const Regex called(R"(\b(?:option|choice|answer|statement)s?\s*\(?([a-j]|10|[1-9])\b)",
                            kAnyCase);
  static const Regex letters(
      R"(\A\W*(?:(?i:both|either|neither|only|all)\s+)?(\(?[A-J]\)?)"
      R"((?:\s*(?:,\s*and\s|,\s*or\s|,|\sand\s|\sor\s|\snor\s|&)\s*\(?[A-J]\)?)+))"
      R"((?:\s+(?i:only|above|are correct|are true|of the above))?\W*\z)");
  static const Regex numbers(R"(\A\W*((?:both|either|neither|only)\s+\(?[1-9]\)?)"
                             R"((?:\s*(?:,|\sand\s|\sor\s|\snor\s|&)\s*\(?[1-9]\)?)+))"
                             R"((?:\s+(?:only|above|are correct|are true|of the above))?\W*\z)",
                             kAnyCase);
  const auto offered = [&](const std::string& label) { return is_offered(label, count); };
  return std::ranges::any_of(called.captures(option), offered) || letters.matches(option) ||
         numbers.matches(option);
}

bool speaks_of_others(const std::string& option) {
  static const Regex of_them(
      R"(\b((?:all|none|both|any|neither|either|some|two)\s+(?:of\s+(?:the\s+)?|the\s+))"
      R"((?:above|below|following|these|those|them|mentioned|listed|)"
      R"((?:\w+\s+)?(?:options?|choices?|answers?|statements?))\b))",
      kAnyCase);
  static const Regex all_above(
      R"(\A\W*((?:all|none|both|any)\s+(?:above\b|(?:options|choices|answers)\W*\z)))", kAnyCase);
  static const Regex alone(R"(\A\W*(all|both|none|neither|any|either)\W*\z)", kAnyCase);
  return of_them.matches(option) || all_above.matches(option) || alone.matches(option);
}

// The options that may move, by place; none where the order must stay.
std::vector<size_t> moving_options(const std::vector<std::string>& options) {
  std::vector<size_t> moving;
  const std::vector<std::string> bare = strip_option_numbers(options);
  for (size_t i = 0; i < bare.size(); ++i) {
    const OptionReference reference = option_reference(bare[i], bare.size());
    if (reference == OptionReference::kNamed) return {};
    if (reference == OptionReference::kNone) moving.push_back(i);
  }
  return moving;
}

std::string number_of(size_t place) { return fmt::format("{}. ", place + 1); }

bool is_numbered(const std::vector<std::string>& options) {
  for (size_t i = 0; i < options.size(); ++i) {
    if (!options[i].starts_with(number_of(i))) return false;
  }
  return true;
}

}  // namespace

OptionReference option_reference(const std::string& option, size_t count) {
  if (find_invalid_utf8(option) != std::string::npos) return OptionReference::kNone;
  if (names_options(option, count)) return OptionReference::kNamed;
  return speaks_of_others(option) ? OptionReference::kOthers : OptionReference::kNone;
}

std::vector<size_t> rotated_places(const std::vector<std::string>& options, size_t shift) {
  std::vector<size_t> places(options.size());
  std::iota(places.begin(), places.end(), size_t{0});
  const std::vector<size_t> moving = moving_options(options);
  for (size_t i = 0; i < moving.size(); ++i) {
    places[moving[(i + shift % moving.size()) % moving.size()]] = moving[i];
  }
  return places;
}

size_t rotation_count(const std::vector<std::string>& options) {
  return std::max<size_t>(1, moving_options(options).size());
}

Example rotate_options(const Example& example, size_t shift) {
  const std::vector<size_t> places = rotated_places(example.options, shift);
  const bool numbered = is_numbered(example.options);
  const std::vector<std::string> texts = strip_option_numbers(example.options);
  Example rotated = example;
  for (size_t place = 0; place < places.size(); ++place) {
    rotated.options[place] = (numbered ? number_of(place) : "") + texts[places[place]];
    if (places[place] == example.answer) rotated.answer = place;
  }
  return rotated;
}

std::vector<std::string> strip_option_numbers(const std::vector<std::string>& options) {
  if (!is_numbered(options)) return options;
  std::vector<std::string> bare;
  for (size_t i = 0; i < options.size(); ++i) {
    bare.push_back(options[i].substr(number_of(i).size()));
  }
  return bare;
}

Example strip_option_numbers(Example example) {
  example.options = strip_option_numbers(example.options);
  return example;
}

}  // namespace telora
