#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/category.h"
#include "data/example.h"

namespace telora {

// Where benchmark rows come from: the built-in sample or a folder of JSON Lines files.
struct DataSource {
  bool sample = false;
  std::filesystem::path folder;  // empty for the sample
};

// `option` is the value of --data: "sample", or a folder (./sample for one of that name). Without
// it the environment variable TELORA_DATA in the same form, without that default_data_folder().
DataSource find_source(const std::optional<std::string>& option);

// $XDG_DATA_HOME/telora or ~/.local/share/telora. Throws Error(missing) without a home folder.
std::filesystem::path default_data_folder();

// The category's file in a folder, .jsonl or .jsonl.gz; nothing if there is none. Throws
// Error(data) if there are both.
std::optional<std::filesystem::path> find_data_file(const std::filesystem::path& folder,
                                                    const Category& category);

// The rows of one category, grouped (data/grouping.h).
struct DataSet {
  std::vector<Example> examples;
  std::string sha256;  // of the file's bytes as they are; of the sample's lines, each ended by \n
  std::string origin;  // path of the file, or "sample"
};

// Throws Error(missing) naming the file looked for and the ways to get data, otherwise as
// read_examples.
DataSet load_category(const DataSource& source, const Category& category);

}  // namespace telora
