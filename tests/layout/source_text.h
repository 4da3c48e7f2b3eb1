#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace telora::layout {

// A committed text file: its path from the repository root, and its content.
struct SourceFile {
  std::string path;
  std::string text;

  std::string folder() const;     // the first part of the path, empty for a file in the root
  std::string extension() const;  // with its dot
};

// Every text file below `root` that belongs to the repository (build, run and model folders left
// out), sorted by path.
std::vector<SourceFile> repository_files(const std::filesystem::path& root);

// C++ text with each comment, string and character literal blanked out and line breaks kept.
std::string without_comments_and_literals(std::string_view text);

// C++ text with comments blanked out and literals kept (the names in #include lines are literals).
std::string without_comments(std::string_view text);

int line_count(std::string_view text);
int line_of(std::string_view text, size_t offset);  // 1-based

}  // namespace telora::layout
