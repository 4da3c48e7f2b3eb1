#include "backbone/checkpoint.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cfloat>
#include <cstring>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "core/digest.h"
#include "core/error.h"

namespace telora {

namespace {

static_assert(std::endian::native == std::endian::little, "files and digests are little-endian");

// Largest float that does not round to infinity in bfloat16.
const float kBFloat16Limit = std::bit_cast<float>(uint32_t{0x7f7f7fff});

// Nearest even; finite values only, so no case for NaN.
void to_bfloat16(std::span<const float> values, uint16_t* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    const auto bits = std::bit_cast<uint32_t>(values[i]);
    out[i] = static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
  }
}

at::Tensor load_tensor(const StoredTensor& stored, at::ScalarType dtype) {
  at::Tensor out = at::empty(stored.shape, at::TensorOptions().dtype(dtype));
  if (dtype == at::kFloat) {
    auto* to = out.data_ptr<float>();
    for_each_piece(stored, FLT_MAX, [to](int64_t first, std::span<const float> values) {
      std::memcpy(to + first, values.data(), values.size_bytes());
    });
  } else {
    auto* to = static_cast<uint16_t*>(out.data_ptr());
    for_each_piece(stored, kBFloat16Limit, [to](int64_t first, std::span<const float> values) {
      to_bfloat16(values, to + first);
    });
  }
  return out;
}

void check_dtype(at::ScalarType dtype) {
  if (dtype == at::kFloat || dtype == at::kBFloat16) return;
  fail(ErrorKind::kInternal, {"Checkpoint", "dtype"}, at::toString(dtype), "Float or BFloat16");
}

// Indices of the tensors, largest first: a big one started last would be waited for.
std::vector<size_t> largest_first(const std::vector<StoredTensor>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return element_count(tensors[a]) > element_count(tensors[b]);
  });
  return order;
}

// Calls `task` for every index of `order` on all threads. Of several failures the first in `order`
// is thrown: tasks start in order and nothing new starts after a failure, so it is always the same.
void in_parallel(const std::vector<size_t>& order, const std::function<void(size_t)>& task) {
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex;
  size_t first_failure = order.size();
  std::exception_ptr failure;
  const auto work = [&] {
    while (!failed) {
      const size_t at = next++;
      if (at >= order.size()) return;
      try {
        task(order[at]);
      } catch (...) {
        const std::lock_guard lock(mutex);
        failed = true;
        if (at < first_failure) failure = std::current_exception();
        first_failure = std::min(first_failure, at);
      }
    }
  };
  {
    const auto threads = std::min<size_t>(std::max(1, at::get_num_threads()), order.size());
    std::vector<std::jthread> pool;
    for (size_t i = 1; i < threads; ++i) pool.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

std::string tensor_digest(const StoredTensor& stored) {
  Sha256 hash;
  for_each_piece(stored, FLT_MAX, [&](int64_t, std::span<const float> values) {
    hash.update(std::as_bytes(values));
  });
  return hash.hex();
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  return {open_model(path), path.string()};
}

at::Tensor Checkpoint::load(const std::string& name, at::ScalarType dtype) const {
  check_dtype(dtype);
  for (const StoredTensor& stored : model_.tensors) {
    if (stored.name == name) return load_tensor(stored, dtype);
  }
  fail(ErrorKind::kInternal, {source_, name}, "no such parameter", "a parameter of the model");
}

std::unordered_map<std::string, at::Tensor> Checkpoint::load_all(at::ScalarType dtype) const {
  check_dtype(dtype);
  std::vector<at::Tensor> loaded(model_.tensors.size());
  in_parallel(largest_first(model_.tensors),
              [&](size_t i) { loaded[i] = load_tensor(model_.tensors[i], dtype); });
  std::unordered_map<std::string, at::Tensor> out;
  for (size_t i = 0; i < loaded.size(); ++i) out.emplace(model_.tensors[i].name, loaded[i]);
  return out;
}

std::string Checkpoint::digest() const {
  std::vector<std::string> lines(model_.tensors.size());
  in_parallel(largest_first(model_.tensors), [&](size_t i) {
    lines[i] = fmt::format("{} {}\n", model_.tensors[i].name, tensor_digest(model_.tensors[i]));
  });
  std::sort(lines.begin(), lines.end());
  return sha256(fmt::format("{}", fmt::join(lines, "")));
}

}  // namespace telora
