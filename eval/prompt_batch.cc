#include "eval/prompt_batch.h"

#include <algorithm>

#include "backbone/parallel.h"
#include "backbone/torch.h"

namespace telora {

namespace {

using Ids = std::vector<int32_t>;

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
  int64_t slots() const { return scratch_; }

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

// Room behind each prompt: its generated answer, or what all its completions share.
int64_t reserve_of(const EncodedExample& example, int64_t max_new_tokens) {
  return std::max<int64_t>(max_new_tokens, static_cast<int64_t>(example.target.size()));
}

int64_t shared_by(std::span<const EncodedExample> examples) {
  std::vector<const EncodedExample*> rows;
  for (const EncodedExample& example : examples) rows.push_back(&example);
  return static_cast<int64_t>(shared_prompt_tokens(rows));
}

// The next token of each active row. logits: [active, V]
Ids choose_tokens(const at::Tensor& logits, std::span<const size_t> active,
                  const GenerationOptions& options, std::vector<RandomStream>& random) {
  const int64_t row = logits.size(1);
  const int64_t usable = options.vocabulary > 0 ? std::min(options.vocabulary, row) : row;
  Ids chosen(active.size());
  parallel_for(0, static_cast<int64_t>(active.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const std::span one(logits.const_data_ptr<float>() + i * row, static_cast<size_t>(usable));
      const auto at = static_cast<size_t>(i);
      chosen[at] = choose_token(one, options.sampling, random[active[at]]);
    }
  });
  return chosen;
}

int64_t branch_slots(const EncodedExample& example) {
  size_t total = 0;
  for (const auto& ids : completions_of(example)) total += ids.size();
  return static_cast<int64_t>(total);
}

}  // namespace

PromptBatch::PromptBatch(const Decoder& decoder, std::span<const EncodedExample> examples,
                         int64_t max_new_tokens)
    : decoder_(decoder), examples_(examples), max_new_tokens_(max_new_tokens) {
  const at::NoGradGuard no_gradient;
  const int64_t shared = shared_by(examples_);
  CachedForward forward;
  scratch_ = shared;
  if (shared > 0)
    forward.extend(0, 0, std::span(examples_[0].prompt).first(static_cast<size_t>(shared)));
  int64_t slots = 0;
  for (const EncodedExample& example : examples_) {
    begins_.push_back(scratch_);
    const auto own = std::span(example.prompt).subspan(static_cast<size_t>(shared));
    const int64_t first = shared > 0 ? forward.branch(0, shared, scratch_ + shared, own)
                                     : forward.extend(scratch_, 0, own);
    forward.want(first + static_cast<int64_t>(own.size()) - 1);
    scratch_ += static_cast<int64_t>(example.prompt.size()) + reserve_of(example, max_new_tokens);
    slots += branch_slots(example);
  }
  cache_ = decoder_.make_cache(scratch_ + slots);
  last_logits_ = forward.run(decoder_, cache_);
  copy_prefix(shared);
}

// From here on each row's keys and values lie in one piece, prefix first.
void PromptBatch::copy_prefix(int64_t shared) {
  if (shared == 0) return;
  for (auto* pool : {&cache_.keys, &cache_.values}) {
    for (at::Tensor& layer : *pool) {
      for (const int64_t begin : begins_)
        layer.narrow(0, begin, shared).copy_(layer.narrow(0, 0, shared));
    }
  }
}

std::vector<CandidateScores> PromptBatch::score_candidates() {
  const at::NoGradGuard no_gradient;
  CandidatePass pass(scratch_);
  std::vector<RowPlan> plans;
  for (size_t i = 0; i < examples_.size(); ++i) {
    plans.push_back(pass.add(static_cast<int64_t>(i), begins_[i], examples_[i]));
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
                                                std::span<const std::string> items) {
  const at::NoGradGuard no_gradient;
  std::vector<Continuation> outputs(examples_.size());
  std::vector<RandomStream> random;
  for (size_t i = 0; i < examples_.size(); ++i)
    random.push_back(item_stream(options.seed, items.empty() ? std::string() : items[i]));
  std::vector<size_t> active(examples_.size());
  for (size_t i = 0; i < active.size(); ++i) active[i] = i;
  at::Tensor logits = last_logits_;
  for (int64_t step = 0; step < max_new_tokens_ && !active.empty(); ++step) {
    const Ids chosen = choose_tokens(logits, active, options, random);
    CachedForward forward;
    active = take(chosen, active, options.stop, outputs, forward);
    if (!active.empty()) logits = forward.run(decoder_, cache_);
  }
  return outputs;
}

// Adds each chosen token to its row's output; returns the rows that go on, whose next pass is
// `forward`.
std::vector<size_t> PromptBatch::take(std::span<const int32_t> chosen,
                                      std::span<const size_t> active, std::span<const int32_t> stop,
                                      std::vector<Continuation>& outputs,
                                      CachedForward& forward) const {
  std::vector<size_t> still;
  for (size_t i = 0; i < active.size(); ++i) {
    Continuation& output = outputs[active[i]];
    output.stopped = std::ranges::find(stop, chosen[i]) != stop.end();
    if (output.stopped) continue;
    const auto known = static_cast<int64_t>(examples_[active[i]].prompt.size() + output.ids.size());
    output.ids.push_back(chosen[i]);
    if (static_cast<int64_t>(output.ids.size()) == max_new_tokens_) continue;
    forward.want(forward.extend(begins_[active[i]], known, {&chosen[i], 1}));
    still.push_back(active[i]);
  }
  return still;
}

}  // namespace telora
