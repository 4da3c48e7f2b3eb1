#include "tools/train_requests.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

TrainFlags with(const std::string& category, const std::string& rank, const std::string& out = {}) {
  TrainFlags flags;
  if (!category.empty()) flags.recipe[0] = category;
  if (!rank.empty()) flags.recipe[1] = rank;
  flags.out = out;
  return flags;
}

TrainFlags resuming(const std::vector<std::string>& folders) {
  TrainFlags flags;
  flags.resume = folders;
  return flags;
}

std::vector<std::string> folders_of(const TrainFlags& flags) {
  std::vector<std::string> folders;
  for (const RunRequest& request : make_requests(flags)) folders.push_back(request.out.string());
  return folders;
}

void expect_refused(const TrainFlags& flags, ErrorKind kind,
                    const std::vector<std::string>& parts) {
  try {
    make_requests(flags);
    ADD_FAILURE() << "accepted, without " << parts[0];
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    for (const std::string& part : parts) EXPECT_THAT(error.what(), HasSubstr(part));
  }
}

void begin_run(const fs::path& folder, const std::string& category, const std::string& rank,
               bool finished = false) {
  create_folders(folder / "checkpoints");
  publish(folder / "recipe.yaml", to_yaml(make_requests(with(category, rank))[0].recipe));
  if (finished) publish(folder / "telora.json", "{}");
}

TEST(TrainRequests, OneValueIsOneRun) {
  EXPECT_THAT(folders_of(with("oran-bench", "8", "here")), ElementsAre("here"));
  EXPECT_THAT(folders_of(with("oran-bench", "")), ElementsAre("runs/oran-bench-r16-1"));
}

TEST(TrainRequests, ListsAreARunForEachPair) {
  const TrainFlags flags = with("oran-bench,sixg_bench", "4, 8", "all");
  EXPECT_THAT(folders_of(flags), ElementsAre("all/oran-bench-r4", "all/oran-bench-r8",
                                             "all/6g-bench-r4", "all/6g-bench-r8"));
  const std::vector<RunRequest> requests = make_requests(flags);
  EXPECT_EQ(requests[3].recipe.category, "6g-bench");
  EXPECT_EQ(requests[3].recipe.rank, 8);
  EXPECT_EQ(requests[0].recipe.max_new_tokens, requests[1].recipe.max_new_tokens);
  EXPECT_THAT(folders_of(with("oran-bench", "4,8")),
              ElementsAre("runs/oran-bench-r4-1", "runs/oran-bench-r8-1"));
}

TEST(TrainRequests, RefusesListsThatMakeNoSense) {
  for (const char* list : {"4,", ",4", "4,,8", ",", "4, ,8"}) {
    expect_refused(with("oran-bench", list), ErrorKind::kUsage, {"--rank", "empty", list});
  }
  expect_refused(with("oran-bench,", "4"), ErrorKind::kUsage, {"--category", "empty"});
  expect_refused(with("oran-bench", "4,8,4"), ErrorKind::kUsage, {"oran-bench at rank 4 twice"});
  expect_refused(with("6g-bench,sixg_bench", "4"), ErrorKind::kUsage, {"6g-bench at rank 4 twice"});
  expect_refused(with("oran-bench,oran-bensh", "4"), ErrorKind::kUsage, {"oran-bensh"});
  expect_refused(with("oran-bench", "4,many"), ErrorKind::kConfig, {"rank", "many"});
  expect_refused(with("oran-bench", "4,0"), ErrorKind::kConfig, {"rank", "0"});
  TrainFlags initial = with("oran-bench", "4,8"), dump = initial;
  initial.save_initial = "x";
  dump.dump_batches = "x";
  expect_refused(initial, ErrorKind::kUsage, {"--save-initial", "one run"});
  expect_refused(dump, ErrorKind::kUsage, {"--dump-batches", "one run"});
}

TEST(TrainRequests, ResumesEveryUnfinishedRunOfAFolder) {
  const golden::Scratch folder;
  begin_run(folder / "a-r16", "oran-bench", "16");
  begin_run(folder / "b-r4", "oran-bench", "4");
  begin_run(folder / "c-r8", "oran-bench", "8", true);
  create_folders(folder / "notes");
  EXPECT_THAT(folders_of(resuming({folder.path()})),
              ElementsAre((folder / "b-r4").string(), (folder / "a-r16").string()));
  EXPECT_THAT(folders_of(resuming({folder / "a-r16"})), ElementsAre((folder / "a-r16").string()));
  EXPECT_THAT(folders_of(resuming({folder / "a-r16", folder / "c-r8"})),
              ElementsAre((folder / "c-r8").string(), (folder / "a-r16").string()));
  EXPECT_TRUE(make_requests(resuming({folder / "a-r16"}))[0].resume);
}

TEST(TrainRequests, RefusesToResumeWhatIsNotThere) {
  const golden::Scratch folder;
  expect_refused(resuming({folder / "none"}), ErrorKind::kMissing, {"none"});
  expect_refused(resuming({folder.path()}), ErrorKind::kMissing, {"recipe.yaml"});
  begin_run(folder / "c-r8", "oran-bench", "8", true);
  expect_refused(resuming({folder.path()}), ErrorKind::kUsage, {"finished"});
  create_folders(folder / "d-r4/checkpoints");
  expect_refused(resuming({folder.path()}), ErrorKind::kMissing, {"d-r4", "remove it"});
  TrainFlags flags = resuming({folder / "c-r8"});
  flags.recipe[1] = "4";
  expect_refused(flags, ErrorKind::kUsage, {"--resume"});
}

}  // namespace
}  // namespace telora
