#include "export/gguf_adapter_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "backbone/gguf_names.h"
#include "backbone/torch.h"
#include "core/error.h"
#include "core/gguf.h"
#include "export/gguf_adapter.h"

namespace telora {

namespace {

constexpr std::string_view kProvenance = "telora.";

// A and B of one GGUF weight. [rank, in], [out, rank] with the scale in it
struct Pair {
  at::Tensor a, b;
};

class Reader {
 public:
  Reader(const std::filesystem::path& path, const DecoderSpec& spec) : file_(path), spec_(spec) {
    require("general.type", "adapter");
    require("adapter.type", "lora");
    require("general.architecture", gguf_architecture(spec));
    alpha_ = file_.has("adapter.lora.alpha") ? file_.number("adapter.lora.alpha") : 0;
  }

  AdapterFile read() {
    AdapterFile adapter;
    for (const ModuleShape& module : linear_modules(spec_)) {
      if (auto pair = pair_of(module)) add(adapter, module, *pair);
    }
    require_all_used();
    for (const std::string& key : file_.keys()) {
      if (key.starts_with(kProvenance) && holds_text(key)) {
        adapter.metadata[key.substr(kProvenance.size())] = file_.string(key);
      }
    }
    return adapter;
  }

 private:
  void require(const std::string& key, const std::string& wanted) const {
    const std::string found = file_.string(key);
    if (found == wanted) return;
    fail(ErrorKind::kData, {file_.name(), key}, printable(found, 60), wanted,
         "this is no LoRA adapter of this model");
  }

  bool holds_text(const std::string& key) const {
    return std::holds_alternative<std::string>(file_.value(key));
  }

  at::Tensor load(const GgufTensor& tensor) {
    used_.insert(tensor.name);
    if (tensor.dims.size() != 2) {
      fail(ErrorKind::kData, {file_.name(), tensor.name},
           fmt::format("{} dimensions", tensor.dims.size()), "2");
    }
    std::vector<std::byte> bytes(tensor.bytes);
    file_.read(tensor, 0, bytes);
    at::Tensor values = at::empty(
        {static_cast<int64_t>(tensor.dims[1]), static_cast<int64_t>(tensor.dims[0])}, at::kFloat);
    dequantize(tensor.type, bytes, {values.mutable_data_ptr<float>(), tensor.elements()});
    if (!values.isfinite().all().item<bool>()) {
      fail(ErrorKind::kData, {file_.name(), tensor.name}, "NaN or infinity", "finite values");
    }
    return values;
  }

  // Nothing where the file has neither side.
  std::optional<Pair> stored_pair(const std::string& module) {
    const std::string weight = gguf_name(module + ".weight", spec_.norm_placement);
    const GgufTensor* a = file_.find(weight + ".lora_a");
    const GgufTensor* b = file_.find(weight + ".lora_b");
    if (!a && !b) return std::nullopt;
    if (!a || !b) {
      fail(ErrorKind::kData, {file_.name(), weight}, a ? "lora_a alone" : "lora_b alone", "both");
    }
    Pair pair{load(*a), load(*b)};
    if (pair.a.size(0) != pair.b.size(1)) {
      fail(ErrorKind::kData, {file_.name(), weight},
           fmt::format("ranks {} and {}", pair.a.size(0), pair.b.size(1)), "one rank");
    }
    // llama.cpp takes an alpha of 0 for none.
    if (alpha_ != 0) pair.b = pair.b * (alpha_ / static_cast<double>(pair.a.size(0)));
    return pair;
  }

  std::optional<Pair> pair_of(const ModuleShape& module) {
    const size_t fused = module.name.find("shared_mlp.");
    std::optional<Pair> pair;
    if (fused == std::string::npos) {
      pair = stored_pair(module.name);
    } else if (module.name.ends_with("output_linear")) {
      pair = stored_pair(module.name.substr(0, fused) + "mlp.down_proj");
    } else {
      pair = joined(module, module.name.substr(0, fused));
    }
    if (!pair) return pair;
    check(module, *pair);
    if (has_gguf_row_order(module.name + ".", gguf_architecture(spec_))) reorder(*pair);
    return pair;
  }

  std::optional<Pair> joined(const ModuleShape& module, const std::string& block) {
    const auto gate = stored_pair(block + "mlp.gate_proj"), up = stored_pair(block + "mlp.up_proj");
    if (!gate && !up) return std::nullopt;
    if (!gate || !up || !gate->a.equal(up->a)) {
      fail(ErrorKind::kData, {file_.name(), module.name}, "gate and up with different A",
           "one A: the base has them as one module");
    }
    return Pair{gate->a, at::cat({gate->b, up->b})};
  }

  void reorder(Pair& pair) const {
    at::Tensor rows = at::empty({pair.b.size(0)}, at::kLong);
    auto* index = rows.mutable_data_ptr<int64_t>();
    for (int64_t row = 0; row < pair.b.size(0); ++row) index[row] = gguf_row(row, spec_.head_dim);
    pair.b = pair.b.index_select(0, rows);
  }

  void check(const ModuleShape& module, const Pair& pair) const {
    if (pair.a.size(1) == module.in && pair.b.size(0) == module.out) return;
    fail(ErrorKind::kData, {file_.name(), module.name},
         fmt::format("a change of shape [{}, {}]", pair.b.size(0), pair.a.size(1)),
         fmt::format("[{}, {}]", module.out, module.in), "the adapter is another model's");
  }

  // rank_pattern and alpha_pattern name every module, so that each scale is 1.
  static void add(AdapterFile& adapter, const ModuleShape& module, const Pair& pair) {
    const int64_t rank = pair.a.size(0);
    if (adapter.modules.empty()) {
      adapter.config.rank = rank;
      adapter.config.alpha = static_cast<double>(rank);
    }
    if (rank != adapter.config.rank) {
      adapter.config.rank_pattern.emplace_back(module.name, rank);
      adapter.config.alpha_pattern.emplace_back(module.name, static_cast<double>(rank));
    }
    adapter.config.target_modules.push_back(module.name);
    adapter.modules.push_back({module.name, pair.a, pair.b});
  }

  void require_all_used() const {
    std::vector<std::string> left;
    for (const GgufTensor& tensor : file_.tensors()) {
      if (!used_.contains(tensor.name)) left.push_back(printable(tensor.name, 80));
    }
    if (left.empty()) return;
    fail(ErrorKind::kData, {file_.name(), "tensors"}, fmt::format("{}", fmt::join(left, ", ")),
         "pairs of the model's linear weights");
  }

  GgufFile file_;
  const DecoderSpec& spec_;
  double alpha_ = 0;
  std::set<std::string> used_;
};

}  // namespace

AdapterFile read_gguf_adapter(const std::filesystem::path& path, const DecoderSpec& spec) {
  return Reader(path, spec).read();
}

}  // namespace telora
