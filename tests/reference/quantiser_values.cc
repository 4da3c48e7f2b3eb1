// Encodes float values as GGUF blocks, for quantiser_reference.py:
//   quantiser_values TYPE IN OUT
// IN holds float32 values, OUT gets the blocks.
#include <cstdio>
#include <vector>

#include "core/error.h"
#include "core/files.h"
#include "core/ggml_quantize.h"

namespace telora {
namespace {

GgmlType type_named(std::string_view name) {
  for (uint32_t code = 0; code < 64; ++code) {
    if (ggml_type_name(code) == name) return static_cast<GgmlType>(code);
  }
  fail(ErrorKind::kUsage, {.file = {}, .field = "type"}, name, "a type of GGUF");
}

void encode(GgmlType type, const std::filesystem::path& in, const std::filesystem::path& out) {
  const InputFile file(in);
  std::vector<float> values(file.size() / sizeof(float));
  file.read(0, std::as_writable_bytes(std::span(values)));
  const GgmlTypeInfo& info = ggml_type_info(type);
  std::vector<std::byte> blocks(values.size() / info.block_elements * info.block_bytes);
  if (quantize(type, values, blocks)) throw Error(ErrorKind::kData, "a value does not fit");
  publish_with(out, [&](OutputFile& output) { output.append(blocks); });
}

}  // namespace
}  // namespace telora

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  try {
    telora::encode(telora::type_named(argv[1]), argv[2], argv[3]);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
