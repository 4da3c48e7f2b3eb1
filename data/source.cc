#include "data/source.h"

#include <fmt/format.h>

#include <cstdlib>

#include "core/digest.h"
#include "core/error.h"
#include "data/grouping.h"
#include "data/reader.h"
#include "data/sample.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

fs::path require_data_file(const fs::path& folder, const Category& category) {
  if (const std::optional<fs::path> file = find_data_file(folder, category)) return *file;
  fail(ErrorKind::kMissing,
       {.file = (folder / (category.file + ".jsonl.gz")).string(), .field = {}},
       "no such file, nor one without .gz", "the rows of " + category.name,
       "copy them there with `lora-data import DIR`, name their folder with --data DIR, or try the "
       "built-in rows with --data sample");
}

DataSet load_sample(const Category& category) {
  const std::vector<std::string> lines = sample_rows(category);
  Sha256 digest;
  for (const std::string& line : lines) digest.update(line).update("\n");
  return {.examples = read_examples(lines, "sample/" + category.file, category),
          .sha256 = digest.hex(),
          .origin = "sample"};
}

DataSet load_file(const fs::path& file, const Category& category) {
  return {.examples = read_examples(file, category),
          .sha256 = sha256_file(file),
          .origin = file.string()};
}

}  // namespace

DataSource find_source(const std::optional<std::string>& option) {
  std::string chosen = option.value_or("");
  if (chosen.empty()) chosen = environment("TELORA_DATA");
  if (chosen == "sample") return {.sample = true, .folder = {}};
  return {.sample = false, .folder = chosen.empty() ? default_data_folder() : fs::path(chosen)};
}

fs::path default_data_folder() {
  // The XDG base directory specification has relative paths ignored.
  const fs::path data_home = environment("XDG_DATA_HOME");
  if (data_home.is_absolute()) return data_home / "telora";
  const fs::path home = environment("HOME");
  if (home.is_absolute()) return home / ".local/share/telora";
  fail(ErrorKind::kMissing, {.file = {}, .field = "HOME"}, "no absolute path", "a home folder",
       "name the data folder with --data DIR or TELORA_DATA");
}

std::optional<fs::path> find_data_file(const fs::path& folder, const Category& category) {
  const fs::path plain = folder / (category.file + ".jsonl");
  const fs::path packed = folder / (category.file + ".jsonl.gz");
  std::error_code ignored;
  const bool has_plain = fs::exists(plain, ignored);
  const bool has_packed = fs::exists(packed, ignored);
  if (has_plain && has_packed) {
    fail(ErrorKind::kData, {.file = plain.string(), .field = {}}, "the file and its .gz",
         "one of them", "remove the other");
  }
  if (has_plain) return plain;
  return has_packed ? std::optional(packed) : std::nullopt;
}

DataSet load_category(const DataSource& source, const Category& category) {
  DataSet data = source.sample ? load_sample(category)
                               : load_file(require_data_file(source.folder, category), category);
  group_examples(data.examples, category);
  return data;
}

}  // namespace telora
