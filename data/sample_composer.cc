#include "data/sample_composer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

namespace telora::sample {

namespace {

// `count` facts whose values (or keys, when `of_keys`) differ from the gold and from each other.
// Drawing facts, not distinct values, makes a value a distractor as often as it is a right answer.
std::vector<std::string> draw_distractors(const Relation& relation, const Fact& gold, bool of_keys,
                                          size_t count, RandomStream& random) {
  std::vector<const Fact*> others;
  for (const Fact& fact : relation.facts) {
    if (fact.value != gold.value) others.push_back(&fact);
  }
  shuffle(others, random);
  std::set<std::string_view> seen;
  std::vector<std::string> drawn;
  for (const Fact* fact : others) {
    const std::string_view text = of_keys ? fact->key : fact->value;
    if (drawn.size() < count && seen.insert(text).second) drawn.emplace_back(text);
  }
  return drawn;
}

std::string capitalised(std::string text) {
  if (text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

Item make_item(const Relation& relation, const Fact& fact, std::string_view sentence, bool of_keys,
               size_t options, RandomStream& random) {
  Item item;
  item.relation = &relation;
  item.fact = &fact;
  item.question =
      capitalised(of_keys ? fill(sentence, "value", fact.value) : fill(sentence, "key", fact.key));
  item.options = draw_distractors(relation, fact, of_keys, options - 1, random);
  item.options.insert(item.options.begin(), std::string(of_keys ? fact.key : fact.value));
  return item;
}

// One fact for each distinct value: an inverse question names only the value, so asking it for two
// facts of the same value would be the same question with two right answers.
std::vector<const Fact*> one_per_value(const Relation& relation, RandomStream& random) {
  std::vector<const Fact*> order;
  for (const Fact& fact : relation.facts) order.push_back(&fact);
  shuffle(order, random);
  std::set<std::string_view> seen;
  std::erase_if(order, [&](const Fact* fact) { return !seen.insert(fact->value).second; });
  return order;
}

void compose_relation(const Relation& relation, size_t options, RandomStream& random,
                      std::vector<Item>& items) {
  for (std::string_view sentence : relation.forward) {
    for (const Fact& fact : relation.facts) {
      items.push_back(make_item(relation, fact, sentence, false, options, random));
    }
  }
  for (std::string_view sentence : relation.inverse) {
    for (const Fact* fact : one_per_value(relation, random)) {
      items.push_back(make_item(relation, *fact, sentence, true, options, random));
    }
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

std::vector<Item> compose(std::span<const Relation> relations, size_t options,
                          RandomStream& random) {
  std::vector<Item> items;
  for (const Relation& relation : relations) {
    compose_relation(relation, options, random, items);
  }
  shuffle(items, random);
  const std::vector<size_t> positions = deal(items.size(), options, random);
  for (size_t i = 0; i < items.size(); ++i) {
    items[i].answer = positions[i];
    std::swap(items[i].options[0], items[i].options[positions[i]]);
  }
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
