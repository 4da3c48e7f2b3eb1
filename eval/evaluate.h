#pragma once

#include <functional>
#include <string>
#include <vector>

#include "backbone/backbone.h"
#include "data/category.h"
#include "data/example.h"
#include "eval/encoded_example.h"
#include "scoring/majority.h"
#include "scoring/prediction.h"

namespace telora {

struct EvaluationOptions {
  bool selection = true;           // log-likelihoods of the options and of the target
  bool generate = true;            // greedy answers
  bool rotate = false;             // ask letter questions in every order of their options too
  MajoritySettings majority = {};  // samples beside the greedy answer; with generate only
  int64_t max_new_tokens = 16;
  int64_t tokens_per_pass = 4096;  // of the prompts that are answered together
  std::string part = "test";       // written into the predictions, as are method and seed
  std::string split_method = "group";
  int64_t split_seed = 42;
  // Called after each pass with the questions done, rotated ones among them; may throw to stop.
  std::function<void(int64_t done)> progress = {};
};

struct Evaluation {
  std::vector<Prediction> predictions;  // in the order of the examples
  double target_loss = 0;               // mean over answer tokens of -ln p, end of turn included
  // From encoded questions to their predictions; an equal share where several were scored together.
  double seconds = 0;
};

// Scores a backbone as it is, with or without an adapter attached. Throws Error(usage) for sampling
// out of range.
Evaluation evaluate(const Backbone& backbone, const Category& category,
                    const std::vector<Example>& examples,
                    const std::vector<EncodedExample>& encoded, const EvaluationOptions& options);

// The same for each of `subjects` adapters that are attached together (adapters/adapter_mix.h), all
// in the same passes: one evaluation each, in their order. Peak memory grows with their number, as
// each has its own keys and values.
std::vector<Evaluation> evaluate_attached(const Backbone& backbone, const Category& category,
                                          const std::vector<Example>& examples,
                                          const std::vector<EncodedExample>& encoded,
                                          const EvaluationOptions& options, size_t subjects);

// What one pass may hold.
struct PassLimits {
  int64_t tokens = 4096;   // of prompts
  size_t answers = 1;      // to each question
  int64_t new_tokens = 0;  // of one answer, at most
};

// Length of the longest run of examples from `begin` that fits one pass (at least one).
size_t fitting_examples(const std::vector<EncodedExample>& encoded, size_t begin,
                        const PassLimits& limits);

}  // namespace telora
