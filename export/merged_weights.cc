#include "export/merged_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cfloat>
#include <vector>

#include "adapters/lora_config.h"
#include "backbone/torch.h"
#include "core/error.h"

namespace telora {

namespace {

// Rows first … first + w.size(0) of the weight, changed in place. w: [rows, in]
void add_change(at::Tensor& w, const LoraTensors& pair, float scale, int64_t first) {
  const int64_t rows = w.size(0);
  w.addmm_(pair.b.narrow(0, first, rows), pair.a, 1, scale);
  if (!pair.magnitude.defined()) return;
  const at::Tensor lengths = at::linalg_vector_norm(w, 2, {1}, true);
  w.mul_(pair.magnitude.narrow(0, first, rows).unsqueeze(1) / lengths);
}

const StoredTensor& weight_of(const StoredModel& base, const LoraTensors& pair) {
  const std::string name = pair.module + ".weight";
  const auto found = std::ranges::find(base.tensors, name, &StoredTensor::name);
  const std::vector<int64_t> wanted = {pair.b.size(0), pair.a.size(1)};
  if (found != base.tensors.end() && found->shape == wanted) return *found;
  const bool absent = found == base.tensors.end();
  fail(ErrorKind::kData, {"adapter", pair.module},
       fmt::format("a change of shape [{}]", fmt::join(wanted, ", ")),
       absent ? "a module of the base" : fmt::format("[{}]", fmt::join(found->shape, ", ")),
       "the adapter was trained on another model");
}

}  // namespace

MergedWeights::MergedWeights(const StoredModel& base, const AdapterFile& adapter) {
  for (const LoraTensors& pair : adapter.modules) {
    modules_[weight_of(base, pair).name] = {
        &pair, static_cast<float>(lora_scale(adapter.config, pair.module))};
  }
}

void MergedWeights::for_each_piece(const StoredTensor& tensor,
                                   const std::function<void(int64_t, std::span<const float>)>& use,
                                   int64_t rows_together) const {
  if (rows_together <= 1) return for_each_own_piece(tensor, use);
  const int64_t columns = tensor.shape.size() == 2 ? tensor.shape[1] : 1;
  const auto unit = static_cast<size_t>(rows_together * columns);
  std::vector<float> waiting;  // the rows of an unfinished unit
  int64_t begin = 0;           // of waiting[0]
  for_each_own_piece(tensor, [&](int64_t, std::span<const float> values) {
    waiting.insert(waiting.end(), values.begin(), values.end());
    const size_t whole = waiting.size() / unit * unit;
    if (whole == 0) return;
    use(begin, std::span(waiting).first(whole));
    begin += static_cast<int64_t>(whole);
    waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(whole));
  });
  if (!waiting.empty()) {
    fail(ErrorKind::kInternal, {tensor.file, tensor.stored_name},
         fmt::format("{} values left over", waiting.size()),
         fmt::format("rows in multiples of {}", rows_together));
  }
}

void MergedWeights::for_each_own_piece(
    const StoredTensor& tensor,
    const std::function<void(int64_t, std::span<const float>)>& use) const {
  const auto change = modules_.find(tensor.name);
  if (change == modules_.end()) return telora::for_each_piece(tensor, FLT_MAX, use);
  const int64_t columns = tensor.shape.at(1);
  telora::for_each_piece(tensor, FLT_MAX, [&](int64_t first, std::span<const float> values) {
    const int64_t rows = static_cast<int64_t>(values.size()) / columns;
    at::Tensor w = at::empty({rows, columns}, at::kFloat);
    std::ranges::copy(values, w.mutable_data_ptr<float>());
    add_change(w, *change->second.pair, change->second.scale, first / columns);
    use(first, {w.const_data_ptr<float>(), values.size()});
  });
}

}  // namespace telora
