#include "eval/prompt_batch.h"

#include <fmt/format.h>

#include <algorithm>

#include "backbone/torch.h"
#include "core/error.h"
#include "eval/cached_forward.h"

namespace telora {

namespace {

// All completions to score of one example: its options, then the target.
std::vector<std::span<const int32_t>> completions_of(const EncodedExample& example) {
  std::vector<std::span<const int32_t>> all(example.completions.begin(), example.completions.end());
  all.emplace_back(example.target);
  return all;
}

// Tokens that all begin with, at most one less than the shortest has: the last token needs no
// reading.
size_t shared_tokens(const std::vector<std::span<const int32_t>>& all) {
  size_t shared = all[0].size() - 1;
  for (const auto& ids : all) {
    shared = std::min(shared, ids.size() - 1);
    const auto [here, there] =
        std::mismatch(ids.begin(), ids.begin() + static_cast<long>(shared), all[0].begin());
    shared = static_cast<size_t>(here - ids.begin());
  }
  return shared;
}

// Where the log-probability of one token of a completion is found: a row of the prompts' logits, or
// of the pass.
struct Lookup {
  bool in_prompt;
  int64_t row;
  int64_t id;
};

// What is read behind one prompt, and where each completion's tokens are looked up.
struct RowPlan {
  std::vector<std::vector<Lookup>> completions;
};

class CandidatePass {
 public:
  CandidatePass(int64_t scratch) : scratch_(scratch) {}

  RowPlan add(int64_t row, int64_t begin, const EncodedExample& example) {
    const auto known = static_cast<int64_t>(example.prompt.size());
    const auto all = completions_of(example);
    const size_t shared = shared_tokens(all);
    const std::span<const int32_t> head = all[0].first(shared);
    std::vector<Lookup> where{{true, row, 0}};  // one a token: logits in front of it
    if (shared > 0) append_wanted(forward_.extend(begin, known, head), shared, where);
    RowPlan plan;
    for (const auto& ids : all)
      plan.completions.push_back(add_rest(begin, known, shared, ids, where));
    return plan;
  }

  const CachedForward& forward() const { return forward_; }

 private:
  void append_wanted(int64_t first, size_t count, std::vector<Lookup>& where) {
    for (size_t i = 0; i < count; ++i) {
      where.push_back({false, forward_.want(first + static_cast<int64_t>(i)), 0});
    }
  }

  std::vector<Lookup> add_rest(int64_t begin, int64_t known, size_t shared,
                               std::span<const int32_t> ids, std::vector<Lookup> where) {
    const std::span<const int32_t> rest = ids.subspan(shared, ids.size() - 1 - shared);
    if (!rest.empty()) {
      const int64_t first =
          forward_.branch(begin, known + static_cast<int64_t>(shared), scratch_, rest);
      append_wanted(first, rest.size(), where);
      scratch_ += static_cast<int64_t>(rest.size());
    }
    for (size_t i = 0; i < ids.size(); ++i) where[i].id = ids[i];
    return where;
  }

