#include "train/work_count.h"

#include <gtest/gtest.h>

#include "adapters/lora_adapter.h"
#include "tests/golden/tiny_models.h"
#include "tests/train/tiny_rows.h"

namespace telora {
namespace {

std::vector<const EncodedExample*> pointers(const std::vector<EncodedExample>& rows) {
  std::vector<const EncodedExample*> all;
  for (const EncodedExample& row : rows) all.push_back(&row);
  return all;
}

// Pairs by looking at every query and key.
int64_t slow_pairs(int64_t from, int64_t to, int64_t window) {
  int64_t pairs = 0;
  for (int64_t query = from; query < to; ++query) {
    for (int64_t key = 0; key <= query; ++key) pairs += query - key < window;
  }
  return pairs;
}

TEST(WorkCount, CountsTokensPairsAndAnswers) {
  const std::vector<EncodedExample> rows = tiny_rows(7);
  for (const int64_t window : {1, 3, 100}) {
    for (const int64_t shared : {0, 2}) {
      TrainingWork expected{.tokens = shared,
                            .pairs = slow_pairs(0, shared, 1000),
                            .local_pairs = slow_pairs(0, shared, window)};
      for (const EncodedExample& row : rows) {
        const auto read = static_cast<int64_t>(row.prompt.size() + row.target.size()) - 1;
        expected += {read - shared, slow_pairs(shared, read, 1000),
                     slow_pairs(shared, read, window), static_cast<int64_t>(row.target.size())};
      }
      EXPECT_EQ(count_work(pointers(rows), LossTokens::kAnswer, shared, window), expected);
    }
  }
  EXPECT_EQ(count_work(pointers(rows), LossTokens::kFull, 0, 0).answers,
            count_work(pointers(rows), LossTokens::kFull, 0, 0).tokens);
}

// Products are [m, k] x [k, n], 2 m k n operations each, listed one by one.
TEST(WorkCount, FlopsAreThoseOfTheProducts) {
  const DecoderSpec spec = golden::tiny_llama();
  const int64_t length = 11, answers = 3, rank = 2;
  double expected = 0;
  const auto product = [&](int64_t m, int64_t k, int64_t n) {
    expected += 2.0 * static_cast<double>(m * k * n);
  };
  int64_t parameters = 0;
  for (const ModuleShape& m : linear_modules(spec)) {
    product(length, m.in, m.out);                               // W x
    product(length, m.out, m.in);                               // gradient of x
    product(length, m.in, rank), product(length, rank, m.out);  // A x, B (A x)
    product(rank, length, m.in), product(m.out, length, rank);  // gradients of A and B
    product(length, m.out, rank), product(length, rank, m.in);  // through B, through A
    parameters += rank * (m.in + m.out);
  }
  const int64_t pairs = length * (length + 1) / 2;
  for (int64_t i = 0; i < spec.layers * spec.heads; ++i) {
    for (int part = 0; part < 6; ++part) product(pairs, spec.head_dim, 1);
  }
  product(answers, spec.hidden, spec.vocab);
  product(answers, spec.vocab, spec.hidden);
  const TrainingWork work{.tokens = length, .pairs = pairs, .local_pairs = 0, .answers = answers};
  EXPECT_DOUBLE_EQ(training_flops(spec, parameters, work), expected);
}

TEST(WorkCount, LayersWithAWindowHaveTheirOwnPairs) {
  const DecoderSpec spec = golden::tiny_gemma3();
  const TrainingWork none{.tokens = 9, .pairs = 0, .local_pairs = 0, .answers = 0};
  const TrainingWork all{.tokens = 9, .pairs = 45, .local_pairs = 30, .answers = 0};
  const double heads = static_cast<double>(spec.heads * spec.head_dim);
  EXPECT_DOUBLE_EQ(training_flops(spec, 0, all) - training_flops(spec, 0, none),
                   12 * heads * (1 * 45 + 5 * 30));
}

}  // namespace
}  // namespace telora
