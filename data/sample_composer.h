#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"

namespace telora::sample {

// One entry of a fact table: `key` describes, `value` names. A key has exactly one right value in
// its table, so every other value of the table is a wrong option.
struct Fact {
  std::string_view key;
  std::string_view value;
};

// A fact table with the sentences that ask for its entries.
struct Relation {
  std::string_view title;
  std::span<const Fact> facts;
  std::span<const std::string_view> forward;  // with {key}: asks for the value
  std::span<const std::string_view> inverse;  // with {value}: asks for a key
};

struct Item {
  std::string question;
  std::vector<std::string> options;
  size_t answer = 0;
  const Relation* relation = nullptr;
  const Fact* fact = nullptr;
};

// Every fact in every forward sentence and every value in every inverse one, in random order, with
// `options` options each. Distractors come from the same table, drawn as often as they are right
// answers, and gold positions are dealt evenly: neither wording nor position gives an answer away.
std::vector<Item> compose(std::span<const Relation> relations, size_t options,
                          RandomStream& random);

// Replaces every `{name}` in `pattern` by `text`.
std::string fill(std::string_view pattern, std::string_view name, std::string_view text);

// A row with the fields question, choices and answer; `numbered` puts `1. ` to `4. ` before
// options.
nlohmann::ordered_json letter_row(const Item& item, bool numbered = false);

template <class T>
void shuffle(std::vector<T>& items, RandomStream& random) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[random.below(i)]);
}

// 0 ... count-1 repeated to `length` in blocks, each block in random order.
std::vector<size_t> deal(size_t length, size_t count, RandomStream& random);

}  // namespace telora::sample
