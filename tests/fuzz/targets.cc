#include "tests/fuzz/targets.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <functional>

#include "adapters/lora_config.h"
#include "backbone/spec_gguf.h"
#include "backbone/tokenizer.h"
#include "backbone/tokenizer_json.h"
#include "core/safetensors.h"

namespace telora::fuzz {

namespace {

constexpr uint64_t kPieceBytes = 1 << 14;
constexpr std::string_view kText = "Hello,  it's 42 ½ <|end|><tool> a\n\nb  \t wörld";

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

void expect_only_errors(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    require(error.kind() != ErrorKind::kInternal, error.what());
    const std::string_view message = error.what();
    require(!message.empty() && message.size() < 8192, "a message of ordinary length");
    require(message.find_first_of(std::string_view("\n\r\x1b\0", 4)) == std::string_view::npos,
            "a message of one plain line");
  }
}

// The bytes as a file that never touches a disk.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("fuzz", 0)) {
    const auto size = static_cast<ssize_t>(bytes.size());
    require(::write(descriptor_, bytes.data(), bytes.size()) == size, "a memory file");
  }
  ~MemoryFile() { ::close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

template <typename File, typename Tensor>
uint64_t read_all(const File& file, const Tensor& tensor) {
  std::vector<std::byte> piece;
  for (uint64_t begin = 0; begin < tensor.bytes; begin += kPieceBytes) {
    piece.resize(std::min(kPieceBytes, tensor.bytes - begin));
    file.read(tensor, begin, piece);
  }
  return tensor.bytes;
}

void decode_first_block(const GgufFile& file, const GgufTensor& tensor) {
  if (tensor.bytes == 0) return;
  const GgmlTypeInfo& info = ggml_type_info(tensor.type);
  std::vector<std::byte> block(info.block_bytes);
  std::vector<float> values(info.block_elements);
  file.read(tensor, 0, block);
  dequantize(tensor.type, block, values);
}

void use(const Tokenizer& tokenizer) {
  const std::vector<int32_t> ids = tokenizer.encode(kText);
  for (const int32_t id : ids) require(id >= 0 && id < tokenizer.size(), "an id of the vocabulary");
  tokenizer.decode(ids);
  tokenizer.decode(ids, false);
  tokenizer.encode({{"<|end|>", true}, {"<|end|> content", false}});
  require(tokenizer.digest().size() == 64, "a digest");
}

}  // namespace

void read_safetensors(std::string_view bytes) {
  const MemoryFile held(bytes);
  expect_only_errors([&] {
    const SafetensorsFile file(held.path());
    uint64_t sum = 0;
    for (const SafetensorsEntry& entry : file.entries()) {
      require(file.find(entry.name) == &entry, "every name is found");
      sum += read_all(file, entry);
    }
    require(sum + 8 <= bytes.size(), "tensors lie inside the file");
  });
}

void read_gguf(std::string_view bytes) {
  const MemoryFile held(bytes);
  expect_only_errors([&] {
    const GgufFile file(held.path());
    uint64_t sum = 0;
    for (const GgufTensor& tensor : file.tensors()) {
      sum += read_all(file, tensor);
      decode_first_block(file, tensor);
    }
    require(sum <= bytes.size(), "tensors lie inside the file");
    expect_only_errors([&] { parameter_count(read_gguf_spec(file)); });
    expect_only_errors([&] { use(Tokenizer::from_gguf(file)); });
  });
}

void read_tokenizer_json(std::string_view bytes) {
  expect_only_errors([&] {
    const Document document = Document::parse_json(bytes, "tokenizer.json");
    use(Tokenizer(parse_tokenizer_json(document)));
  });
}

void read_sentencepiece(std::string_view bytes) {
  const MemoryFile held(bytes);
  expect_only_errors([&] { use(Tokenizer::from_sentencepiece(held.path())); });
}

void read_adapter_config(std::string_view bytes) {
  expect_only_errors([&] {
    const LoraConfig config = parse_lora_config(Document::parse_json(bytes, "adapter_config.json"));
    const std::string written = lora_config_json(config);
    const LoraConfig again = parse_lora_config(Document::parse_json(written, "written"));
    require(lora_config_json(again) == written, "a written config reads as itself");
    for (const char* module : {"model.layers.0.self_attn.q_proj", "model.layers.11.mlp.up_proj"}) {
      is_target(config, module);
      lora_rank(config, module);
      lora_scale(config, module);
    }
  });
}

}  // namespace telora::fuzz
