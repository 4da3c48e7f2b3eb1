#include "tests/adapters/support.h"

#include <fmt/format.h>

#include <ctime>
#include <fstream>
#include <sstream>

#include "backbone/torch.h"
#include "core/safetensors.h"

namespace telora::testing {

namespace {

Dtype dtype_of(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kHalf:
      return Dtype::kF16;
    case at::kBFloat16:
      return Dtype::kBF16;
    case at::kDouble:
      return Dtype::kF64;
    case at::kLong:
      return Dtype::kI64;
    default:
      return Dtype::kF32;
  }
}

at::Tensor numbered(int64_t rows, int64_t columns, double first) {
  return (torch::arange(rows * columns, at::kFloat) / 64 + first).view({rows, columns});
}

}  // namespace

std::vector<ModuleShape> tiny_base() {
  std::vector<ModuleShape> base;
  for (int layer = 0; layer < 2; ++layer) {
    const std::string block = fmt::format("model.layers.{}.", layer);
    base.push_back({block + "self_attn.q_proj", 16, 16});
    base.push_back({block + "self_attn.k_proj", 16, 8});
    base.push_back({block + "self_attn.v_proj", 16, 8});
    base.push_back({block + "self_attn.o_proj", 16, 16});
    base.push_back({block + "mlp.gate_proj", 16, 24});
    base.push_back({block + "mlp.up_proj", 16, 24});
    base.push_back({block + "mlp.down_proj", 24, 16});
  }
  return base;
}

std::filesystem::path peft_folder(const std::string& name) {
  return std::filesystem::path(TELORA_SOURCE_DIR) / "tests/adapters/peft_tiny" / name;
}

std::string expect_error(ErrorKind kind, const std::vector<std::string>& parts,
                         const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(static_cast<int>(error.kind()), static_cast<int>(kind)) << error.what();
    for (const std::string& part : parts) EXPECT_THAT(error.what(), ::testing::HasSubstr(part));
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}

std::string attention_name(int layer, const std::string& rest) {
  return fmt::format("base_model.model.model.layers.{}.self_attn.{}", layer, rest);
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

NamedTensors good_tensors() {
  NamedTensors tensors;
  for (int layer = 0; layer < 2; ++layer) {
    tensors[attention_name(layer, "q_proj.lora_A.weight")] = numbered(4, 16, layer);
    tensors[attention_name(layer, "q_proj.lora_B.weight")] = numbered(16, 4, layer - 5);
    tensors[attention_name(layer, "v_proj.lora_A.weight")] = numbered(4, 16, layer + 5);
    tensors[attention_name(layer, "v_proj.lora_B.weight")] = numbered(8, 4, layer + 9);
  }
  return tensors;
}

std::string config_text(const std::map<std::string, std::string>& changes) {
  std::map<std::string, std::string> fields = {
      {"peft_type", R"("LORA")"},
      {"r", "4"},
      {"lora_alpha", "8"},
      {"target_modules", R"(["q_proj", "v_proj"])"},
      {"base_model_name_or_path", R"("org/tiny-base")"},
  };
  for (const auto& [key, value] : changes) fields[key] = value;
  std::string text = "{";
  for (const auto& [key, value] : fields) {
    if (!value.empty())
      text += fmt::format("{}\n  \"{}\": {}", text.size() > 1 ? "," : "", key, value);
  }
  return text + "\n}";
}

void write_tensors(const std::filesystem::path& path, const NamedTensors& tensors) {
  std::vector<TensorBytes> entries;
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(tensor.is_contiguous());
    entries.push_back({name,
                       dtype_of(tensor),
                       tensor.sizes().vec(),
                       {static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes()}});
  }
  write_safetensors(path, entries, {{"format", "pt"}});
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace telora::testing
