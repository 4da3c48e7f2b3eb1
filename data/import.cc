#include "data/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <sstream>

#include "core/digest.h"
#include "core/error.h"
#include "core/files.h"
#include "data/category.h"
#include "data/reader.h"
#include "data/source.h"

namespace telora {

namespace {

namespace fs = std::filesystem;

using Sums = std::map<std::string, std::string>;  // digest of each file name

constexpr uint64_t kMaxSumsBytes = 1 << 20;
constexpr size_t kCopyBytes = 1 << 20;
constexpr size_t kDigestDigits = 64;

// Lines of sha256sum: 64 hex digits, a space, a space or '*', the name.
Sums read_sums(const fs::path& folder) {
  const fs::path path = folder / "SHA256SUMS";
  if (!fs::exists(path)) return {};
  Sums sums;
  std::istringstream lines(read_text(path, kMaxSumsBytes));
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.empty()) continue;
    const bool is_digest =
        line.find_first_not_of("0123456789abcdef") == kDigestDigits && line[kDigestDigits] == ' ';
    if (!is_digest || line.size() < kDigestDigits + 3) {
      fail(ErrorKind::kData, {.file = path.string(), .field = {}, .line = number},
           printable(line, 60), "64 lower-case hex digits, two spaces and a file name");
    }
    sums[line.substr(kDigestDigits + 2)] = line.substr(0, kDigestDigits);
  }
  return sums;
}

bool verify(const fs::path& file, const std::string& digest, const Sums& sums) {
  const auto listed = sums.find(file.filename().string());
  if (listed == sums.end()) return false;
  if (listed->second != digest) {
    fail(ErrorKind::kIntegrity, {.file = file.string(), .field = "sha256"}, digest,
         fmt::format("{} as SHA256SUMS says", listed->second), "fetch the file again");
  }
  return true;
}

void refuse_other_form(const fs::path& target, const Category& category, const fs::path& name) {
  const std::optional<fs::path> existing = find_data_file(target, category);
  if (existing && existing->filename() != name) {
    fail(ErrorKind::kData, {.file = existing->string(), .field = {}}, "this category already there",
         fmt::format("only {}", name.string()), "remove the older file first");
  }
}

// Streams the file; what is copied must still be what was checked.
void copy_file(const fs::path& from, const ImportedFile& to) {
  const InputFile input(from);
  Sha256 digest;
  publish_with(to.path, [&](OutputFile& output) {
    std::vector<std::byte> buffer(std::min<uint64_t>(kCopyBytes, input.size()));
    for (uint64_t at = 0; at < input.size();) {
      const std::span part(buffer.data(), std::min<uint64_t>(buffer.size(), input.size() - at));
      input.read(at, part);
      digest.update(std::span<const std::byte>(part));
      output.append(std::span<const std::byte>(part));
      at += part.size();
    }
    if (digest.hex() != to.sha256) {
      fail(ErrorKind::kIntegrity, {.file = from.string(), .field = "sha256"},
           "other bytes than before", "a file that does not change while it is copied");
    }
  });
}

bool has_same_bytes(const ImportedFile& file) {
  return fs::is_regular_file(file.path) && sha256_file(file.path) == file.sha256;
}

ImportedFile check_file(const fs::path& file, const fs::path& target, const Category& category,
                        const Sums& sums) {
  refuse_other_form(target, category, file.filename());
  ImportedFile checked;
  checked.category = category.name;
  checked.path = target / file.filename();
  checked.sha256 = sha256_file(file);
  checked.verified = verify(file, checked.sha256, sums);
  checked.rows = read_examples(file, category).size();
  checked.unchanged = has_same_bytes(checked);
  return checked;
}

}  // namespace

ImportSummary import_folder(const fs::path& folder, const fs::path& target) {
  const Sums sums = read_sums(folder);
  ImportSummary summary;
  for (const Category& category : categories()) {
    if (const std::optional<fs::path> file = find_data_file(folder, category)) {
      summary.files.push_back(check_file(*file, target, category, sums));
    } else {
      summary.absent.push_back(category.name);
    }
  }
  if (summary.files.empty()) {
    fail(ErrorKind::kMissing, {.file = folder.string(), .field = {}},
         "no data file of any category",
         fmt::format("for instance {}.jsonl.gz", categories().front().file));
  }
  create_folders(target);
  for (const ImportedFile& file : summary.files) {
    if (!file.unchanged) copy_file(folder / file.path.filename(), file);
  }
  return summary;
}

}  // namespace telora
