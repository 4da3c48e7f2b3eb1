#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "adapters/peft_folder.h"
#include "backbone/decoder_spec.h"
#include "backbone/stored_model.h"

namespace telora {

enum class ExportKind { kPeft, kGgufAdapter, kMergedFolder, kMergedGguf };

// What a file or folder is, by what it says of itself. Throws Error(missing), or Error(data) for
// what is none of the four.
ExportKind find_export_kind(const std::filesystem::path& path);

// How an adapter file acts on each weight, against the adapter as trained: one line for each module
// that it lacks, has in excess, or changes otherwise (export/change_check.h). Nothing if it acts
// the same, but for the rounding of its number format. Throws as read_adapter() or
// read_gguf_adapter().
std::vector<std::string> adapter_faults(const std::filesystem::path& path, ExportKind kind,
                                        const AdapterFile& trained, const DecoderSpec& spec);

// The same for a merged model, a piece of a tensor in memory at a time: a line also where the
// configuration differs (a tied head that is no longer, other sizes) and for a tensor that differs
// from the base though the adapter does not change it. Throws as open_model().
std::vector<std::string> merged_faults(const std::filesystem::path& path,
                                       const std::filesystem::path& base,
                                       const AdapterFile& trained);

}  // namespace telora
