#include "scoring/surface.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <memory>
#include <set>
#include <string>

#include "data/option_rotation.h"
#include "data/regex.h"
#include "scoring/baselines.h"

namespace telora {

namespace {

using Stems = std::set<std::string>;
using Measure = std::vector<double>;  // of each option

// Words that say nothing of a question's subject.
const Stems& small_words() {
  static const Stems words = {"the", "a",   "an",    "of",    "to",   "in",   "and",  "or", "for",
                              "is",  "are", "on",    "by",    "with", "that", "this", "it", "as",
                              "be",  "at",  "from",  "which", "what", "how",  "does", "do", "its",
                              "can", "not", "using", "used",  "use",  "into"};
  return words;
}

const std::vector<Regex>& stock_phrases() {
  static const std::vector<Regex> phrases = [] {
    std::vector<Regex> list;
    for (const char* pattern : {R"(all of the above)",
                                R"(none of)",
                                R"(both )",
                                R"(option)",
                                R"(\ball\b)",
                                R"(\bonly\b)",
                                R"(always)",
                                R"(never)",
                                R"(\bmust\b)",
                                R"(\b(may|might|could|can)\b)",
                                R"(\b(not|no)\b)",
                                R"(\band\b)",
                                R"(\bor\b)",
                                R"(\b(more|most|better|higher)\b)",
                                R"(\b(reduc|decreas|lower|minimi))",
                                R"(\b(improv|enhanc|increas|optimi))",
                                R"(\b(ensur|support|provid|enabl|allow))",
                                R"(^to\b)",
                                R"(^by\b)",
                                R"(^(an?|the)\b)",
                                R"(\bthe\b)",
                                R"(\bspecific\b)",
                                R"(\b(single|exclusively|solely)\b)",
                                R"(\b(various|different|multiple|several)\b)",
                                R"(\b(based on|depend))"}) {
      list.emplace_back(pattern, Regex::Options{.ignore_case = true});
    }
    return list;
  }();
  return phrases;
}

// The question and its options as words.
struct Texts {
  std::vector<std::string> options;             // without their numbers
  std::vector<double> lengths;                  // of each option, in code points
  std::vector<std::vector<std::string>> words;  // of each option
  std::vector<Stems> stems;                     // of each option
  std::vector<std::string> question;            // words
  Stems question_stems;
};

// The first six bytes stand for a word and its inflections.
Stems stems_of(const std::vector<std::string>& words) {
  Stems stems;
  for (const std::string& word : words) {
    if (!small_words().contains(word)) stems.insert(word.substr(0, 6));
  }
  return stems;
}

Texts read_texts(const Example& example) {
  Texts texts{.options = strip_option_numbers(example.options),
              .lengths = option_lengths(example.options),
              .words = {},
              .stems = {},
              .question = words_of(example.question),
              .question_stems = {}};
  for (const std::string& option : texts.options) {
    texts.words.push_back(words_of(option));
    texts.stems.push_back(stems_of(texts.words.back()));
  }
  texts.question_stems = stems_of(texts.question);
  return texts;
}

double shared(const Stems& a, const Stems& b) {
  return static_cast<double>(
      std::ranges::count_if(a, [&](const auto& s) { return b.contains(s); }));
}

double size_of(const Stems& stems) { return static_cast<double>(stems.size()); }

// Mean similarity (Jaccard) with the other options.
double likeness(const Texts& texts, size_t i) {
  double sum = 0;
  for (size_t j = 0; j < texts.stems.size(); ++j) {
    if (j == i) continue;
    const double both = shared(texts.stems[i], texts.stems[j]);
    sum += both / std::max(1.0, size_of(texts.stems[i]) + size_of(texts.stems[j]) - both);
  }
  return sum / static_cast<double>(std::max<size_t>(1, texts.stems.size() - 1));
}

// Share of the option's words that no other option has.
double oddness(const Texts& texts, size_t i) {
  const auto alone = [&](const std::string& stem) {
    return std::ranges::count_if(texts.stems, [&](const Stems& s) { return s.contains(stem); }) ==
           1;
  };
  return static_cast<double>(std::ranges::count_if(texts.stems[i], alone)) /
         std::max(1.0, size_of(texts.stems[i]));
}

double shared_pairs(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (size_t i = 1; i < b.size(); ++i) pairs.emplace(b[i - 1], b[i]);
  double count = 0;
  for (size_t i = 1; i < a.size(); ++i) count += static_cast<double>(pairs.erase({a[i - 1], a[i]}));
  return count;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_sign(char c) {
  return c > ' ' && c < 0x7F && !is_digit(c) && !is_capital(c) && !(c >= 'a' && c <= 'z');
}

double mean_word_length(const std::vector<std::string>& words) {
  double bytes = 0;
  for (const std::string& word : words) bytes += static_cast<double>(word.size());
  return bytes / std::max(1.0, static_cast<double>(words.size()));
}

// Something measured on option i.
struct Look {
  double (*measure)(const Texts&, size_t i);
  enum class Kind { kRank, kCount } kind = Kind::kRank;  // a small count tells by itself too
};

template <auto counts>
double count_of(const Texts& texts, size_t i) {
  return static_cast<double>(std::ranges::count_if(texts.options[i], counts));
}

template <char c>
double count_char(const Texts& texts, size_t i) {
  return static_cast<double>(std::ranges::count(texts.options[i], c));
}

double overlap(const Texts& texts, size_t i) {
  return shared(texts.stems[i], texts.question_stems);
}

double overlap_share(const Texts& texts, size_t i) {
  return overlap(texts, i) / std::max(1.0, size_of(texts.stems[i]));
}

// The first number of an option; one without any is least.
double first_number(const Texts& texts, size_t i) {
  const std::string& text = texts.options[i];
  double number = -1;
  const auto digit = std::ranges::find_if(text, is_digit);
  std::from_chars(std::to_address(digit), text.data() + text.size(), number);
  return number;
}

constexpr auto kCount = Look::Kind::kCount;
constexpr std::array kLooks = {
    Look{[](const Texts& t, size_t i) { return t.lengths[i]; }},
    Look{[](const Texts& t, size_t i) { return static_cast<double>(t.words[i].size()); }},
    Look{count_char<','>, kCount},
    Look{count_of<is_digit>, kCount},
    Look{count_of<is_capital>},
    Look{count_of<is_sign>},
    Look{count_char<'('>, kCount},
    Look{count_char<'-'>, kCount},
    Look{overlap, kCount},
    Look{overlap_share},
    Look{likeness},
    Look{oddness},
    Look{[](const Texts& t, size_t i) { return mean_word_length(t.words[i]); }},
    Look{[](const Texts& t, size_t i) { return shared_pairs(t.words[i], t.question); }, kCount},
    Look{first_number},
};

// Those of them that are shares, and so tell by their size.
constexpr std::array kShareLooks = {overlap_share, likeness, oddness};

Measure measure_all(const Texts& texts, const Look& look) {
  Measure measure;
  for (size_t i = 0; i < texts.options.size(); ++i) {
    measure.push_back(look.measure(texts, i));
  }
  return measure;
}

// A feature is a group and a small number in it.
constexpr uint32_t kGroupSize = 32;
constexpr uint32_t kPlaces = 10;  // options at most
constexpr uint32_t kMostPhrases = 40;
constexpr uint32_t kPlace = kLooks.size();
constexpr uint32_t kFlags = kPlace + 1;
constexpr uint32_t kLength = kFlags + 1;                     // and the next two
constexpr uint32_t kShares = kLength + 3;                    // and the next two
constexpr uint32_t kPlaceOf = kShares + kShareLooks.size();  // one group for each number of options
constexpr uint32_t kPhrases = kPlaceOf + kPlaces + 1;
constexpr uint32_t kGroups = kPhrases + kMostPhrases;
constexpr uint32_t kAtoms = kGroups * kGroupSize;
constexpr float kByPlaceWeight = 0.25F;

class Atoms {
 public:
  void add(size_t group, double number) {
    const double kept = std::clamp(number, 0.0, static_cast<double>(kGroupSize - 1));
    found_.push_back(static_cast<uint32_t>(group) * kGroupSize + static_cast<uint32_t>(kept));
  }
  // Ascending, each once; the weight of a feature found twice is that of one.
  Features features(size_t place) {
    std::ranges::sort(found_);
    found_.erase(std::unique(found_.begin(), found_.end()), found_.end());
    Features features;
    for (const uint32_t atom : found_) features.push_back({atom, 1});
    const auto shift = static_cast<uint32_t>(std::min<size_t>(place, kPlaces - 1) + 1) * kAtoms;
    for (const uint32_t atom : found_) features.push_back({atom + shift, kByPlaceWeight});
    return features;
  }

 private:
  std::vector<uint32_t> found_;
};

// Where option i stands among all by look m.
void add_rank(Atoms& atoms, size_t m, const Measure& values, size_t i) {
  constexpr double kSame = 10, kGreatest = 11, kLeast = 13, kCounted = 15, kMostCounted = 4;
  const auto greater = std::ranges::count_if(values, [&](double v) { return v > values[i]; });
  const auto less = std::ranges::count_if(values, [&](double v) { return v < values[i]; });
  if (greater == 0 && less == 0) return atoms.add(m, kSame);
  const double tied = std::ranges::count(values, values[i]) > 1 ? 1 : 0;
  atoms.add(m, static_cast<double>(greater));
  if (greater == 0) atoms.add(m, kGreatest + tied);
  if (less == 0) atoms.add(m, kLeast + tied);
  if (kLooks[m].kind == kCount) atoms.add(m, kCounted + std::min(kMostCounted, values[i]));
}

// Lengths against the mean and the longest of the others, in steps of a fifth of a power of e.
void add_length(Atoms& atoms, const Measure& lengths, size_t i) {
  constexpr double kSteps = 5, kMiddle = 6;
  double mean = 0;
  double longest = 0;  // of the others
  for (size_t j = 0; j < lengths.size(); ++j) {
    mean += std::log1p(lengths[j]) / static_cast<double>(lengths.size());
    if (j != i) longest = std::max(longest, std::log1p(lengths[j]));
  }
  const double own = std::log1p(lengths[i]);
  const auto step = [&](double difference) {
    return std::clamp(std::round(difference * kSteps) + kMiddle, 0.0, 2 * kMiddle);
  };
  atoms.add(kLength, step(own - mean));
  atoms.add(kLength + 1, std::round(2 * own));
  atoms.add(kLength + 2, step(own - longest));
}

// Which options hold each phrase.
std::vector<std::vector<bool>> find_phrases(const Texts& texts) {
  std::vector<std::vector<bool>> found;
  for (const Regex& phrase : stock_phrases()) {
    std::vector<bool>& holders = found.emplace_back();
    for (const std::string& text : texts.options) holders.push_back(phrase.matches(text));
  }
  return found;
}

void add_phrases(Atoms& atoms, const std::vector<std::vector<bool>>& found, size_t i) {
  for (size_t k = 0; k < found.size(); ++k) {
    const auto holders = std::ranges::count(found[k], true);
    if (holders == 0) continue;
    if (found[k][i]) {
      atoms.add(kPhrases + k, 0);
      atoms.add(kPhrases + k, holders == 1 ? 1 : 2);
    } else {
      atoms.add(kPhrases + k, 3);
    }
  }
}

void add_place(Atoms& atoms, const Texts& texts, size_t i) {
  const size_t count = texts.options.size();
  atoms.add(kPlace, static_cast<double>(i));
  atoms.add(kPlaceOf + std::min<size_t>(count, kPlaces), static_cast<double>(i));
  if (i + 1 == count) atoms.add(kFlags, 0);
  if (texts.options[i].ends_with('.')) atoms.add(kFlags, 1);
  if (texts.words[i].empty()) return;
  const auto same = [&](bool first) {
    return std::ranges::count_if(texts.words, [&](const auto& words) {
      if (words.empty()) return false;
      return first ? words.front() == texts.words[i].front()
                   : words.back() == texts.words[i].back();
    });
  };
  if (same(true) == 1) atoms.add(kFlags, 2);
  if (same(false) > 1) atoms.add(kFlags, 3);
}

}  // namespace

std::vector<Features> surface_features(const Example& example) {
  const Texts texts = read_texts(example);
  std::vector<Measure> measures;
  for (const Look& look : kLooks) measures.push_back(measure_all(texts, look));
  const std::vector<std::vector<bool>> phrases = find_phrases(texts);
  std::vector<Features> options;
  for (size_t i = 0; i < texts.options.size(); ++i) {
    Atoms atoms;
    for (size_t m = 0; m < kLooks.size(); ++m) add_rank(atoms, m, measures[m], i);
    add_length(atoms, texts.lengths, i);
    for (size_t k = 0; k < kShareLooks.size(); ++k) {
      atoms.add(kShares + k, std::round(5 * kShareLooks[k](texts, i)));
    }
    add_phrases(atoms, phrases, i);
    add_place(atoms, texts, i);
    options.push_back(atoms.features(i));
  }
  return options;
}

size_t plain_surface_size() { return kAtoms; }

size_t surface_size() { return size_t{kAtoms} * (kPlaces + 1); }

}  // namespace telora
