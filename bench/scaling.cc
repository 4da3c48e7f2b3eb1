// Training speed and memory against row length, rows a batch, rank, threads and size of the model:
// rows of random tokens, answers of four, forward and backward of one step. A line of JSON a
// setting; bench/scaling.sh keeps them. Sizes have random weights.
//   bench_scaling [BACKBONE [PRECISION [SIZES]]]      default smollm2-135m, bf16, 5; 0 leaves sizes
//   out
#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "adapters/lora_adapter.h"
#include "backbone/backbone.h"
#include "backbone/torch.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/resources.h"
#include "tools/main_guard.h"
#include "train/train_pass.h"

namespace telora {
namespace {

constexpr int kRounds = 3;
constexpr int64_t kAnswer = 4;

struct Setting {
  const char* varied;
  int64_t length = 512, rows = 8, rank = 16;
  int threads = at::get_num_threads();
  int64_t tokens_per_pass = 1024;
};

std::vector<Setting> settings() {
  std::vector<Setting> all;
  // The same number of tokens in every batch.
  for (const int64_t length : {64, 128, 256, 512, 1024})
    all.push_back({.varied = "length", .length = length, .rows = 4096 / length});
  for (const int64_t rows : {1, 2, 4, 8, 16}) all.push_back({.varied = "rows", .rows = rows});
  for (const int64_t rank : {4, 16, 64}) all.push_back({.varied = "rank", .rank = rank});
  for (int threads = 1; threads <= at::get_num_threads(); threads *= 2)
    all.push_back({.varied = "threads", .threads = threads});
  return all;
}

struct Size {
  const char* name;
  int64_t layers, hidden, heads, kv_heads, head_dim, intermediate, vocab;
};

// The shapes of SmolLM2, of Qwen3-0.6B and of Llama-3.2-1B, and a smaller one, all with the blocks
// of Llama.
constexpr Size kSizes[] = {{"30M", 12, 384, 6, 2, 64, 1024, 49152},
                           {"135M", 30, 576, 9, 3, 64, 1536, 49152},
                           {"360M", 32, 960, 15, 5, 64, 2560, 49152},
                           {"0.6B", 28, 1024, 16, 8, 128, 3072, 151936},
                           {"1.2B", 16, 2048, 32, 8, 64, 8192, 128256}};

Decoder random_decoder(DecoderSpec spec, const Size& size, at::ScalarType type) {
  spec.layers = size.layers, spec.hidden = size.hidden, spec.heads = size.heads;
  spec.kv_heads = size.kv_heads, spec.head_dim = size.head_dim;
  spec.intermediate = size.intermediate, spec.vocab = size.vocab;
  spec.attention_scale = 1 / std::sqrt(static_cast<double>(size.head_dim));
  std::unordered_map<std::string, at::Tensor> weights;
  for (const ParameterShape& parameter : parameter_shapes(spec)) {
    const bool norm = parameter.shape.size() == 1;
    weights[parameter.name] =
        norm ? at::ones(parameter.shape, type) : at::empty(parameter.shape, type).normal_(0, 0.02);
  }
  return {spec, weights, type};
}

std::vector<EncodedExample> random_rows(const Setting& s, int64_t vocabulary) {
  RandomStream random(42);
  const auto token = [&] {
    return static_cast<int32_t>(random.below(static_cast<uint64_t>(vocabulary)));
  };
  std::vector<EncodedExample> rows(static_cast<size_t>(s.rows));
  for (EncodedExample& row : rows) {
    for (int64_t i = 0; i < s.length - kAnswer; ++i) row.prompt.push_back(token());
    for (int64_t i = 0; i < kAnswer; ++i) row.target.push_back(token());
  }
  return rows;
}

// Forward and backward of all rows, as a step of training does it.
void step(const Decoder& decoder, const std::vector<EncodedExample>& rows, const Setting& s) {
  std::vector<const EncodedExample*> batch;
  for (const EncodedExample& row : rows) batch.push_back(&row);
  for (const auto& part : cut_into_passes(batch, s.tokens_per_pass)) {
    const TrainPass pass = build_pass(part, LossTokens::kAnswer);
    decoder.loss_sum(decoder.hidden(pass.rows, pass.wanted), pass.targets).backward();
  }
}

void forget_peak() { std::ofstream("/proc/self/clear_refs") << "5"; }

nlohmann::ordered_json measure(Decoder& decoder, const Setting& s) {
  at::set_num_threads(s.threads);
  LoraConfig config;
  config.rank = s.rank;
  config.alpha = 2.0 * static_cast<double>(s.rank);
  config.target_regex = "all-linear";
  LoraAdapter adapter = LoraAdapter::create(config, decoder.spec(), LoraInit::kKaiming, 42);
  adapter.attach(decoder);
  adapter.enable_training(42);
  const std::vector<EncodedExample> rows = random_rows(s, decoder.spec().vocab);
  step(decoder, rows, s);
  forget_peak();
  std::vector<double> seconds;
  for (int round = 0; round < kRounds; ++round) {
    const Stopwatch watch;
    step(decoder, rows, s);
    seconds.push_back(watch.seconds());
  }
  LoraAdapter::detach(decoder);
  std::ranges::sort(seconds);
  const auto tokens = static_cast<double>(s.length * s.rows);
  return {{"varied", s.varied},
          {"length", s.length},
          {"rows", s.rows},
          {"rank", s.rank},
          {"threads", s.threads},
          {"tokens_per_second", tokens / seconds[kRounds / 2]},
          {"peak_bytes", peak_rss_bytes()}};
}

int run(const std::vector<std::string>& arguments) {
  const std::string name = arguments.empty() ? "smollm2-135m" : arguments[0];
  const at::ScalarType type = frozen_type(arguments.size() < 2 ? "bf16" : arguments[1]);
  const size_t sizes = arguments.size() < 3 ? std::size(kSizes) : std::stoul(arguments[2]);
  const auto show = [](const nlohmann::ordered_json& line) {
    fmt::print("{}\n", line.dump());
    std::fflush(stdout);
  };
  DecoderSpec spec;
  {
    Decoder decoder = load_decoder(name, type);
    spec = decoder.spec();
    for (const Setting& setting : settings()) show(measure(decoder, setting));
  }
  for (size_t i = 0; i < std::min(sizes, std::size(kSizes)); ++i) {
    Decoder decoder = random_decoder(spec, kSizes[i], type);
    nlohmann::ordered_json line = measure(decoder, {.varied = "size"});
    line["size"] = kSizes[i].name;
    line["parameters"] = parameter_count(decoder.spec());
    show(line);
  }
  return 0;
}

}  // namespace
}  // namespace telora

int main(int argc, char** argv) {
  return telora::run_guarded([&] { return telora::run({argv + 1, argv + argc}); });
}
