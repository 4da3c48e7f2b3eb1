#include "data/source.h"

#include <cstdlib>

#include "core/digest.h"
#include "tests/data/support.h"

namespace telora {
namespace {

using testing::expect_error;
using testing::TemporaryFolder;

const std::string kRow = R"({"question": "Q", "choices": ["a", "b"], "answer": 0})";

// Sets environment variables for one test; an empty value removes one.
class Environment {
 public:
  Environment(const std::string& data, const std::string& xdg, const std::string& home) {
    set("TELORA_DATA", data);
    set("XDG_DATA_HOME", xdg);
    set("HOME", home);
  }
  ~Environment() {
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  void set(const std::string& name, const std::string& value) {
    if (const char* old = std::getenv(name.c_str())) before_.emplace_back(name, old);
    value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
  }
  std::vector<std::pair<std::string, std::string>> before_;
};

TEST(Source, OptionWinsOverEnvironment) {
  const Environment environment("/from/env", "/xdg", "/myhome");
  EXPECT_EQ(find_source("/given").folder, "/given");
  EXPECT_EQ(find_source(std::nullopt).folder, "/from/env");
  EXPECT_TRUE(find_source("sample").sample);
  EXPECT_FALSE(find_source("./sample").sample);
}

TEST(Source, DefaultFollowsXdg) {
  {
    const Environment environment("", "/xdg", "/myhome");
    EXPECT_EQ(find_source(std::nullopt).folder, "/xdg/telora");
  }
  {
    const Environment environment("", "relative", "/myhome");
    EXPECT_EQ(find_source(std::nullopt).folder, "/myhome/.local/share/telora");
  }
  const Environment environment("", "", "");
  expect_error(ErrorKind::kMissing, {"HOME", "--data"}, [] { find_source(std::nullopt); });
}

TEST(Source, EnvironmentMaySaySample) {
  const Environment environment("sample", "", "/myhome");
  EXPECT_TRUE(find_source(std::nullopt).sample);
}

TEST(Source, MissingDataNamesFileAndRemedies) {
  const TemporaryFolder folder;
  expect_error(
      ErrorKind::kMissing,
      {(folder.path() / "oranbench.jsonl.gz").string(), "lora-data import DIR", "--data sample"},
      [&] {
        load_category({false, folder.path()}, find_category("oran-bench"));
      });
}

TEST(Source, BothFormsAreAmbiguous) {
  const TemporaryFolder folder;
  folder.write("oranbench.jsonl", kRow);
  folder.write_gzip("oranbench.jsonl.gz", kRow);
  expect_error(ErrorKind::kData, {"oranbench.jsonl", "remove the other"}, [&] {
    load_category({false, folder.path()}, find_category("oran-bench"));
  });
}

TEST(Source, LoadedRowsAreGroupedAndDigested) {
  const TemporaryFolder folder;
  const auto path = folder.write("oranbench.jsonl", kRow + "\n");
  const DataSet data = load_category({false, folder.path()}, find_category("oran-bench"));
  ASSERT_EQ(data.examples.size(), 1U);
  EXPECT_FALSE(data.examples[0].group.empty());
  EXPECT_EQ(data.sha256, sha256(kRow + "\n"));
  EXPECT_EQ(data.origin, path.string());
}

TEST(Source, SampleLoadsForEveryCategoryThatHasOne) {
  for (const Category& category : categories()) {
    if (category.name == "telelogs" || category.name == "telemath") {
      testing::expect_error(ErrorKind::kUsage, {"sample", category.name, "--data DIR"},
                            [&] { load_category({.sample = true, .folder = {}}, category); });
      continue;
    }
    const DataSet data = load_category({.sample = true, .folder = {}}, category);
    EXPECT_GE(data.examples.size(), 20U) << category.name;
    EXPECT_EQ(data.sha256.size(), 64U);
    EXPECT_EQ(data.origin, "sample");
  }
}

}  // namespace
}  // namespace telora
