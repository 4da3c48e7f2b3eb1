#include "export/pack_adapter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backbone/torch.h"
#include "core/error.h"
#include "core/files.h"
#include "tests/export/tiny_adapter.h"
#include "tests/golden/model_files.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

namespace fs = std::filesystem;
using golden::Scratch;
using testing::Each;

class PackAdapter : public testing::Test {
 protected:
  PackAdapter() {
    const DecoderSpec spec = golden::tiny_llama();
    golden::gguf_of(spec, golden::tiny_weights(spec), GgmlType::kF32).write(folder_ / "base.gguf");
    write_adapter(folder_ / "adapter",
                  tiny_adapter(spec, {.rank = 8, .alpha = 8, .target_regex = "all-linear"}));
  }
  PackResult pack(const std::string& out, const PackTarget& target,
                  const std::string& type = "f32") {
    return pack_adapter({.adapter = folder_ / "adapter",
                         .backbone = folder_ / "base.gguf",
                         .out = folder_ / out,
                         .type = type,
                         .target = target});
  }
  void expect_refused(ErrorKind kind, const PackTarget& target, const std::string& out = "new",
                      const std::string& type = "f32") {
    try {
      pack(out, target, type);
      ADD_FAILURE() << "packed";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
    }
  }
  Scratch folder_;
};

TEST_F(PackAdapter, ToARank) {
  const PackResult result = pack("r2", {.rank = 2});
  EXPECT_THAT(result.after, Each(2));
  EXPECT_THAT(result.before, Each(8));
  EXPECT_LT(result.bytes_after, result.bytes_before);
  EXPECT_GT(result.kept, 0.25);
  EXPECT_LT(result.kept, 1);
  EXPECT_EQ(result.bytes_after, fs::file_size(folder_ / "r2/adapter_model.safetensors"));
  EXPECT_EQ(read_adapter(folder_ / "r2").config.rank, 2);
}

TEST_F(PackAdapter, AByteBudgetIsKeptInEveryFormat) {
  for (const std::string type : {"f32", "f16", "bf16", "q8_0"}) {
    for (const uint64_t bytes : {16'000U, 24'000U, 40'000U}) {
      SCOPED_TRACE(type + " " + std::to_string(bytes));
      const std::string out = type + std::to_string(bytes) + (type == "q8_0" ? ".gguf" : "");
      const PackResult result = pack(out, {.bytes = bytes}, type);
      EXPECT_LE(result.bytes_after, bytes);
      EXPECT_GT(result.bytes_after, bytes / 3);
    }
  }
}

TEST_F(PackAdapter, WrongSizesAreRefused) {
  expect_refused(ErrorKind::kUsage, {});
  expect_refused(ErrorKind::kUsage, {.rank = 2, .bytes = 1000});
  expect_refused(ErrorKind::kUsage, {.bytes = 100});
  expect_refused(ErrorKind::kUsage, {.rank = 2}, "new", "q4_0");
  expect_refused(ErrorKind::kUsage, {.rank = 2}, "new", "q8_0");  // not a .gguf file
  EXPECT_FALSE(fs::exists(folder_ / "new"));
  publish(folder_ / "mine.gguf", "mine");
  expect_refused(ErrorKind::kCannotCreate, {.rank = 2}, "mine.gguf", "q8_0");
  expect_refused(ErrorKind::kCannotCreate, {.rank = 2}, "adapter");
  EXPECT_EQ(read_text(folder_ / "mine.gguf"), "mine");
}

}  // namespace
}  // namespace telora
