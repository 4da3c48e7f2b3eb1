#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "data/category.h"

namespace telora {

// JSON lines of a small self-made set for one category, in the schema of the published data set:
// facts of general telecom knowledge written for this project, each asked in several ways, composed
// from a fixed seed (the same bytes everywhere). For trying the commands without any data. Throws
// Error(usage) for a category that has no sample.
std::vector<std::string> sample_rows(const Category& category);

// Writes <file>.jsonl into `folder` (created if needed) for each category that has a sample.
// Throws as publish().
void write_sample(const std::filesystem::path& folder);

// One composer a category, each in data/sample_<category>.cc.
namespace sample {
std::vector<std::string> teleqna_rows();
std::vector<std::string> six_g_rows();
std::vector<std::string> three_gpp_rows();
std::vector<std::string> oran_rows();
std::vector<std::string> srsran_rows();
std::vector<std::string> teletables_rows();
}  // namespace sample

}  // namespace telora