  CachedForward forward_;
  int64_t scratch_;
};

double sum_log_probabilities(const std::vector<Lookup>& lookups, const at::Tensor& prompt,
                             const at::Tensor& pass) {
  double total = 0;
  for (const Lookup& at : lookups) {
    const at::Tensor& table = at.in_prompt ? prompt : pass;
    total += table.data_ptr<float>()[at.row * table.size(1) + at.id];
  }
  return total;
}

int64_t shared_by(std::span<const EncodedExample> examples) {
  std::vector<const EncodedExample*> rows;
  for (const EncodedExample& example : examples) rows.push_back(&example);
  return static_cast<int64_t>(shared_prompt_tokens(rows));
}

int64_t branch_slots(const EncodedExample& example) {
  size_t total = 0;
  for (const auto& ids : completions_of(example)) total += ids.size();
  return static_cast<int64_t>(total);
}

}  // namespace

PromptBatch::PromptBatch(const Decoder& decoder, std::span<const EncodedExample> examples,
                         int64_t answer_tokens, int64_t tokens_per_pass)
    : decoder_(decoder), examples_(examples), shared_(shared_by(examples)), scratch_(shared_) {
  const at::NoGradGuard no_gradient;
  int64_t branches = 0;
  for (const EncodedExample& example : examples_) {
    prompts_.push_back({scratch_, static_cast<int64_t>(example.prompt.size())});
    // Behind a prompt comes what all its completions begin with.
    scratch_ += static_cast<int64_t>(example.prompt.size() + example.target.size());
    branches += branch_slots(example);
  }
  // Candidates and answers use the same slots, one after the other.
  slots_ = scratch_ + std::max(branches, std::ssize(examples_) * answer_tokens);
  cache_ = decoder_.make_cache(slots_);
  read_prompts(tokens_per_pass);
  copy_prefix();
}

// What all prompts begin with comes first and is read once.
void PromptBatch::read_prompts(int64_t tokens_per_pass) {
  std::vector<at::Tensor> logits;
  CachedForward forward;
  const auto shared = static_cast<size_t>(shared_);
  if (shared > 0) forward.extend(0, 0, std::span(examples_[0].prompt).first(shared));
  for (size_t i = 0; i < examples_.size(); ++i) {
    const auto own = std::span(examples_[i].prompt).subspan(shared);
    if (i > 0 && forward.tokens() + std::ssize(own) > tokens_per_pass) {
      logits.push_back(forward.run(decoder_, cache_));
      forward = {};
    }
    const int64_t first = shared > 0 ? forward.branch(0, shared_, prompts_[i].begin + shared_, own)
                                     : forward.extend(prompts_[i].begin, 0, own);
    forward.want(first + std::ssize(own) - 1);
  }
  logits.push_back(forward.run(decoder_, cache_));
  last_logits_ = at::cat(logits);
}

// From here on each row's keys and values lie in one piece, prefix first.
void PromptBatch::copy_prefix() {
  if (shared_ == 0) return;
  for (auto* pool : {&cache_.keys, &cache_.values}) {
    for (at::Tensor& layer : *pool) {
      for (const CachedPrompt& prompt : prompts_)
        layer.narrow(0, prompt.begin, shared_).copy_(layer.narrow(0, 0, shared_));
    }
  }
}

std::vector<CandidateScores> PromptBatch::score_candidates() {
  const at::NoGradGuard no_gradient;
  CandidatePass pass(scratch_);
  std::vector<RowPlan> plans;
  for (size_t i = 0; i < examples_.size(); ++i) {
    plans.push_back(pass.add(static_cast<int64_t>(i), prompts_[i].begin, examples_[i]));
  }
  const at::Tensor prompt = at::log_softmax(last_logits_, 1);
  const at::Tensor behind = pass.forward().empty()
                                ? at::Tensor()
                                : at::log_softmax(pass.forward().run(decoder_, cache_), 1);
  std::vector<CandidateScores> scores;
  for (size_t i = 0; i < examples_.size(); ++i) {
    CandidateScores score;
    for (const auto& lookups : plans[i].completions) {
      score.options.push_back(sum_log_probabilities(lookups, prompt, behind));
    }
    score.target = score.options.back();
    score.options.pop_back();
    score.target_tokens = static_cast<int64_t>(examples_[i].target.size());
    scores.push_back(std::move(score));
  }
  return scores;
}

std::vector<Continuation> PromptBatch::generate(const GenerationOptions& options,
                                                std::vector<AnswerRequest> requests) {
  const int64_t needed = std::ssize(requests) * options.max_new_tokens;
  if (needed > slots_ - scratch_) {
    throw Error(ErrorKind::kInternal, fmt::format("prompt batch: {} slots for answers, {} needed",
                                                  slots_ - scratch_, needed));
  }
  return AnswerBatch(decoder_, cache_, prompts_, scratch_, options)
      .run(last_logits_, std::move(requests));
}

}  // namespace telora
