#include "core/gguf_writer.h"

#include <filesystem>

#include "core/error.h"
#include "core/gguf.h"
#include "support.h"
#include "tests/golden/scratch.h"

namespace telora {
namespace {

using golden::Scratch;
using testing::ElementsAre;
using testing::HasSubstr;

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

class GgufWriterTest : public testing::Test {
 protected:
  // Two tensors, the first of a size that needs padding.
  void write(const std::string& name, const GgufMetadata& metadata) const {
    const std::vector<float> three = {1, 2, 3};
    const std::vector<float> six = {4, 5, 6, 7, 8, 9};
    write_gguf(folder_ / name, metadata,
               {{"three", {3}, GgmlType::kF32}, {"six", {3, 2}, GgmlType::kF32}},
               [&](size_t i, TensorSink& sink) {
                 const auto bytes = bytes_of(i == 0 ? three : six);
                 sink.append(bytes.first(4));  // in pieces
                 sink.append(bytes.subspan(4));
               });
  }
  GgufMetadata every_kind() const {
    GgufMetadata metadata;
    metadata.set_string("general.architecture", "llama");
    metadata.set_string("text", "Größe");
    metadata.set_bool("yes", true);
    metadata.set_u32("count", 4'000'000'000U);
    metadata.set_f32("alpha", 0.1F);
    metadata.set_strings("words", {"a", "", "c"});
    metadata.set_i32s("kinds", {-1, 2});
    metadata.set_f32s("scores", {0.5F});
    return metadata;
  }
  Scratch folder_;
};

TEST_F(GgufWriterTest, ReadsBackAsWritten) {
  write("a.gguf", every_kind());
  const GgufFile file(folder_ / "a.gguf");
  EXPECT_THAT(file.keys(), ElementsAre("general.architecture", "text", "yes", "count", "alpha",
                                       "words", "kinds", "scores"));
  EXPECT_EQ(file.string("text"), "Größe");
  EXPECT_TRUE(file.boolean("yes"));
  EXPECT_EQ(file.integer("count", 0, INT64_MAX), 4'000'000'000);
  EXPECT_EQ(file.number("alpha"), double{0.1F});
  EXPECT_THAT(file.strings("words"), ElementsAre("a", "", "c"));
  EXPECT_THAT(file.integers("kinds"), ElementsAre(-1, 2));
  EXPECT_THAT(file.numbers("scores"), ElementsAre(0.5));
  ASSERT_EQ(file.tensors().size(), 2U);
  const GgufTensor& six = file.tensors()[1];
  EXPECT_THAT(six.dims, ElementsAre(3U, 2U));
  EXPECT_EQ(six.offset % 32, 0U);
  std::vector<float> values(6);
  file.read(six, 0, std::as_writable_bytes(std::span(values)));
  EXPECT_THAT(values, ElementsAre(4, 5, 6, 7, 8, 9));
}

TEST_F(GgufWriterTest, CopiedPairsKeepTypeAndBytes) {
  write("a.gguf", every_kind());
  const GgufFile first(folder_ / "a.gguf");
  GgufMetadata copied;
  for (const std::string& key : first.keys()) copied.copy(first, key);
  write("b.gguf", copied);
  EXPECT_EQ(read_text(folder_ / "a.gguf"), read_text(folder_ / "b.gguf"));
  EXPECT_THROW(copied.copy(first, "absent"), Error);
}

TEST_F(GgufWriterTest, SettingAgainReplacesInPlace) {
  GgufMetadata metadata = every_kind();
  metadata.set_u32("text", 7);
  metadata.remove("yes");
  EXPECT_FALSE(metadata.has("yes"));
  write("a.gguf", metadata);
  const GgufFile file(folder_ / "a.gguf");
  EXPECT_EQ(file.keys()[1], "text");
  EXPECT_EQ(file.integer("text", 0, 9), 7);
}

TEST_F(GgufWriterTest, WithoutTensorsThereIsNoPadding) {
  GgufMetadata metadata;
  metadata.set_bool("odd", false);
  write_gguf(folder_ / "a.gguf", metadata, {}, [](size_t, TensorSink&) {});
  EXPECT_EQ(std::filesystem::file_size(folder_ / "a.gguf"), 24U + 8 + 3 + 4 + 1);
  EXPECT_TRUE(GgufFile(folder_ / "a.gguf").tensors().empty());
}

TEST_F(GgufWriterTest, WhatTheFormatCannotHoldIsRefusedAndNothingIsLeft) {
  const auto refused = [&](const std::vector<GgufTensorPlan>& tensors, ErrorKind kind,
                           const char* what) {
    try {
      write_gguf(folder_ / "a.gguf", {}, tensors, [](size_t, TensorSink& sink) {
        sink.append(std::as_bytes(std::span("four", 4)));
      });
      ADD_FAILURE() << "written: " << what;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind) << error.what();
      EXPECT_THAT(error.what(), HasSubstr(what));
    }
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
  };
  refused({{std::string(64, 'n'), {1}, GgmlType::kF32}}, ErrorKind::kData, "64 bytes");
  refused({{"rows", {48, 2}, GgmlType::kQ8_0}}, ErrorKind::kData, "rows of 48");
  refused({{"none", {}, GgmlType::kF32}}, ErrorKind::kData, "no dimension");
  refused({{"two", {2}, GgmlType::kF32}}, ErrorKind::kInternal, "4 bytes");
  refused({{"same", {1}, GgmlType::kF32}, {"same", {1}, GgmlType::kF32}}, ErrorKind::kInternal,
          "twice");
}

TEST_F(GgufWriterTest, WrongPairsAreFaultsOfTheProgram) {
  GgufMetadata metadata;
  EXPECT_THROW(metadata.set_bool("", true), Error);
  EXPECT_THROW(metadata.set_bool("with space", true), Error);
  EXPECT_THROW(metadata.set_string("key", "\xff"), Error);
  metadata.set_u32("general.alignment", 64);
  EXPECT_THROW(write("a.gguf", metadata), Error);
}

}  // namespace
}  // namespace telora
