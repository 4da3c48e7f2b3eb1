#include "eval/continuation.h"

#include <algorithm>

#include "backbone/parallel.h"
#include "backbone/torch.h"
#include "eval/cached_forward.h"

namespace telora {

AnswerBatch::AnswerBatch(const Decoder& decoder, KeyValueCache& cache,
                         std::span<const CachedPrompt> prompts, int64_t scratch,
                         const GenerationOptions& options)
    : decoder_(decoder), cache_(cache), prompts_(prompts), next_slot_(scratch), options_(options) {}

std::vector<Continuation> AnswerBatch::run(const at::Tensor& logits,
                                           std::vector<AnswerRequest> requests) {
  const at::NoGradGuard no_gradient;
  std::vector<Continuation> answers(requests.size());
  if (options_.max_new_tokens == 0) return answers;
  begin(requests);
  at::Tensor current = logits;
  while (!branches_.empty()) {
    advance(choose(current, requests), answers);
    if (!branches_.empty()) current = read_last_tokens();
  }
  return answers;
}

// One branch a prompt that anything is asked of.
void AnswerBatch::begin(std::span<const AnswerRequest> requests) {
  std::vector<Branch> all(prompts_.size());
  for (size_t i = 0; i < requests.size(); ++i) all[requests[i].prompt].requests.push_back(i);
  for (size_t prompt = 0; prompt < all.size(); ++prompt) {
    if (all[prompt].requests.empty()) continue;
    all[prompt].prompt = prompt;
    all[prompt].slot = new_slot(all[prompt]);
    all[prompt].logits = static_cast<int64_t>(prompt);
    branches_.push_back(std::move(all[prompt]));
  }
}

// The next token of each request that goes on, by its index.
std::vector<int32_t> AnswerBatch::choose(const at::Tensor& logits,
                                         std::vector<AnswerRequest>& requests) const {
  const int64_t row = logits.size(1);
  const int64_t usable = options_.vocabulary > 0 ? std::min(options_.vocabulary, row) : row;
  std::vector<std::pair<int64_t, size_t>> open;  // row of logits, request
  for (const Branch& branch : branches_) {
    for (const size_t request : branch.requests) open.emplace_back(branch.logits, request);
  }
  std::vector<int32_t> chosen(requests.size());
  parallel_for(0, static_cast<int64_t>(open.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const auto [at, index] = open[static_cast<size_t>(i)];
      const std::span one(logits.const_data_ptr<float>() + at * row, static_cast<size_t>(usable));
      AnswerRequest& request = requests[index];
      chosen[index] = choose_token(one, request.sampling, request.random);
    }
  });
  return chosen;
}

// Branches that go on; the first part of a branch keeps its place in the cache.
void AnswerBatch::advance(std::span<const int32_t> chosen, std::vector<Continuation>& answers) {
  std::vector<Branch> next;
  for (const Branch& branch : branches_) {
    bool in_place = true;
    for (Branch& part : split(branch, chosen)) {
      if (finish(part, answers)) continue;
      if (!in_place) part.slot = new_slot(branch);
      in_place = false;
      next.push_back(std::move(part));
    }
  }
  branches_ = std::move(next);
}

// A branch for each token chosen, in the order of their first request.
std::vector<AnswerBatch::Branch> AnswerBatch::split(const Branch& branch,
                                                    std::span<const int32_t> chosen) const {
  std::vector<Branch> parts;
  for (const size_t request : branch.requests) {
    const int32_t token = chosen[request];
    auto part = std::ranges::find_if(
        parts, [&](const Branch& candidate) { return candidate.ids.back() == token; });
    if (part == parts.end()) {
      part = parts.insert(part, {branch.prompt, branch.slot, branch.ids, {}, 0});
      part->ids.push_back(token);
    }
    part->requests.push_back(request);
  }
  return parts;
}

// Whether the branch's last token ends its answers; then they are written.
bool AnswerBatch::finish(const Branch& branch, std::vector<Continuation>& answers) const {
  const bool stopped = std::ranges::find(options_.stop, branch.ids.back()) != options_.stop.end();
  const auto length = static_cast<int64_t>(branch.ids.size());
  if (!stopped && length < options_.max_new_tokens) return false;
  for (const size_t request : branch.requests) {
    answers[request].stopped = stopped;
    answers[request].ids.assign(branch.ids.begin(), branch.ids.end() - (stopped ? 1 : 0));
  }
  return true;
}

// Slots of its own for a part of `branch`, to which what has been read of it will be copied.
int64_t AnswerBatch::new_slot(const Branch& branch) {
  const int64_t slot = next_slot_;
  next_slot_ += options_.max_new_tokens;
  for (int64_t i = 0; i < static_cast<int64_t>(branch.ids.size()); ++i) {
    from_.push_back(branch.slot + i);
    to_.push_back(slot + i);
  }
  return slot;
}

void AnswerBatch::copy_slots() {
  if (from_.empty()) return;
  const at::Device device = decoder_.device();
  const at::Tensor from = torch::tensor(from_, torch::kInt64).to(device);
  const at::Tensor to = torch::tensor(to_, torch::kInt64).to(device);
  for (auto* pool : {&cache_.keys, &cache_.values}) {
    for (at::Tensor& layer : *pool) layer.index_copy_(0, to, layer.index_select(0, from));
  }
  from_.clear();
  to_.clear();
}

// Reads the newest token of each branch; returns what may follow, [branches, V].
at::Tensor AnswerBatch::read_last_tokens() {
  copy_slots();
  CachedForward forward;
  for (Branch& branch : branches_) {
    const CachedPrompt& prompt = prompts_[branch.prompt];
    const auto known = static_cast<int64_t>(branch.ids.size()) - 1;
    forward.use(prompt.choice);
    branch.logits = forward.want(
        forward.branch(prompt.begin, prompt.length, branch.slot, {&branch.ids.back(), 1}, known));
  }
  return forward.run(decoder_, cache_);
}

}  // namespace telora
