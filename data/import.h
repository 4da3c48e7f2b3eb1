#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace telora {

struct ImportedFile {
  std::string category;
  std::filesystem::path path;  // in the target folder
  size_t rows = 0;
  std::string sha256;
  bool verified = false;   // its digest stands in the folder's SHA256SUMS
  bool unchanged = false;  // the target had the very same file already
};

struct ImportSummary {
  std::vector<ImportedFile> files;  // in the order of categories()
  std::vector<std::string> absent;  // categories for which the folder has no file
};

// Copies the data file of every category found in `folder` to `target` (created if needed). First
// all files are read to the last row and compared with the folder's SHA256SUMS, where it has one;
// only then is anything written, each file by publish_with. Throws Error(missing) if `folder` has
// no known file, Error(integrity) for a wrong digest, Error(data) for a bad row or when `target`
// holds the same category in the other form (.jsonl against .jsonl.gz), otherwise as publish().
ImportSummary import_folder(const std::filesystem::path& folder,
                            const std::filesystem::path& target);

}  // namespace telora
