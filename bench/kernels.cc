// How near each kernel comes to what this processor can multiply: Google Benchmark, one thread, the
// shapes of SmolLM2-135M. `share` is the rate over that of a loop of multiply-adds in registers.
#include "backbone/kernels.h"

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <vector>

#include "backbone/block_attention.h"
#include "backbone/product_kernel.h"

namespace telora {
namespace {

using kernels::Bf16;

template <typename T>
std::vector<T> zeros(int64_t count) {
  return std::vector<T>(static_cast<size_t>(count));
}

template <typename T>
constexpr bool kIsBf16 = sizeof(T) == sizeof(Bf16);

template <typename T>
bool skipped(benchmark::State& state) {
  if (!kIsBf16<T> || kernels::has_bf16_dot()) return false;
  state.SkipWithError("this processor has no bfloat16 products");
  return true;
}

// Rows that stay in the caches against one panel: as near to the peak as a product comes.
template <typename T>
double peak_flops() {
  static const double peak = [] {
    constexpr int64_t kDepth = 256, kRows = 24, kTimes = 2000;
    const auto left = zeros<T>(kRows * kDepth), right = zeros<T>(kDepth * kernels::kPanel);
    auto out = zeros<float>(kRows * kernels::kPanel);
    const kernels::Factors factors{left.data(), kDepth, right.data(), kDepth};
    const kernels::ProductOutput output{.out = out.data(), .out_step = kernels::kPanel};
    const auto begin = std::chrono::steady_clock::now();
    for (int64_t i = 0; i < kTimes; ++i) {
      const auto product = kIsBf16<T> ? kernels::product_bf16 : kernels::product_f32;
      product({&factors, 1}, {kRows, kernels::kPanel, 0, 1}, output);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    return 2.0 * kRows * kDepth * kernels::kPanel * kTimes / seconds.count();
  }();
  return peak;
}

// Runs the work as often as the benchmark wants and tells the rate and its share of the peak.
template <typename T, typename Work>
void time_flops(benchmark::State& state, double flops_each, Work work) {
  const double peak = peak_flops<T>();
  const auto begin = std::chrono::steady_clock::now();
  for (auto _ : state) work();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  const double rate = flops_each * static_cast<double>(state.iterations()) / seconds.count();
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["share"] = rate / peak;
}

// x [rows, depth] W and, behind it, the low-rank part of rank 16.
template <typename T>
void Product(benchmark::State& state) {
  if (skipped<T>(state)) return;
  constexpr int64_t kRank = 16;
  const int64_t rows = state.range(0), depth = state.range(1), columns = state.range(2);
  const auto x = zeros<T>(rows * depth), low = zeros<T>(rows * kRank);
  const auto weight = zeros<T>(kernels::packed_elements(depth, columns)),
             b = zeros<T>(kernels::packed_elements(kRank, columns));
  auto out = zeros<T>(rows * columns);
  const std::array factors{kernels::Factors{x.data(), depth, weight.data(), depth},
                           kernels::Factors{low.data(), kRank, b.data(), kRank}};
  const kernels::ProductOutput output{.out = out.data(), .out_step = columns, .bf16 = kIsBf16<T>};
  const kernels::ProductRange range{rows, columns, 0,
                                    (columns + kernels::kPanel - 1) / kernels::kPanel};
  time_flops<T>(state, 2.0 * static_cast<double>(rows * (depth + kRank) * columns), [&] {
    kIsBf16<T> ? kernels::product_bf16(factors, range, output)
               : kernels::product_f32(factors, range, output);
  });
}

// Gradient of a factor of rank 16 from rows of `columns`.
template <typename T>
void SumRows(benchmark::State& state) {
  if (skipped<T>(state)) return;
  constexpr int64_t kRank = 16;
  const int64_t rows = state.range(0), columns = state.range(1);
  const auto left = zeros<T>(rows * kRank), right = zeros<T>(rows * columns);
  auto out = zeros<float>(kRank * columns);
  const kernels::RowSums sums{left.data(), kRank,   kRank, right.data(), columns,
                              0,           columns, rows,  out.data(),   columns};
  time_flops<T>(state, 2.0 * static_cast<double>(rows * kRank * columns), [&] {
    kIsBf16<T> ? kernels::sum_rows_bf16(sums) : kernels::sum_rows_f32(sums, false);
  });
}

// Nine query heads over three key heads of 64, one row of `tokens`.
struct AttentionSetup {
  explicit AttentionSetup(int64_t tokens) : tokens(tokens) {}
  kernels::AttentionBlock block(int64_t kv_head) const {
    return {.heads = 9,
            .kv_heads = 3,
            .dim = 64,
            .kv_head = kv_head,
            .scale = 0.125f,
            .window = 0,
            .query_begin = 0,
            .query_count = tokens,
            .prefix_begin = 0,
            .prefix_count = 0,
            .key_begin = 0,
            .key_count = tokens};
  }
  // Of the products that a causal mask leaves.
  double flops(int products) const {
    return products * 2.0 * 64 * 9 * static_cast<double>(tokens * (tokens + 1)) / 2;
  }
  int64_t tokens;
};

template <typename T>
void AttentionForward(benchmark::State& state) {
  const AttentionSetup setup(state.range(0));
  const int64_t n = setup.tokens;
  const auto q = zeros<T>(n * 576), k = zeros<T>(n * 192), v = zeros<T>(n * 192);
  auto out = zeros<T>(n * 576);
  auto log_sum = zeros<float>(9 * n),
       scratch = zeros<float>(kernels::forward_scratch_floats(setup.block(0)));
  time_flops<T>(state, setup.flops(2), [&] {
    for (int64_t head = 0; head < 3; ++head) {
      kernels::attend_block(q.data(), k.data(), v.data(), setup.block(head), out.data(),
                            log_sum.data(), n, scratch.data());
    }
  });
}

template <typename T>
void AttentionBackward(benchmark::State& state) {
  const AttentionSetup setup(state.range(0));
  const int64_t n = setup.tokens;
  const auto q = zeros<T>(n * 576), k = zeros<T>(n * 192), v = zeros<T>(n * 192);
  const auto out = zeros<T>(n * 576), dout = zeros<T>(n * 576);
  const auto log_sum = zeros<float>(9 * n);
  auto dq = zeros<float>(n * 576), dk = zeros<float>(n * 192), dv = zeros<float>(n * 192);
  auto scratch = zeros<float>(kernels::backward_scratch_floats(setup.block(0)));
  const kernels::AttentionInputs in{q.data(),    k.data(),       v.data(), out.data(),
                                    dout.data(), log_sum.data(), n};
  const kernels::AttentionOutputs gradients{dq.data(), dk.data(), dv.data(), nullptr, nullptr};
  time_flops<T>(state, setup.flops(5), [&] {
    for (int64_t head = 0; head < 3; ++head)
      kernels::attend_block_backward(in, kIsBf16<T>, setup.block(head), gradients, scratch.data());
  });
}

// Between products: what counts is the time of one element.
template <typename T>
void Swiglu(benchmark::State& state) {
  const int64_t n = 1 << 16;
  const auto gate = zeros<T>(n), up = zeros<T>(n);
  auto y = zeros<T>(n);
  for (auto _ : state) kernels::swiglu(gate.data(), up.data(), y.data(), n);
  state.SetItemsProcessed(state.iterations() * n);
}

template <typename T>
void SwigluBackward(benchmark::State& state) {
  const int64_t n = 1 << 16;
  const auto dy = zeros<T>(n), gate = zeros<T>(n), up = zeros<T>(n);
  auto dgate = zeros<T>(n), dup = zeros<T>(n), y = zeros<T>(n);
  const kernels::GateGradients<T> g{dy.data(),    gate.data(), up.data(),
                                    dgate.data(), dup.data(),  y.data()};
  for (auto _ : state) kernels::swiglu_backward(g, n);
  state.SetItemsProcessed(state.iterations() * n);
}

template <typename T>
void RmsNorm(benchmark::State& state) {
  const int64_t rows = 128, width = 576;
  const auto x = zeros<T>(rows * width), weight = zeros<T>(width);
  auto y = zeros<T>(rows * width);
  auto inv_rms = zeros<float>(rows);
  for (auto _ : state)
    kernels::rms_norm(x.data(), weight.data(), y.data(), inv_rms.data(), rows, width, 1e-5f);
  state.SetItemsProcessed(state.iterations() * rows * width);
}

template <typename T>
void Dropout(benchmark::State& state) {
  const int64_t n = 1 << 16;
  const auto x = zeros<T>(n);
  auto y = zeros<T>(n);
  for (auto _ : state) kernels::dropout(x.data(), y.data(), n, 7, 42, 3277);
  state.SetItemsProcessed(state.iterations() * n);
}

void shapes(benchmark::internal::Benchmark* b) {
  b->Args({144, 576, 576})->Args({144, 576, 192})->Args({144, 576, 1536})->Args({144, 1536, 576});
  b->Args({8, 576, 1536});
}

BENCHMARK(Product<Bf16>)->Apply(shapes);
BENCHMARK(Product<float>)->Apply(shapes);
BENCHMARK(SumRows<Bf16>)->Args({2048, 576})->Args({2048, 1536});
BENCHMARK(SumRows<float>)->Args({2048, 576})->Args({2048, 1536});
BENCHMARK(AttentionForward<Bf16>)->Arg(128)->Arg(512)->Arg(1024);
BENCHMARK(AttentionForward<float>)->Arg(512);
BENCHMARK(AttentionBackward<Bf16>)->Arg(128)->Arg(512)->Arg(1024);
BENCHMARK(AttentionBackward<float>)->Arg(512);
BENCHMARK(Swiglu<Bf16>);
BENCHMARK(SwigluBackward<Bf16>);
BENCHMARK(RmsNorm<Bf16>);
BENCHMARK(Dropout<Bf16>);

}  // namespace
}  // namespace telora

BENCHMARK_MAIN();
