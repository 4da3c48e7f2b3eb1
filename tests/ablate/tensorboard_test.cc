#include "ablate/tensorboard.h"

#include <gtest/gtest.h>

#include "core/files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;

// Test vectors of RFC 3720, B.4.
TEST(Crc32c, PublishedValues) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);
}

TEST(TensorboardMirror, AnEventALine) {
  const Scratch folder;
  const auto events = folder / "events.out.tfevents.telora";
  TensorboardMirror mirror(folder.path());
  mirror.update();
  EXPECT_FALSE(std::filesystem::exists(events));
  publish(folder / "metrics.jsonl", "{\"step\": 1, \"loss\": 2.5, \"seconds\": 3}\n");
  mirror.update();
  const auto one = std::filesystem::file_size(events);
  mirror.update();
  EXPECT_EQ(std::filesystem::file_size(events), one);
  EXPECT_NE(read_text(events).find("train/loss"), std::string::npos);
}

}  // namespace
}  // namespace telora
