#pragma once

#include <array>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/random.h"

namespace telora::sample {

// One row of a fact table: a name and what it stands for. A key fits no other row of its table.
struct Fact {
  std::string_view value;
  std::array<std::string_view, 2> keys;  // the second may be empty
};

// A fact table, one row for each option of its questions, and the sentences that ask for its rows.
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
  std::string_view key;
};

// Every key in every forward sentence and every value in every inverse one, in random order. The
// options are the rows of the table in its own order, as in a printed test: each letter is right
// equally often, every option is offered as often as any other, and a small model can learn a fact
// from its wordings in a few dozen steps, which it cannot if it must first learn to tie letters to
// shuffled texts.
std::vector<Item> compose(std::span<const Relation> relations, RandomStream& random);

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
