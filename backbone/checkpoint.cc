#include "backbone/checkpoint.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>

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

// What a model is read as: values of `dtype`, held as `held_as`.
struct Form {
  at::ScalarType dtype;
  at::ScalarType held_as;
};

// Nearest even; finite values only, so no case for NaN.
uint32_t rounded(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return bits + 0x7fff + ((bits >> 16) & 1);
}

void to_bfloat16(std::span<const float> values, uint16_t* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    out[i] = static_cast<uint16_t>(rounded(values[i]) >> 16);
  }
}

void to_rounded_float(std::span<const float> values, float* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    out[i] = std::bit_cast<float>(rounded(values[i]) & 0xffff0000u);
  }
}

void store(std::span<const float> values, Form form, int64_t first, at::Tensor& out) {
  if (form.held_as != at::kFloat) {
    to_bfloat16(values, static_cast<uint16_t*>(out.data_ptr()) + first);
  } else if (form.dtype == at::kFloat) {
    std::memcpy(out.data_ptr<float>() + first, values.data(), values.size_bytes());
  } else {
    to_rounded_float(values, out.data_ptr<float>() + first);
  }
}

// Memory in large pages where the system has them: a page fault for 2 MB instead of 4 KB.
at::Tensor empty_tensor(const std::vector<int64_t>& shape, at::ScalarType type) {
  constexpr uintptr_t kPage = uintptr_t{1} << 21;
  at::Tensor out = at::empty(shape, at::TensorOptions().dtype(type));
  const auto begin = reinterpret_cast<uintptr_t>(out.data_ptr());
  const uintptr_t first = (begin + kPage - 1) / kPage * kPage;
  const uintptr_t end = (begin + out.nbytes()) / kPage * kPage;
  if (end > first) ::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
  return out;
}

// With `hash` the values are hashed too, as they are before rounding.
at::Tensor load_tensor(const StoredTensor& stored, Form form, Sha256* hash = nullptr) {
  at::Tensor out = empty_tensor(stored.shape, form.held_as);
  const float limit = form.dtype == at::kFloat ? FLT_MAX : kBFloat16Limit;
  for_each_piece(stored, limit, [&](int64_t first, std::span<const float> values) {
    store(values, form, first, out);
    if (hash != nullptr) hash->update(std::as_bytes(values));
  });
  return out;
}

// kFloat held as kBFloat16 would lose what the caller asked for.
void check_form(Form form) {
  const auto known = [](at::ScalarType type) {
    return type == at::kFloat || type == at::kBFloat16;
  };
  const bool fits = form.held_as == form.dtype || form.held_as == at::kFloat;
  if (known(form.dtype) && known(form.held_as) && fits) return;
  fail(ErrorKind::kInternal, {"Checkpoint", "dtype"},
       fmt::format("{} held as {}", at::toString(form.dtype), at::toString(form.held_as)),
       "Float or BFloat16, held as itself or as Float");
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

std::unordered_map<std::string, at::Tensor> by_name(const std::vector<StoredTensor>& stored,
                                                    const std::vector<at::Tensor>& loaded) {
  std::unordered_map<std::string, at::Tensor> out;
  for (size_t i = 0; i < loaded.size(); ++i) out.emplace(stored[i].name, loaded[i]);
  return out;
}

std::string digest_line(const StoredTensor& stored, Sha256& hash) {
  return fmt::format("{} {}\n", stored.name, hash.hex());
}

std::string digest_of(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return sha256(fmt::format("{}", fmt::join(lines, "")));
}

}  // namespace

Checkpoint Checkpoint::open(const std::filesystem::path& path) {
  return {open_model(path), path.string()};
}

at::Tensor Checkpoint::load(const std::string& name, at::ScalarType dtype) const {
  check_form({dtype, dtype});
  for (const StoredTensor& stored : model_.tensors) {
    if (stored.name == name) return load_tensor(stored, {dtype, dtype});
  }
  fail(ErrorKind::kInternal, {source_, name}, "no such parameter", "a parameter of the model");
}

std::unordered_map<std::string, at::Tensor> Checkpoint::load_all(at::ScalarType dtype,
                                                                 at::ScalarType held_as) const {
  check_form({dtype, held_as});
  std::vector<at::Tensor> loaded(model_.tensors.size());
  in_parallel(largest_first(model_.tensors), [&](size_t i) {
    loaded[i] = load_tensor(model_.tensors[i], {dtype, held_as});
  });
  return by_name(model_.tensors, loaded);
}

LoadedWeights Checkpoint::load_with_digest(at::ScalarType dtype, at::ScalarType held_as) const {
  check_form({dtype, held_as});
  std::vector<at::Tensor> loaded(model_.tensors.size());
  std::vector<std::string> lines(model_.tensors.size());
  in_parallel(largest_first(model_.tensors), [&](size_t i) {
    Sha256 hash;
    loaded[i] = load_tensor(model_.tensors[i], {dtype, held_as}, &hash);
    lines[i] = digest_line(model_.tensors[i], hash);
  });
  return {by_name(model_.tensors, loaded), digest_of(std::move(lines))};
}

std::string Checkpoint::digest() const {
  std::vector<std::string> lines(model_.tensors.size());
  in_parallel(largest_first(model_.tensors), [&](size_t i) {
    Sha256 hash;
    for_each_piece(model_.tensors[i], FLT_MAX, [&](int64_t, std::span<const float> values) {
      hash.update(std::as_bytes(values));
    });
    lines[i] = digest_line(model_.tensors[i], hash);
  });
  return digest_of(std::move(lines));
}

}  // namespace telora
