#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scoring/prediction.h"

namespace telora {

// The answers that were given in one way, as predictions of their own: sorted by id, with
// `predicted`, `correct` and `parsed` of this way, and a group each (the id where there was none).
// Outputs, samples and log-probabilities are left out.
struct AnswerSet {
  std::string metric = {};  // kGenerated, kSelection, …
  bool understood = false;  // answers were read out of text, so some may not be understood
  std::vector<Prediction> rows = {};  // those of the questions that were answered so
  Score score() const { return tally(metric, rows, understood); }
};

// kGenerated, kSelection, kSelectionByLength, Maj@k, and what other parsers read in the generated
// answers, in this order; those that there are. Throws Error(data) for an id that comes twice and
// for votes of different numbers of samples.
std::vector<AnswerSet> answer_sets(const std::vector<Prediction>& predictions);

// The one of this name; null if there is none.
const AnswerSet* find_answers(const std::vector<AnswerSet>& sets, const std::string& metric);

// The metric of what another parser reads in the generated answers: "by inspect-current".
std::string reading_name(const std::string& parser);

// The metric whose answers this one looks at by another rule: kGenerated for what another parser
// reads, kSelection for kSelectionByLength. Nothing for a metric of its own.
std::optional<std::string> variant_of(const std::string& metric);

}  // namespace telora
