#pragma once

#include <filesystem>

namespace telora {

// `lora-inspect file`: metadata and tensor table of a .gguf or safetensors file, by its first
// bytes. Text, or one JSON object. Throws Error(data) for a file that is neither.
void inspect_file(const std::filesystem::path& path, bool json);

// Whether the file begins as GGUF files do. Throws Error(missing).
bool is_gguf(const std::filesystem::path& path);

}  // namespace telora
