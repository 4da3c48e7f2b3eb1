#pragma once

#include <filesystem>
#include <string>

namespace telora {

// `lora-inspect file --tensor`: type, shape and statistics of one tensor of a .gguf or safetensors
// file, as text or one JSON object. Values are those of the file: of a GGUF file neither rows nor
// norms are put back into the checkpoint's form. With `raw` they are also written there,
// little-endian float32, row-major. Throws Error(usage) for a name that the file does not have,
// Error(data) for a type that is not decoded, and what publishing throws.
void inspect_tensor(const std::filesystem::path& path, const std::string& name,
                    const std::filesystem::path& raw, bool json);

}  // namespace telora
