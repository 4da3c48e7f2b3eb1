#include "data/sample_composer.h"

#include <nlohmann/json.hpp>
#include <numeric>

namespace telora::sample {

namespace {

std::string capitalised(std::string text) {
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

Item ask_for_value(const Relation& relation, size_t row, std::string_view key,
                   std::string_view sentence) {
  Item item{capitalised(fill(sentence, "key", key)), {}, row, &relation, key};
  for (const Fact& fact : relation.facts) item.options.emplace_back(fact.value);
  return item;
}

// Any key of each row may stand for it here.
Item ask_for_key(const Relation& relation, size_t row, std::string_view sentence,
                 RandomStream& random) {
  Item item{
      capitalised(fill(sentence, "value", relation.facts[row].value)), {}, row, &relation, {}};
  for (const Fact& fact : relation.facts) {
    const size_t keys = fact.keys[1].empty() ? 1 : 2;
    item.options.emplace_back(fact.keys[random.below(keys)]);
  }
  item.key = relation.facts[row].keys[0] == item.options[row] ? relation.facts[row].keys[0]
                                                              : relation.facts[row].keys[1];
  return item;
}

void compose_row(const Relation& relation, size_t row, RandomStream& random,
                 std::vector<Item>& items) {
  for (std::string_view key : relation.facts[row].keys) {
    if (key.empty()) continue;
    for (std::string_view sentence : relation.forward) {
      items.push_back(ask_for_value(relation, row, key, sentence));
    }
  }
  for (std::string_view sentence : relation.inverse) {
    items.push_back(ask_for_key(relation, row, sentence, random));
  }
}

}  // namespace

std::string fill(std::string_view pattern, std::string_view name, std::string_view text) {
  const std::string slot = "{" + std::string(name) + "}";
  std::string filled(pattern);
  for (size_t at = filled.find(slot); at != std::string::npos;
       at = filled.find(slot, at + text.size())) {
    filled.replace(at, slot.size(), text);
  }
  return filled;
}

std::vector<size_t> deal(size_t length, size_t count, RandomStream& random) {
  std::vector<size_t> dealt;
  while (dealt.size() < length) {
    std::vector<size_t> block(count);
    std::iota(block.begin(), block.end(), size_t{0});
    shuffle(block, random);
    dealt.insert(dealt.end(), block.begin(), block.end());
  }
  dealt.resize(length);
  return dealt;
}

std::vector<Item> compose(std::span<const Relation> relations, RandomStream& random) {
  std::vector<Item> items;
  for (const Relation& relation : relations) {
    for (size_t row = 0; row < relation.facts.size(); ++row) {
      compose_row(relation, row, random, items);
    }
  }
  shuffle(items, random);
  return items;
}

nlohmann::ordered_json letter_row(const Item& item, bool numbered) {
  nlohmann::ordered_json choices = nlohmann::ordered_json::array();
  for (size_t i = 0; i < item.options.size(); ++i) {
    choices.push_back(numbered ? std::to_string(i + 1) + ". " + item.options[i] : item.options[i]);
  }
  nlohmann::ordered_json row;
  row["question"] = item.question;
  row["choices"] = std::move(choices);
  row["answer"] = item.answer;
  return row;
}

}  // namespace telora::sample
