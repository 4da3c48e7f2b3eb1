// No row of a benchmark data set may be committed: a published row is a row that models learn.
#include <gtest/gtest.h>

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/files.h"
#include "tests/layout/source_text.h"

namespace telora::layout {
namespace {

namespace fs = std::filesystem;

// A row is recognised by 56 letters and digits in sequence that no other row has.
constexpr size_t kWindow = 56;
constexpr size_t kParts = 16;  // the windows of a question start at its sixteenths
constexpr uint64_t kBase = 1099511628211;

std::string letters_and_digits(std::string_view text) {
  std::string kept;
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) kept += static_cast<char>(std::tolower(byte));
  }
  return kept;
}

// The text behind JSON or C++ escapes, as far as its letters and digits are concerned.
std::string without_escapes(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// Calls visit(hash) for each kWindow bytes of `text` in turn.
template <typename Visit>
void for_each_window(std::string_view text, const Visit& visit) {
  uint64_t top = 1;
  for (size_t i = 1; i < kWindow; ++i) top *= kBase;
  uint64_t hash = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i >= kWindow) hash -= top * static_cast<unsigned char>(text[i - kWindow]);
    hash = hash * kBase + static_cast<unsigned char>(text[i]);
    if (i + 1 >= kWindow) visit(hash);
  }
}

// The rows by windows spread over their questions. A window that stands anywhere in
// another question too belongs to a template, not to a row, and is left out.
class RowIndex {
 public:
  void add(const std::string& row_name, const std::string& question) {
    const std::string text = letters_and_digits(question);
    if (text.size() >= kWindow) rows_.push_back({row_name, text});
  }

  void build() {
    for (size_t row = 0; row < rows_.size(); ++row) {
      const std::string_view text = rows_[row].question;
      const size_t last = text.size() - kWindow;
      for (size_t part = 0; part <= kParts; ++part) {
        for_each_window(text.substr(last * part / kParts, kWindow),
                        [&](uint64_t hash) { index_.emplace(hash, row); });
      }
    }
    for (const Row& row : rows_) {
      for_each_window(row.question, [&](uint64_t hash) {
        const auto entry = index_.find(hash);
        if (entry != index_.end() && rows_[entry->second].question != row.question) {
          index_.erase(entry);
        }
      });
    }
  }

  // The name of a row that `text` holds a part of, as it is or escaped, or empty.
  std::string find(std::string_view text) const {
    std::string found;
    for (const std::string& form : {std::string(text), without_escapes(text)}) {
      for_each_window(letters_and_digits(form), [&](uint64_t hash) {
        const auto entry = index_.find(hash);
        if (entry != index_.end()) found = rows_[entry->second].name;
      });
    }
    return found;
  }

  size_t size() const { return index_.size(); }

 private:
  struct Row {
    std::string name;
    std::string question;  // letters and digits only
  };

  std::vector<Row> rows_;
  std::unordered_map<uint64_t, size_t> index_;  // of a window: its row
};

fs::path data_folder() {
  const char* given = std::getenv("TELORA_OT_FULL");
  return given != nullptr ? fs::path(given)
                          : fs::path(TELORA_SOURCE_DIR) / "../shared/data/ot-full";
}

void add_file(RowIndex& index, const fs::path& path) {
  for_each_line(path, [&](std::string_view text, int number) {
    const auto row = nlohmann::json::parse(text);
    const auto question = row.find("question");
    if (question == row.end() || !question->is_string()) return;
    index.add(path.filename().string() + " row " + std::to_string(number), *question);
  });
}

TEST(RowIndex, FindsAQuotedQuestionInsideOtherText) {
  const std::string question =
      "Which made-up interface carries the entirely invented report of a test cell?";
  RowIndex index;
  index.add("row 1", question);
  index.build();
  EXPECT_EQ(index.find("{\"q\": \"" + question + "\"}"), "row 1");
  EXPECT_EQ(
      index.find("Which made-up interface carries another report of that cell, and which not?"),
      "");
}

TEST(RowIndex, FindsAnEscapedQuestion) {
  RowIndex index;
  index.add("row 1",
            "Cell A: 17 users\nCell B: 23 users\nCell C: 5 users\nCell D: none\nWhich of the four "
            "is busy?");
  index.build();
  EXPECT_EQ(
      index.find(
          R"(Cell A: 17 users\nCell B: 23 users\nCell C: 5 users\nCell D: none\nWhich of the four is busy?)"),
      "row 1");
}

TEST(RowIndex, TemplatesAreNotRows) {
  const std::string start =
      "Choose the right answer for this text and give nothing but a single letter: ";
  RowIndex index;
  index.add("row 1",
            start + "the first of many texts that nobody ever wrote before this test was made");
  index.add("row 2",
            start + "an altogether different second text, also made only for this very check");
  index.build();
  EXPECT_GT(index.size(), 0u);
  EXPECT_EQ(index.find(start), "");
}

TEST(Repository, HoldsNoBenchmarkRow) {
  if (!fs::is_directory(data_folder())) {
    GTEST_SKIP() << "no benchmark data: set TELORA_OT_FULL to its folder";
  }
  RowIndex index;
  for (const auto& entry : fs::directory_iterator(data_folder())) {
    if (entry.path().filename().string().ends_with(".jsonl.gz")) add_file(index, entry.path());
  }
  index.build();
  ASSERT_GT(index.size(), 1000u);
  for (const SourceFile& file : repository_files(TELORA_SOURCE_DIR)) {
    EXPECT_EQ(index.find(file.text), "") << file.path;
  }
}

}  // namespace
}  // namespace telora::layout
