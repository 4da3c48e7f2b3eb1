#include "tests/layout/source_text.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <set>
#include <sstream>

namespace telora::layout {
namespace {

namespace fs = std::filesystem;

const std::set<std::string> kForeignFolders = {
    "third_party", ".git",   ".venv",  "build",       "runs",
    "models",      "shared", ".cache", "__pycache__", ".ipynb_checkpoints"};

std::string read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

// Copies C++ text piece by piece, blanking what is not wanted.
class Blanker {
 public:
  Blanker(std::string_view text, bool keep_literals)
      : text_(text), output_(text), keep_literals_(keep_literals) {}

  std::string run() {
    while (at_ < text_.size()) step();
    return std::move(output_);
  }

 private:
  void step() {
    if (starts("//")) return skip_to(text_.find('\n', at_), false);
    if (starts("/*")) return skip_past(text_.find("*/", at_ + 2), 2);
    if (starts("R\"") && !follows_word()) return raw_string();
    if (text_[at_] == '"') return quoted('"');
    if (text_[at_] == '\'' && !follows_word()) return quoted('\'');
    ++at_;
  }

  bool starts(std::string_view start) const { return text_.substr(at_).starts_with(start); }

  // True inside a number such as 1'000 or after a name such as FOUR in FOUR"x".
  bool follows_word() const {
    return at_ > 0 &&
           (std::isalnum(static_cast<unsigned char>(text_[at_ - 1])) != 0 || text_[at_ - 1] == '_');
  }

  void raw_string() {
    const size_t open = text_.find('(', at_);
    const std::string close = ")" + std::string(text_.substr(at_ + 2, open - at_ - 2)) + "\"";
    const size_t end = text_.find(close, at_);
    skip_to(end == std::string_view::npos ? end : end + close.size(), keep_literals_);
  }

  void quoted(char quote) {
    size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    skip_to(end + 1, keep_literals_);
  }

  void skip_past(size_t position, size_t length) {
    skip_to(position == std::string_view::npos ? position : position + length, false);
  }

  void skip_to(size_t position, bool keep) {
    const size_t end = std::min(position, text_.size());
    for (; at_ < end; ++at_) {
      if (!keep && text_[at_] != '\n') output_[at_] = ' ';
    }
  }

  std::string_view text_;
  std::string output_;
  size_t at_ = 0;
  bool keep_literals_;
};

}  // namespace

std::string SourceFile::folder() const {
  const size_t slash = path.find('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string SourceFile::extension() const { return fs::path(path).extension().string(); }

std::vector<SourceFile> repository_files(const fs::path& root) {
  std::vector<SourceFile> files;
  for (auto entry = fs::recursive_directory_iterator(root);
       entry != fs::recursive_directory_iterator(); ++entry) {
    const std::string name = entry->path().filename().string();
    if (entry->is_directory() && kForeignFolders.count(name) > 0) entry.disable_recursion_pending();
    if (!entry->is_regular_file() || entry->is_symlink()) continue;
    std::string text = read(entry->path());
    if (text.find('\0') != std::string::npos) continue;
    files.push_back({fs::relative(entry->path(), root).generic_string(), std::move(text)});
  }
  std::sort(files.begin(), files.end(),
            [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
  return files;
}

std::string without_comments_and_literals(std::string_view text) {
  return Blanker(text, false).run();
}

std::string without_comments(std::string_view text) { return Blanker(text, true).run(); }

int line_count(std::string_view text) {
  const auto breaks = std::count(text.begin(), text.end(), '\n');
  return static_cast<int>(breaks) + (text.empty() || text.back() == '\n' ? 0 : 1);
}

int line_of(std::string_view text, size_t offset) {
  return 1 + static_cast<int>(std::count(text.begin(), text.begin() + offset, '\n'));
}

}  // namespace telora::layout
