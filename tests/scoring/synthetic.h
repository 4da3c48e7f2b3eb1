#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "core/random.h"
#include "scoring/build_report.h"

namespace telora::synthetic {

// Predictions that look like a model's, made from nothing.
struct Options {
  std::string part = "test";
  size_t n = 300;
  double right = 0.5;      // share of right answers, about
  double unparsed = 0.04;  // share of generated answers that nobody understands
  std::vector<std::string> names = {"A", "B", "C", "D"};
  size_t group_size = 2;
  size_t samples = 0;
  bool rotations = false;
  uint64_t seed = 1;
};

inline std::string letter_or_json(const std::string& name) {
  return name.size() == 1 ? "ANSWER: " + name : "{\"WORKING GROUP\": \"" + name + "\"}";
}

inline size_t answer(RandomStream& random, const Options& o, size_t gold) {
  return random.next_unit() < o.right ? gold : random.below(o.names.size());
}

inline void add_samples(RandomStream& random, const Options& o, size_t gold, Prediction& p) {
  for (size_t i = 0; i < o.samples; ++i) {
    const std::string& name = o.names[answer(random, o, gold)];
    p.samples.push_back({letter_or_json(name), name, name == p.gold});
  }
  if (p.samples.empty()) return;
  p.voted = p.samples[*majority_vote(p.samples)].predicted;
  p.voted_correct = p.voted == p.gold;
}

inline Prediction row(const Options& o, size_t i) {
  RandomStream golds(stream_key(42, o.part.c_str()), i << 32);
  RandomStream random(stream_key(o.seed, o.part.c_str()), i << 32);
  const size_t gold = golds.below(o.names.size());
  const size_t selected = answer(random, o, gold);
  Prediction p;
  p.id = "made-up/" + o.part + "-" + std::to_string(i);
  p.split = o.part;
  p.split_method = "group";
  p.split_seed = 42;
  p.parser = "inspect-legacy";
  p.group = "group " + std::to_string(i / o.group_size);
  p.options = std::ssize(o.names);
  p.gold = o.names[gold];
  p.selected = o.names[selected];
  p.selected_by_length = o.names[answer(random, o, gold)];
  const double sure = (selected == gold ? 1.2 : 0.3) + 2 * random.next_unit();
  for (size_t k = 0; k < o.names.size(); ++k) {
    p.option_logprobs.push_back(-3 + (k == selected ? sure : -random.next_unit()));
  }
  p.parsed = random.next_unit() >= o.unparsed;
  p.predicted = p.parsed ? o.names[answer(random, o, gold)] : "";
  p.output = p.parsed ? letter_or_json(p.predicted) : "I would rather not say.";
  p.correct = p.predicted == p.gold;
  p.readings = {{"lenient", p.predicted, p.correct}};
  for (int64_t shift = 1; o.rotations && shift < p.options; ++shift) {
    p.rotations.push_back(
        {shift, o.names[answer(random, o, gold)], o.names[answer(random, o, gold)], "x"});
  }
  add_samples(random, o, gold, p);
  return p;
}

inline std::vector<Prediction> predictions(const Options& options) {
  std::vector<Prediction> rows;
  for (size_t i = 0; i < options.n; ++i) rows.push_back(row(options, i));
  return rows;
}

inline const std::vector<std::string>& working_groups() {
  static const std::vector<std::string> kGroups = {
      "CT1",  "CT3",     "CT4", "CT6", "RAN1", "RAN2", "RAN3", "RAN4",
      "RAN5", "RAN_AH1", "SA1", "SA2", "SA3",  "SA4",  "SA5",  "SA6"};
  return kGroups;
}

}  // namespace telora::synthetic
