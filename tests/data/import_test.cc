#include "data/import.h"

#include <fstream>

#include "core/digest.h"
#include "tests/data/support.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using testing::expect_error;
using testing::TemporaryFolder;

const std::string kRow = R"({"question": "Q", "choices": ["a", "b"], "answer": 0})";

TEST(Import, CopiesValidatedFiles) {
  const TemporaryFolder from;
  const TemporaryFolder parent;
  const fs::path target = parent.path() / "deep/er";
  const auto packed = from.write_gzip("oranbench.jsonl.gz", kRow + "\n" + kRow + "\n");
  from.write("teleother.jsonl", "not a category that is known");
  from.write("SHA256SUMS", sha256_file(packed) + "  oranbench.jsonl.gz\n");

  const ImportSummary first = import_folder(from.path(), target);
  ASSERT_EQ(first.files.size(), 1U);
  EXPECT_EQ(first.files[0].category, "oran-bench");
  EXPECT_EQ(first.files[0].rows, 2U);
  EXPECT_TRUE(first.files[0].verified);
  EXPECT_FALSE(first.files[0].unchanged);
  EXPECT_EQ(first.absent.size(), 7U);
  EXPECT_EQ(sha256_file(target / "oranbench.jsonl.gz"), sha256_file(packed));
  EXPECT_FALSE(fs::exists(target / "teleother.jsonl"));

  const auto written = fs::last_write_time(target / "oranbench.jsonl.gz");
  EXPECT_TRUE(import_folder(from.path(), target).files[0].unchanged);
  EXPECT_EQ(fs::last_write_time(target / "oranbench.jsonl.gz"), written);
}

TEST(Import, ReplacesAnOlderFile) {
  const TemporaryFolder from;
  const TemporaryFolder target;
  target.write("oranbench.jsonl", kRow + "\n");
  const auto newer = from.write("oranbench.jsonl", kRow + "\n" + kRow + "\n");
  const ImportSummary summary = import_folder(from.path(), target.path());
  EXPECT_FALSE(summary.files[0].verified);
  EXPECT_EQ(sha256_file(target.path() / "oranbench.jsonl"), sha256_file(newer));
}

TEST(Import, OneBadFileLeavesTheTargetAlone) {
  const TemporaryFolder from;
  const TemporaryFolder target;
  from.write("teleqna.jsonl", kRow + "\n");
  from.write("oranbench.jsonl", kRow + "\n{}\n");
  expect_error(ErrorKind::kData, {"oranbench.jsonl", "question", "2"},
               [&] { import_folder(from.path(), target.path()); });
  EXPECT_TRUE(fs::is_empty(target.path()));
}

TEST(Import, WrongDigestIsAnIntegrityError) {
  const TemporaryFolder from;
  const TemporaryFolder target;
  from.write("oranbench.jsonl", kRow + "\n");
  from.write("SHA256SUMS", std::string(64, 'a') + "  oranbench.jsonl\n");
  expect_error(ErrorKind::kIntegrity, {"oranbench.jsonl", "sha256", std::string(64, 'a')},
               [&] { import_folder(from.path(), target.path()); });
  from.write("SHA256SUMS", "abc  oranbench.jsonl\n");
  expect_error(ErrorKind::kData, {"SHA256SUMS", "1", "64"},
               [&] { import_folder(from.path(), target.path()); });
  EXPECT_TRUE(fs::is_empty(target.path()));
}

TEST(Import, RefusesASecondForm) {
  const TemporaryFolder from;
  const TemporaryFolder target;
  from.write_gzip("oranbench.jsonl.gz", kRow + "\n");
  target.write("oranbench.jsonl", kRow + "\n");
  expect_error(ErrorKind::kData, {"oranbench.jsonl", "remove the older file"},
               [&] { import_folder(from.path(), target.path()); });
}

TEST(Import, FolderWithoutDataIsMissing) {
  const TemporaryFolder from;
  expect_error(ErrorKind::kMissing, {from.path().string(), "teleqna.jsonl.gz"},
               [&] { import_folder(from.path(), from.path() / "out"); });
  EXPECT_FALSE(fs::exists(from.path() / "out"));
}

}  // namespace
}  // namespace telora
