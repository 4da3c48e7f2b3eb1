#include "core/safetensors_stream.h"
#include "support.h"

namespace telora {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(SafetensorsWriterTest, SizeIsKnownBeforehand) {
  const TempFolder folder;
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  write_safetensors(folder / "m.safetensors",
                    {{"b", Dtype::kF32, {1, 2}, bytes_of("12345678")},
                     {"a", Dtype::kF16, {3}, bytes_of("123456")}},
                    metadata);
  EXPECT_EQ(safetensors_bytes({{"b", Dtype::kF32, {1, 2}}, {"a", Dtype::kF16, {3}}}, metadata),
            file_bytes(folder / "m.safetensors").size());
  EXPECT_TRUE(names(error_of(ErrorKind::kInternal,
                             [&] {
                               safetensors_bytes({{"a", Dtype::kF32, {-1}}}, metadata);
                             }),
                    {"a", "[-1]"}));
}

TEST(SafetensorsWriterTest, WritesTheReferenceLayoutByteForByte) {
  const TempFolder folder;
  // Names out of order; wide types come first, then byte order ("layers.10" before "layers.2").
  write_safetensors(folder / "m.safetensors",
                    {{"layers.2", Dtype::kF32, {1}, bytes_of("2222")},
                     {"half", Dtype::kF16, {1, 2}, bytes_of("hhhh")},
                     {"layers.10", Dtype::kF32, {1}, bytes_of("1010")},
                     {"count", Dtype::kI64, {}, bytes_of("88888888")},
                     {"brain", Dtype::kBF16, {1}, bytes_of("bb")},
                     {"none", Dtype::kU8, {0, 3}, {}}},
                    {{"format", "pt"}, {"base", "x\"y"}});
  const std::string header = R"({"__metadata__":{"base":"x\"y","format":"pt"},)"
                             R"("count":{"dtype":"I64","shape":[],"data_offsets":[0,8]},)"
                             R"("layers.10":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                             R"("layers.2":{"dtype":"F32","shape":[1],"data_offsets":[12,16]},)"
                             R"("brain":{"dtype":"BF16","shape":[1],"data_offsets":[16,18]},)"
                             R"("half":{"dtype":"F16","shape":[1,2],"data_offsets":[18,22]},)"
                             R"("none":{"dtype":"U8","shape":[0,3],"data_offsets":[22,22]}})";
  const size_t padded = (header.size() + 7) / 8 * 8;
  EXPECT_EQ(file_bytes(folder / "m.safetensors"), little(uint64_t{padded}) + header +
                                                      std::string(padded - header.size(), ' ') +
                                                      "8888888810102222bbhhhh");
}

TEST(SafetensorsWriterTest, WritesTheSmallestFile) {
  const TempFolder folder;
  write_safetensors(folder / "m.safetensors", {}, {});
  EXPECT_EQ(file_bytes(folder / "m.safetensors"), little(uint64_t{8}) + "{}      ");
  EXPECT_TRUE(SafetensorsFile(folder / "m.safetensors").entries().empty());
}

TEST(SafetensorsWriterTest, ReadsBackWhatItWrote) {
  const TempFolder folder;
  const std::string data(4 * 300'000, 'z');
  write_safetensors(folder / "m.safetensors",
                    {{"caf\xc3\xa9", Dtype::kF32, {300, 1000}, bytes_of(data)},
                     {"u", Dtype::kU8, {3}, bytes_of("abc")}},
                    {{"format", "pt"}});
  const SafetensorsFile file(folder / "m.safetensors");
  const SafetensorsEntry* large = file.find("caf\xc3\xa9");
  ASSERT_NE(large, nullptr);
  EXPECT_EQ(large->shape, (std::vector<int64_t>{300, 1000}));
  EXPECT_EQ(large->offset % 8, 0u);
  std::string read(data.size(), '\0');
  file.read(*large, 0, std::as_writable_bytes(std::span(read)));
  EXPECT_EQ(read, data);
  EXPECT_EQ(file.metadata().at("format"), "pt");
}

TEST(SafetensorsWriterTest, RefusesWhatWouldNotBeReadBack) {
  const TempFolder folder;
  const auto message = [&](const std::vector<TensorBytes>& tensors) {
    return error_of(ErrorKind::kInternal,
                    [&] { write_safetensors(folder / "m.safetensors", tensors, {}); });
  };
  const TensorBytes good{"w", Dtype::kU8, {4}, bytes_of("abcd")};
  EXPECT_TRUE(names(message({{"w", Dtype::kF32, {4}, bytes_of("abcd")}}),
                    {"m.safetensors: w", "4 bytes", "[4] in F32"}));
  EXPECT_TRUE(names(message({{"w", Dtype::kU8, {-4, -1}, bytes_of("abcd")}}), {"[-4, -1]"}));
  EXPECT_TRUE(names(message({{"w", Dtype::kU8, {INT64_MAX, 4}, bytes_of("abcd")}}), {": w"}));
  EXPECT_TRUE(names(message({good, good}), {"m.safetensors: w", "each name once"}));
  EXPECT_TRUE(names(message({{"__metadata__", Dtype::kU8, {4}, bytes_of("abcd")}}),
                    {"m.safetensors: __metadata__"}));
  EXPECT_TRUE(names(message({{"\xff", Dtype::kU8, {4}, bytes_of("abcd")}}), {"UTF-8"}));
  EXPECT_TRUE(folder.entries().empty());
}

TEST(SafetensorsWriterTest, AStreamedFileIsTheSame) {
  const TempFolder folder;
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  const std::vector<std::string> bytes = {"123456", "abcdefgh"};
  write_safetensors(
      folder / "whole",
      {{"b", Dtype::kF16, {3}, bytes_of(bytes[0])}, {"a", Dtype::kF32, {1, 2}, bytes_of(bytes[1])}},
      metadata);
  const std::vector<TensorShape> shapes = {{"b", Dtype::kF16, {3}}, {"a", Dtype::kF32, {1, 2}}};
  stream_safetensors(folder / "streamed", shapes, metadata, [&](size_t i, TensorSink& sink) {
    sink.append(bytes_of(bytes[i]).first(2));  // in pieces
    sink.append(bytes_of(bytes[i]).subspan(2));
  });
  EXPECT_EQ(file_bytes(folder / "whole"), file_bytes(folder / "streamed"));
  const auto cut = [&] {
    stream_safetensors(folder / "cut", shapes, metadata,
                       [&](size_t, TensorSink& sink) { sink.append(bytes_of("123456")); });
  };
  EXPECT_TRUE(names(error_of(ErrorKind::kInternal, cut), {": a", "6 bytes", "8"}));
  EXPECT_EQ(folder.entries().size(), 2U);
}

}  // namespace
}  // namespace telora
