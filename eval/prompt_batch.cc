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

  RowPlan add(int64_t row, const CachedPrompt& prompt, const EncodedExample& example) {
    const int64_t begin = prompt.begin;
    forward_.use(prompt.choice);
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

int64_t shared_by(std::span<const PromptRow> group) {
  std::vector<const EncodedExample*> rows;
  for (const PromptRow& row : group) rows.push_back(row.example);
  return static_cast<int64_t>(shared_prompt_tokens(rows));
}

int64_t branch_slots(const EncodedExample& example) {
  size_t total = 0;
  for (const auto& ids : completions_of(example)) total += ids.size();
  return static_cast<int64_t>(total);
}

}  // namespace

std::vector<PromptRow> PromptBatch::rows_of(std::span<const EncodedExample> examples,
                                            size_t choices) {
  std::vector<PromptRow> rows;
  for (size_t choice = 0; choice < choices; ++choice) {
    for (const EncodedExample& example : examples) rows.push_back({&example, choice});
  }
  return rows;
}

PromptBatch::PromptBatch(const Decoder& decoder, std::vector<PromptRow> rows, int64_t answer_tokens,
                         int64_t tokens_per_pass)
    : decoder_(decoder), rows_(std::move(rows)) {
  const at::NoGradGuard no_gradient;
  lay_out(answer_tokens);
  cache_ = decoder_.make_cache(slots_);
  read_prompts(tokens_per_pass);
  for (const Group& group : groups_) copy_prefix(group);
}

// Each group's shared tokens, then its prompts, each with room for what all its completions begin
// with; behind all of them the slots that candidates and answers use one after the other.
void PromptBatch::lay_out(int64_t answer_tokens) {
  int64_t branches = 0;
  for (size_t first = 0; first < rows_.size();) {
    Group group{first, 0, 0, scratch_};
    while (first < rows_.size() && rows_[first].choice == rows_[group.first].choice) ++first;
    group.count = first - group.first;
    const std::span members = std::span(rows_).subspan(group.first, group.count);
    group.shared = shared_by(members);
    scratch_ += group.shared;
    for (const auto& [example, choice] : members) {
      prompts_.push_back({scratch_, std::ssize(example->prompt), choice});
      scratch_ += std::ssize(example->prompt) + std::ssize(example->target);
      branches += branch_slots(*example);
    }
    groups_.push_back(group);
  }
  slots_ = scratch_ + std::max(branches, std::ssize(rows_) * answer_tokens);
}

// What a group's prompts begin with comes first and is read once.
void PromptBatch::read_prompts(int64_t tokens_per_pass) {
  std::vector<at::Tensor> logits;
  CachedForward forward;
  bool wanted = false;
  const auto make_room = [&](int64_t tokens) {
    if (!wanted || forward.tokens() + tokens <= tokens_per_pass) return;
    logits.push_back(forward.run(decoder_, cache_));
    forward = {};
    wanted = false;
  };
  for (const Group& group : groups_) {
    const auto shared = static_cast<size_t>(group.shared);
    for (size_t i = group.first; i < group.first + group.count; ++i) {
      const std::span<const int32_t> prompt(rows_[i].example->prompt);
      const auto own = prompt.subspan(shared);
      make_room(std::ssize(own) + (i == group.first ? group.shared : 0));
      forward.use(rows_[i].choice);
      if (i == group.first && shared > 0) forward.extend(group.begin, 0, prompt.first(shared));
      const int64_t first = shared > 0 ? forward.branch(group.begin, group.shared,
                                                        prompts_[i].begin + group.shared, own)
                                       : forward.extend(prompts_[i].begin, 0, own);
      forward.want(first + std::ssize(own) - 1);
      wanted = true;
    }
  }
  logits.push_back(forward.run(decoder_, cache_));
  last_logits_ = at::cat(logits);
}

// From here on each row's keys and values lie in one piece, prefix first.
void PromptBatch::copy_prefix(const Group& group) {
  if (group.shared == 0) return;
  for (auto* pool : {&cache_.keys, &cache_.values}) {
    for (at::Tensor& layer : *pool) {
      const at::Tensor shared = layer.narrow(0, group.begin, group.shared);
      for (size_t i = group.first; i < group.first + group.count; ++i)
        layer.narrow(0, prompts_[i].begin, group.shared).copy_(shared);
    }
  }
}

std::vector<CandidateScores> PromptBatch::score_candidates() {
  const at::NoGradGuard no_gradient;
  CandidatePass pass(scratch_);
  std::vector<RowPlan> plans;
  for (size_t i = 0; i < rows_.size(); ++i) {
    plans.push_back(pass.add(static_cast<int64_t>(i), prompts_[i], *rows_[i].example));
  }
  const at::Tensor prompt = at::log_softmax(last_logits_, 1);
  const at::Tensor behind = pass.forward().empty()
                                ? at::Tensor()
                                : at::log_softmax(pass.forward().run(decoder_, cache_), 1);
  std::vector<CandidateScores> scores;
  for (size_t i = 0; i < rows_.size(); ++i) {
    CandidateScores score;
    for (const auto& lookups : plans[i].completions) {
      score.options.push_back(sum_log_probabilities(lookups, prompt, behind));
    }
    score.target = score.options.back();
    score.options.pop_back();
    score.target_tokens = std::ssize(rows_[i].example->target);
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
