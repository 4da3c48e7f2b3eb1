#include "eval/measure_cost.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "adapters/delta_slots.h"
#include "adapters/lora_adapter.h"
#include "core/energy.h"
#include "core/error.h"
#include "core/resources.h"
#include "data/answer_parser.h"
#include "eval/encode.h"
#include "eval/prompt_batch.h"

namespace telora {

namespace {

constexpr int kSwaps = 5;

// Nearest-rank quantile of a list that is not empty.
double quantile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  return values[std::max<size_t>(rank, 1) - 1];
}

// One query's times and lengths.
struct Query {
  double seconds = 0, first_token_seconds = 0;
  int64_t prompt_tokens = 0, new_tokens = 0;
};

Query ask(const Backbone& backbone, const ExampleEncoder& encoder, const Example& example,
          int64_t max_new_tokens) {
  const Stopwatch watch;
  const EncodedExample encoded = encoder.encode(example, 0);
  PromptBatch batch(backbone.decoder, PromptBatch::rows_of({&encoded, 1}), max_new_tokens);
  Query query{.first_token_seconds = watch.seconds(), .prompt_tokens = std::ssize(encoded.prompt)};
  const std::vector<int32_t> stop = backbone.tokenizer.end_of_turn_ids();
  const std::vector<Continuation> answers =
      batch.generate({stop, backbone.tokenizer.size(), max_new_tokens}, {AnswerRequest{}});
  const std::string text = backbone.tokenizer.decode(answers[0].ids);
  query.seconds = watch.seconds();
  query.new_tokens = std::ssize(answers[0].ids) + (answers[0].stopped ? 1 : 0);
  return query;
}

// Keys and values of one query at its full length.
int64_t cache_bytes(const DecoderSpec& spec, at::ScalarType type, int64_t tokens) {
  const auto element = static_cast<int64_t>(c10::elementSize(type));
  return 2 * spec.layers * spec.kv_heads * spec.head_dim * element * tokens;
}

double swap_seconds(Backbone& backbone, const std::filesystem::path& folder) {
  const DeltaSlots attached = DeltaSlots::take(backbone.decoder);
  std::vector<double> seconds;
  for (int i = 0; i < kSwaps; ++i) {
    const Stopwatch watch;
    LoraAdapter adapter =
        LoraAdapter::from_file(read_adapter(folder, linear_modules(backbone.decoder.spec())));
    adapter.attach(backbone.decoder);
    seconds.push_back(watch.seconds());
    LoraAdapter::detach(backbone.decoder);
  }
  attached.give_back(backbone.decoder);
  return quantile(seconds, 0.5);
}

int64_t adapter_file_bytes(const std::filesystem::path& folder) {
  return static_cast<int64_t>(std::filesystem::file_size(folder / "adapter_model.safetensors"));
}

void add_speed(Cost& cost, const std::vector<Query>& queries, const Backbone& backbone) {
  std::vector<double> seconds, first, rates;
  int64_t longest = 0;
  for (const Query& q : queries) {
    seconds.push_back(q.seconds);
    first.push_back(q.first_token_seconds);
    longest = std::max(longest, q.prompt_tokens + q.new_tokens);
    const double rest = q.seconds - q.first_token_seconds;
    if (q.new_tokens > 1 && rest > 0) rates.push_back(static_cast<double>(q.new_tokens - 1) / rest);
  }
  cost.latency_p50_seconds = quantile(seconds, 0.5);
  cost.latency_p95_seconds = quantile(seconds, 0.95);
  cost.first_token_seconds = quantile(first, 0.5);
  if (!rates.empty()) cost.tokens_per_second = quantile(rates, 0.5);
  cost.cache_bytes = cache_bytes(backbone.decoder.spec(), backbone.decoder.dtype(), longest);
}

}  // namespace

Cost measure_cost(Backbone& backbone, const Category& category,
                  const std::vector<Example>& examples, const std::vector<EncodedExample>& encoded,
                  const CostOptions& options) {
  if (std::cmp_less(encoded.size(), options.queries + 1)) {
    fail(ErrorKind::kUsage, {"--cost", ""}, fmt::format("{}", options.queries),
         fmt::format("fewer than the part's {} questions", encoded.size()));
  }
  const ExampleEncoder encoder(category, backbone, category.max_length);
  const auto query = [&](int64_t i) {
    const Example& example = examples[encoded[static_cast<size_t>(i)].index];
    return ask(backbone, encoder, example, options.max_new_tokens);
  };
  query(options.queries);
  std::optional<EnergyCounter> counter = EnergyCounter::open();
  if (counter) counter->joules();
  std::vector<Query> queries;
  for (int64_t i = 0; i < options.queries; ++i) {
    queries.push_back(query(i));
    if (options.progress) options.progress(i + 1);
  }
  Cost cost{.queries = options.queries};
  if (counter) {
    if (const auto joules = counter->joules())
      cost.joules_per_query = *joules / static_cast<double>(options.queries);
  }
  add_speed(cost, queries, backbone);
  cost.weights_bytes = weight_bytes(backbone.decoder);
  if (!options.adapter.empty()) {
    cost.adapter_bytes = adapter_file_bytes(options.adapter);
    cost.swap_seconds = swap_seconds(backbone, options.adapter);
  }
  cost.peak_memory_bytes = peak_rss_bytes();
  return cost;
}

}  // namespace telora
