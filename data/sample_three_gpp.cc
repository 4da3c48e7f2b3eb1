#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/sample.h"
#include "data/sample_composer.h"
#include "data/sample_working_groups.h"

namespace telora::sample {

namespace {

constexpr size_t kRowsOfGroup = 20;

constexpr std::string_view kHead =
    "As a distinguished expert in telecommunication domain you are skilled in understanding and "
    "classifying 3GPP techincal documents. Please help user to classify text into 3GPP working "
    "group. Give answer in this format: {\"WORKING GROUP\": \"working group name\"}. Do not "
    "include "
    "any other information. Classify the following text, extracted from a 3GPP technical document, "
    "into one of the 3GPP working groups. You MUST select ONE working group name from this list: "
    "{'CT1', 'CT3', 'CT4', 'CT6', 'RAN1', 'RAN2', 'RAN3', 'RAN4', 'RAN5', 'RAN_AH1', 'SA1', 'SA2', "
    "'SA3', 'SA4', 'SA5', 'SA6'}.";

// Sentences that any group could write: they say nothing about the answer.
constexpr std::string_view kOpeners[] = {
    "This contribution is about {topic}.",
    "The present paper looks at {topic} and proposes a way forward.",
    "During the last meeting {topic} was left open.",
    "Reason for change: the text on {topic} is incomplete.",
    "Discussion on {topic}.",
    "In the current release {topic} still needs some clarification.",
};
using Pair = std::array<size_t, 2>;

// All pairs of different details, in random order inside and out: no two texts of a group hold the
// same two.
std::vector<Pair> detail_pairs(size_t count, RandomStream& random) {
  std::vector<Pair> pairs;
  for (size_t i = 0; i < count; ++i) {
    for (size_t j = 0; j < i; ++j) {
      pairs.push_back(random.below(2) == 0 ? Pair{i, j} : Pair{j, i});
    }
  }
  shuffle(pairs, random);
  return pairs;
}

std::vector<std::string> texts_of(const WorkingGroup& group, RandomStream& random) {
  const std::vector<Pair> pairs = detail_pairs(group.details.size(), random);
  const std::vector<size_t> topics = deal(kRowsOfGroup, group.topics.size(), random);
  const std::vector<size_t> openers = deal(kRowsOfGroup, std::size(kOpeners), random);
  std::vector<std::string> texts;
  for (size_t row = 0; row < kRowsOfGroup; ++row) {
    const auto [first, second] = pairs.at(row);
    const std::string opener = fill(kOpeners[openers[row]], "topic", group.topics[topics[row]]);
    texts.push_back(fmt::format("{} {} {}", opener, group.details[first], group.details[second]));
  }
  return texts;
}

}  // namespace

std::vector<std::string> three_gpp_rows() {
  RandomStream random(stream_key(42, "sample/three_gpp"));
  std::vector<std::pair<std::string, std::string_view>> texts;
  for (const WorkingGroup& group : working_groups()) {
    for (std::string& text : texts_of(group, random))
      texts.emplace_back(std::move(text), group.name);
  }
  shuffle(texts, random);
  std::vector<std::string> rows;
  for (const auto& [text, group] : texts) {
    nlohmann::ordered_json row;
    row["question"] = fmt::format("{}\n\n###TEXT:\n{{{}}}\n", kHead, text);
    row["answer"] = group;
    row["file_name"] = fmt::format("sample-{:03}.txt", rows.size() + 1);
    rows.push_back(row.dump());
  }
  return rows;
}

}  // namespace telora::sample
