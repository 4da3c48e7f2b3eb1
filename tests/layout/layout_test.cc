// The rules of CONTRIBUTING.md that a program can check: layers, file and function sizes, and what
// library code may not do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <optional>
#include <regex>
#include <set>

#include "tests/layout/functions.h"
#include "tests/layout/source_text.h"

namespace telora::layout {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// A folder may include itself and any folder of a lower layer; equal layers do not know each other.
const std::map<std::string, int> kLayers = {
    {"core", 0}, {"data", 1},   {"scoring", 2}, {"backbone", 2}, {"adapters", 3},
    {"eval", 4}, {"export", 5}, {"train", 5},   {"ablate", 6},   {"tools", 7},
};
const std::set<std::string> kCode = {".cc", ".h"};
const std::set<std::string> kSources = {".cc", ".h", ".py", ".sh", ".cmake"};
constexpr int kLongestFile = 500;
constexpr int kLongestFunction = 60;
constexpr int kLongFunction = 35;  // nine in ten functions are at most this long

const std::vector<SourceFile>& files() {
  static const std::vector<SourceFile> kFiles = repository_files(TELORA_SOURCE_DIR);
  return kFiles;
}

std::vector<SourceFile> layer_code() {
  std::vector<SourceFile> code;
  std::copy_if(files().begin(), files().end(), std::back_inserter(code), [](const SourceFile& f) {
    return kLayers.count(f.folder()) > 0 && kCode.count(f.extension()) > 0;
  });
  return code;
}

std::vector<std::string> quoted_includes(const SourceFile& file) {
  static const std::regex kInclude(R"re((?:^|\n)[ \t]*#[ \t]*include[ \t]*"([^"]+)")re");
  const std::string text = without_comments(file.text);
  std::vector<std::string> names;
  for (std::sregex_iterator i(text.begin(), text.end(), kInclude), end; i != end; ++i) {
    names.push_back((*i)[1]);
  }
  return names;
}

// The complaints about one file's includes, each as one line.
std::vector<std::string> layer_faults(const SourceFile& file) {
  std::vector<std::string> faults;
  for (const std::string& name : quoted_includes(file)) {
    const auto target = kLayers.find(SourceFile{name, ""}.folder());
    if (target == kLayers.end()) {
      faults.push_back(file.path + " includes \"" + name + "\", not named from the root");
    } else if (target->first != file.folder() && target->second >= kLayers.at(file.folder())) {
      faults.push_back(file.path + " includes \"" + name + "\" of a layer that is not below it");
    }
  }
  return faults;
}

// What code below tools/ may not do: print, end the process. Written for text without literals.
std::vector<std::string> library_faults(const SourceFile& file) {
  static const std::regex kForbidden(
      R"((\bstd::(cout|cerr|clog|wcout|wcerr)\b)|(\bfmt::print\b))"
      R"(|((^|[^.\w>])(std::|::)?(printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|perror)"
      R"(|exit|_exit|_Exit|quick_exit|abort|terminate)\s*\())");
  const std::string text = without_comments_and_literals(file.text);
  std::vector<std::string> faults;
  for (std::sregex_iterator i(text.begin(), text.end(), kForbidden), end; i != end; ++i) {
    const size_t offset = static_cast<size_t>(i->position() + i->length() - 1);
    faults.push_back(file.path + ":" + std::to_string(line_of(text, offset)) + ": " + i->str());
  }
  return faults;
}

// Follows quoted includes depth first; returns the include chain of the first cycle it meets.
class CycleSearch {
 public:
  explicit CycleSearch(const std::vector<SourceFile>& code) {
    for (const SourceFile& file : code) includes_[file.path] = quoted_includes(file);
  }

  std::vector<std::string> run() {
    for (const auto& [path, names] : includes_) {
      if (visit(path)) return chain_;
    }
    return {};
  }

 private:
  bool visit(const std::string& path) {
    if (done_.count(path) > 0 || includes_.count(path) == 0) return false;
    const bool again = std::find(chain_.begin(), chain_.end(), path) != chain_.end();
    chain_.push_back(path);
    if (again) return true;
    for (const std::string& name : includes_[path]) {
      if (visit(name)) return true;
    }
    chain_.pop_back();
    done_.insert(path);
    return false;
  }

  std::map<std::string, std::vector<std::string>> includes_;
  std::vector<std::string> chain_;
  std::set<std::string> done_;
};

TEST(Layout, FoldersIncludeOnlyLowerLayers) {
  std::vector<std::string> faults;
  for (const SourceFile& file : layer_code()) {
    const auto more = layer_faults(file);
    faults.insert(faults.end(), more.begin(), more.end());
  }
  EXPECT_THAT(faults, IsEmpty());
  EXPECT_FALSE(layer_code().empty());
}

TEST(Layout, NoIncludeCycles) { EXPECT_THAT(CycleSearch(layer_code()).run(), IsEmpty()); }

TEST(Layout, HeadersHavePragmaOnce) {
  for (const SourceFile& file : files()) {
    if (file.extension() != ".h") continue;
    const std::string code = without_comments(file.text);
    const size_t first = code.find_first_not_of(" \n");
    EXPECT_EQ(code.compare(std::min(first, code.size()), 12, "#pragma once"), 0) << file.path;
  }
}

TEST(Layout, FilesAreShort) {
  for (const SourceFile& file : files()) {
    if (kSources.count(file.extension()) == 0) continue;
    EXPECT_LE(line_count(file.text), kLongestFile) << file.path;
  }
}

TEST(Layout, FunctionsAreShort) {
  std::vector<int> lengths;
  for (const SourceFile& file : layer_code()) {
    for (const Function& function : functions(file.text)) {
      EXPECT_LE(function.length, kLongestFunction)
          << file.path << ":" << function.line << ": " << function.heading;
      lengths.push_back(function.length);
    }
  }
  ASSERT_FALSE(lengths.empty());
  std::sort(lengths.begin(), lengths.end());
  EXPECT_LE(lengths[lengths.size() * 9 / 10], kLongFunction) << "ninth decile of all functions";
  RecordProperty("functions", static_cast<int>(lengths.size()));
  RecordProperty("median_lines", lengths[lengths.size() / 2]);
}

TEST(Layout, LibraryNeitherPrintsNorExits) {
  std::vector<std::string> faults;
  for (const SourceFile& file : layer_code()) {
    if (file.folder() == "tools") continue;
    const auto more = library_faults(file);
    faults.insert(faults.end(), more.begin(), more.end());
  }
  EXPECT_THAT(faults, IsEmpty());
}

TEST(Layout, NoPathsOfOneMachine) {
  static const std::regex kAbsolute(R"((^|[^\w./])/(work|root|home/\w+|Users/\w+)/)");
  for (const SourceFile& file : files()) {
    if (file.path.starts_with("tests/layout/")) continue;
    std::smatch match;
    EXPECT_FALSE(std::regex_search(file.text, match, kAbsolute))
        << file.path << ":" << line_of(file.text, static_cast<size_t>(match.position()));
  }
}

// The checks themselves, on text that breaks the rules.
TEST(LayoutChecks, LayerFaults) {
  EXPECT_THAT(layer_faults({"data/a.cc", "#include \"train/x.h\"\n"}), SizeIs(1));
  EXPECT_THAT(layer_faults({"eval/a.cc", "#include \"export/x.h\"\n"}), SizeIs(1));
  EXPECT_THAT(layer_faults({"export/a.cc", "#include \"train/x.h\"\n"}), SizeIs(1));
  EXPECT_THAT(layer_faults({"data/a.cc", "#include \"x.h\"\n"}), SizeIs(1));
  EXPECT_THAT(layer_faults({"train/a.cc", "#include \"eval/x.h\"\n#include <y.h>\n"}), IsEmpty());
  EXPECT_THAT(layer_faults({"data/a.cc", "// #include \"train/x.h\"\n"}), IsEmpty());
}

TEST(LayoutChecks, IncludeCycle) {
  const std::vector<SourceFile> code = {{"core/a.h", "#include \"core/b.h\"\n"},
                                        {"core/b.h", "#include \"core/a.h\"\n"}};
  EXPECT_THAT(CycleSearch(code).run(), ElementsAre("core/a.h", "core/b.h", "core/a.h"));
}

TEST(LayoutChecks, LibraryFaults) {
  EXPECT_THAT(library_faults({"core/a.cc", "std::cerr << 1;\n"}),
              ElementsAre("core/a.cc:1: std::cerr"));
  EXPECT_THAT(library_faults({"core/a.cc", "\n  std::abort();\n"}), SizeIs(1));
  EXPECT_THAT(library_faults({"core/a.cc", "if (x) exit(1);\nprintf(\"\");\n"}), SizeIs(2));
  EXPECT_THAT(library_faults({"core/a.cc", "// exit(1)\nsnprintf(b, 1, \"exit(1)\");\n"}),
              IsEmpty());
  EXPECT_THAT(library_faults({"core/a.cc", "error.exit();\nint exit_code();\n"}), IsEmpty());
}

TEST(LayoutChecks, BlanksCommentsAndLiterals) {
  const std::string text = "a /* b\n */ \"c\\\"{\" 1'000 '{' R\"x({)x\" // d\ne";
  const std::string code = without_comments_and_literals(text);
  EXPECT_EQ(code.size(), text.size());
  EXPECT_EQ(line_count(code), 3);
  EXPECT_EQ(code.find_first_of("bcd{\""), std::string::npos);
  EXPECT_NE(code.find("1'000"), std::string::npos);
  EXPECT_NE(without_comments(text).find("c\\\"{"), std::string::npos);
}

TEST(LayoutChecks, FindsFunctions) {
  const auto found = functions(
      "#define F(x) \\\n  { x }\n"
      "namespace a {\n"
      "const int k[] = {1, 2};\n"
      "auto g = [](int x) { return x; };\n"
      "class B : public C {\n"
      " public:\n"
      "  B(int x)\n      : C{x}, y_({x}, {}) {\n    if (x) {\n      run();\n    }\n  }\n"
      "  B& operator=(const B& b) { return *this; }\n"
      "  int y_{0};\n"
      "};\n"
      "enum class E { kOne };\n"
      "std::vector<int> f(int x = 1) {\n  return {x};\n}\n"
      "}\n");
  ASSERT_THAT(found, SizeIs(3));
  EXPECT_EQ(found[0].line, 8);
  EXPECT_EQ(found[0].length, 6);
  EXPECT_EQ(found[1].length, 1);
  EXPECT_EQ(found[2].line, 18);
  EXPECT_EQ(found[2].length, 3);
}

}  // namespace
}  // namespace telora::layout
