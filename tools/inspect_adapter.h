#pragma once

#include <filesystem>
#include <string>

namespace telora {

// `lora-inspect adapter`: configuration of a PEFT folder and, for each module, rank, scale, norm
// and effective rank. Checked against `backbone` unless that is empty. Throws as read_adapter().
void inspect_adapter(const std::filesystem::path& folder, const std::string& backbone, bool json);

}  // namespace telora
