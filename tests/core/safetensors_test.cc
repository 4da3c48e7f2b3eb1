#include "core/safetensors.h"

#include "support.h"

namespace telora {
namespace {

std::string with_length(uint64_t length, std::string_view rest) {
  return little(length) + std::string(rest);
}

std::string container(std::string_view header, std::string_view data = "") {
  return with_length(header.size(), header) + std::string(data);
}

SafetensorsFile open(const std::string& bytes) {
  const TempFolder folder;  // the open descriptor outlives the name
  return SafetensorsFile(folder.file("m.safetensors", bytes));
}

std::string refusal(const std::string& bytes) {
  return error_of(ErrorKind::kData, [&] { open(bytes); });
}

// The message for a file of one tensor "w" with this dtype, shape and offsets, and 16 bytes of
// data.
std::string tensor_refusal(std::string_view dtype, std::string_view shape,
                           std::string_view offsets) {
  const std::string header = "{\"w\":{\"dtype\":" + std::string(dtype) +
                             ",\"shape\":" + std::string(shape) +
                             ",\"data_offsets\":" + std::string(offsets) + "}}";
  return refusal(container(header, std::string(16, 'x')));
}

constexpr std::string_view kTwo =
    R"({"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
    R"("a":{"shape":[3],"data_offsets":[16,22],"dtype":"BF16","note":{"x":[1,{"y":2}]}}})";

TEST(SafetensorsTest, ReadsEntriesMetadataAndBytes) {
  const SafetensorsFile file = open(container(kTwo, "0123456789abcdefABCDEF"));
  ASSERT_EQ(file.entries().size(), 2u);
  EXPECT_EQ(file.entries()[0].name, "b");
  EXPECT_EQ(file.metadata(), (std::map<std::string, std::string>{{"format", "pt"}}));
  const SafetensorsEntry* a = file.find("a");
  ASSERT_TRUE(a != nullptr && file.find("c") == nullptr);
  EXPECT_EQ(a->dtype, Dtype::kBF16);
  EXPECT_EQ(a->shape, std::vector<int64_t>{3});
  EXPECT_EQ(a->bytes, 6u);
  std::string bytes(4, '\0');
  file.read(*a, 1, std::as_writable_bytes(std::span(bytes)));
  EXPECT_EQ(bytes, "BCDE");
  error_of(ErrorKind::kInternal,
           [&] { file.read(*a, 3, std::as_writable_bytes(std::span(bytes))); });
}

TEST(SafetensorsTest, AcceptsWhitespaceAroundTheHeader) {
  EXPECT_TRUE(open(container(" \t\r\n{}\n \t")).entries().empty());
  EXPECT_TRUE(open(container("{}")).entries().empty());
  EXPECT_TRUE(open(container("{}      ")).entries().empty());
}

TEST(SafetensorsTest, AcceptsScalarsEmptyTensorsAndNullMetadata) {
  const SafetensorsFile file =
      open(container(R"({"__metadata__":null,"s":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                     R"("e":{"dtype":"F32","shape":[2,0],"data_offsets":[0,0]}})",
                     "abcd"));
  EXPECT_EQ(file.find("s")->bytes, 4u);
  EXPECT_EQ(file.find("e")->bytes, 0u);
  EXPECT_EQ(file.find("e")->shape, (std::vector<int64_t>{2, 0}));
}

TEST(SafetensorsTest, KnowsEveryDtype) {
  const std::map<std::string, size_t> sizes{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"I16", 2}, {"U16", 2}, {"F16", 2}, {"BF16", 2},
      {"I32", 4},  {"U32", 4}, {"F32", 4}, {"F64", 8}, {"I64", 8}, {"U64", 8}};
  for (const auto& [name, bytes] : sizes) {
    const auto dtype = find_dtype(name);
    ASSERT_TRUE(dtype.has_value()) << name;
    EXPECT_EQ(dtype_bytes(*dtype), bytes);
    EXPECT_EQ(dtype_name(*dtype), name);
  }
  EXPECT_FALSE(find_dtype("F8_E4M3") || find_dtype("f32") || find_dtype(""));
}

TEST(SafetensorsHostileTest, FileShorterThanItsLength) {
  for (size_t size = 0; size < 8; ++size) {
    EXPECT_TRUE(
        names(refusal(std::string(size, '\0')),
              {"m.safetensors: header.length", std::to_string(size) + " bytes", "truncated"}));
  }
}

TEST(SafetensorsHostileTest, HeaderLengthAboveTheCap) {
  EXPECT_TRUE(names(refusal(with_length(100'000'001, "{}")),
                    {"m.safetensors: header.length", "100000001", "100000000"}));
  EXPECT_TRUE(names(refusal(std::string("\x3c\0\0\0\0\xff\xff\xff", 8)), {"header.length"}));
}

TEST(SafetensorsHostileTest, HeaderLengthAboveTheFile) {
  EXPECT_TRUE(names(refusal(with_length(1000, "{}")),
                    {"m.safetensors: header.length", "found 1000", "at most 2"}));
  EXPECT_TRUE(names(refusal(with_length(60, "")), {"header.length", "found 60"}));
  EXPECT_TRUE(names(refusal(with_length(100'000'000, "{}")), {"header.length", "at most 2"}));
}

TEST(SafetensorsHostileTest, HeaderLengthThatWraps) {
  for (const uint64_t length : {UINT64_MAX, UINT64_MAX - 7, uint64_t{1} << 63}) {
    EXPECT_TRUE(names(refusal(with_length(length, "{}")),
                      {"m.safetensors: header.length", std::to_string(length)}));
  }
}

TEST(SafetensorsHostileTest, HeaderIsNotAJsonObject) {
  EXPECT_TRUE(names(refusal(container("\xff")), {"m.safetensors at byte 8", "0xff"}));
  EXPECT_TRUE(names(refusal(container("{")), {"m.safetensors at byte 9", "truncated?"}));
  EXPECT_TRUE(names(refusal(container("")), {"m.safetensors at byte 8", "an empty text"}));
  EXPECT_TRUE(
      names(refusal(container("[]")), {"m.safetensors", "at byte 8", "an array", "an object"}));
  EXPECT_TRUE(names(refusal(container("7")), {"m.safetensors at byte 8", "found 7", "an object"}));
  EXPECT_TRUE(names(refusal(container("{} {}")), {"m.safetensors at byte 11", "valid JSON"}));
}

TEST(SafetensorsHostileTest, DuplicateTensorName) {
  const std::string entry = R"("w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  EXPECT_TRUE(names(refusal(container("{" + entry + "," + entry + "}", "x")),
                    {"m.safetensors: w at byte 63", "first at byte 11", "each name once"}));
  EXPECT_TRUE(names(refusal(container(R"({"__metadata__":{},"__metadata__":{}})")),
                    {"m.safetensors: __metadata__", "each name once"}));
}

TEST(SafetensorsHostileTest, MetadataThatIsNotText) {
  for (const char* value : {"1", "null", "true", "{}", "[\"x\"]"}) {
    EXPECT_TRUE(names(refusal(container("{\"__metadata__\":{\"key\":" + std::string(value) + "}}")),
                      {"m.safetensors: __metadata__.key", "want text"}))
        << value;
  }
  EXPECT_TRUE(names(refusal(container(R"({"__metadata__":"x"})")), {"__metadata__", "an object"}));
  EXPECT_TRUE(names(refusal(container(R"({"__metadata__":[]})")), {"__metadata__", "an object"}));
  EXPECT_TRUE(names(refusal(container(R"({"__metadata__":{"k":"1","k":"2"}})")),
                    {"__metadata__.k", "each key once"}));
}

TEST(SafetensorsHostileTest, UnknownDtype) {
  for (const char* dtype : {"\"F8_E4M3\"", "\"F4\"", "\"float32\"", "\"f32\"", "\"\""}) {
    EXPECT_TRUE(names(tensor_refusal(dtype, "[4]", "[0,16]"), {"m.safetensors: w.dtype", dtype}));
  }
  for (const char* dtype : {"7", "null", "[\"F32\"]", "{}"}) {
    EXPECT_TRUE(names(tensor_refusal(dtype, "[4]", "[0,16]"), {"m.safetensors: w.dtype", "text"}));
  }
}

TEST(SafetensorsHostileTest, ShapeEntryThatIsNoDimension) {
  for (const char* entry :
       {"-1", "2.0", "\"2\"", "null", "true", "9007199254740993", "18446744073709551615"}) {
    EXPECT_TRUE(names(tensor_refusal("\"F32\"", "[2," + std::string(entry) + "]", "[0,16]"),
                      {"m.safetensors: w.shape[1]", entry}));
  }
  EXPECT_TRUE(names(tensor_refusal("\"F32\"", "[2,1e400]", "[0,16]"), {"w.shape[1]", "1e400"}));
  EXPECT_TRUE(
      names(tensor_refusal("\"F32\"", "[[4]]", "[0,16]"), {"w.shape[0]", "a nested value"}));
  EXPECT_TRUE(
      names(tensor_refusal("\"F32\"", "4", "[0,16]"), {"w.shape", "an array of dimensions"}));
  EXPECT_TRUE(
      names(tensor_refusal("\"F32\"", "{}", "[0,16]"), {"w.shape", "an array of dimensions"}));
}

TEST(SafetensorsHostileTest, ShapeProductOverflows) {
  EXPECT_TRUE(names(tensor_refusal("\"I32\"", "[2,18446744073709551614]", "[0,16]"),
                    {"m.safetensors: w.shape", "18446744073709551614"}));
  EXPECT_TRUE(names(tensor_refusal("\"U8\"", "[4294967296,4294967296]", "[0,0]"),
                    {"m.safetensors: w.shape", "beyond 64 bits"}));
}

TEST(SafetensorsHostileTest, ByteCountOverflows) {
  EXPECT_TRUE(names(tensor_refusal("\"I32\"", "[2,9223372036854775807]", "[0,16]"),
                    {"m.safetensors: w.shape", "9223372036854775807"}));
  EXPECT_TRUE(names(tensor_refusal("\"F64\"", "[2147483648,1073741824]", "[0,0]"),
                    {"m.safetensors: w.shape", "beyond 64 bits"}));
}

TEST(SafetensorsHostileTest, OffsetsThatDoNotFitTheShape) {
  EXPECT_TRUE(names(tensor_refusal("\"F32\"", "[4]", "[16,0]"),
                    {"m.safetensors: w.data_offsets", "[16, 0]", "16 bytes"}));
  EXPECT_TRUE(names(tensor_refusal("\"I32\"", "[2,2]", "[0,4]"),
                    {"m.safetensors: w.data_offsets", "[0, 4]", "16 bytes"}));
  EXPECT_TRUE(names(tensor_refusal("\"F32\"", "[0]", "[0,16]"), {"w.data_offsets", "0 bytes"}));
}

TEST(SafetensorsHostileTest, OverlappingRanges) {
  std::string header = "{";
  for (int i = 0; i < 10; ++i) {
    header += std::string(i > 0 ? "," : "") + "\"t" + std::to_string(i) +
              R"(":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]})";
  }
  EXPECT_TRUE(names(refusal(container(header + "}", std::string(16, 'x'))),
                    {"m.safetensors: t1.data_offsets", "inside \"t0\"", "want 16"}));
}

TEST(SafetensorsHostileTest, HoleBetweenTensorsOrBeforeTheFirst) {
  const std::string header = R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},)"
                             R"("b":{"dtype":"U8","shape":[4],"data_offsets":[6,10]}})";
  EXPECT_TRUE(names(refusal(container(header, "0123456789")),
                    {"m.safetensors: b.data_offsets", "a gap of 2 bytes from 4", "\"a\""}));
  EXPECT_TRUE(names(tensor_refusal("\"U8\"", "[8]", "[8,16]"),
                    {"w.data_offsets", "a gap of 8 bytes from 0 after the header"}));
}

TEST(SafetensorsHostileTest, TrailingOrMissingBytes) {
  EXPECT_TRUE(names(refusal(container(kTwo, std::string(23, 'x'))),
                    {"m.safetensors: file size", "23 bytes", "want 22", "belong to no tensor"}));
  EXPECT_TRUE(names(refusal(container(kTwo, std::string(20, 'x'))),
                    {"m.safetensors: file size", "20 bytes", "want 22", "truncated"}));
  EXPECT_TRUE(names(refusal(container("{}", "x")), {"m.safetensors: file size", "1 bytes"}));
}

std::string many_entries(int count) {
  std::string header = "{";
  for (int i = 0; i < count; ++i) {
    header += std::string(i > 0 ? "," : "") + "\"" + std::to_string(i) +
              R"(":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  }
  return header + "}";
}

TEST(SafetensorsHostileTest, TooManyTensorsAreRefused) {
  EXPECT_TRUE(names(refusal(container(many_entries(100'000))),
                    {"m.safetensors: 65536", "one more tensor", "at most 65536"}));
}

TEST(SafetensorsHostileTest, TwoMegabytesOfEntriesAreReadFast) {
  const TempFolder folder;
  const auto path = folder.file("m.safetensors", container(many_entries(36'000)));
  ASSERT_GT(std::filesystem::file_size(path), 1'900'000u);
  EXPECT_LT(cpu_seconds([&] { EXPECT_EQ(SafetensorsFile(path).entries().size(), 36'000u); }),
            kHostileSeconds);
}

TEST(SafetensorsHostileTest, MissingRepeatedOrMiscountedFields) {
  const auto entry = [](std::string_view fields) {
    return refusal(container("{\"w\":{" + std::string(fields) + "}}", std::string(16, 'x')));
  };
  const std::string dtype = R"("dtype":"U8")";
  const std::string shape = R"("shape":[16])";
  const std::string offsets = R"("data_offsets":[0,16])";
  EXPECT_TRUE(names(entry(shape + "," + offsets), {"m.safetensors: w.dtype", "nothing"}));
  EXPECT_TRUE(names(entry(dtype + "," + offsets), {"m.safetensors: w.shape", "nothing"}));
  EXPECT_TRUE(names(entry(dtype + "," + shape), {"m.safetensors: w.data_offsets", "nothing"}));
  EXPECT_TRUE(names(entry(dtype + "," + shape + "," + offsets + "," + shape),
                    {"m.safetensors: w.shape", "the field again"}));
  EXPECT_TRUE(names(entry(dtype + "," + dtype), {"m.safetensors: w.dtype", "the field again"}));
  EXPECT_TRUE(names(tensor_refusal("\"U8\"", "[16]", "[0]"), {"w.data_offsets", "1 numbers"}));
  EXPECT_TRUE(
      names(tensor_refusal("\"U8\"", "[16]", "[0,16,16]"), {"w.data_offsets", "3 numbers"}));
  EXPECT_TRUE(names(refusal(container(R"({"w":[1]})")), {"m.safetensors: w", "an object"}));
  EXPECT_TRUE(names(refusal(container(R"({"w":null})")), {"m.safetensors: w", "an object"}));
}

TEST(SafetensorsHostileTest, DeepNesting) {
  EXPECT_TRUE(names(refusal(container("{\"w\":{\"x\":" + std::string(100'000, '['))),
                    {"m.safetensors: w.x[0]", "more than 128 nested levels"}));
}

TEST(SafetensorsHostileTest, TensorNamesThatAreNoNames) {
  const auto named = [](const std::string& name) {
    return refusal(
        container("{\"" + name + R"(":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", "x"));
  };
  EXPECT_TRUE(names(named(""), {"m.safetensors: \"\"", "0 bytes"}));
  EXPECT_TRUE(names(named(std::string(1'000'000, 'n')), {"m.safetensors: nnn", "1000000 bytes"}));
  EXPECT_TRUE(names(named("a\\u0000b"), {"m.safetensors: a\\x00b", "printable"}));
  EXPECT_TRUE(names(named("a\\u001b[2J"), {"m.safetensors: a\\x1b[2J", "printable"}));
}

TEST(SafetensorsHostileTest, FileShortenedWhileOpen) {
  const TempFolder folder;
  const auto path = folder.file("m.safetensors", container(kTwo, std::string(22, 'x')));
  const SafetensorsFile file(path);
  std::filesystem::resize_file(path, 20);
  std::vector<std::byte> bytes(6);
  EXPECT_TRUE(names(error_of(ErrorKind::kIo, [&] { file.read(*file.find("a"), 0, bytes); }),
                    {"m.safetensors"}));
}

TEST(SafetensorsHostileTest, EveryTruncationIsRefused) {
  const std::string bytes = container(kTwo, std::string(22, 'x'));
  for (size_t size = 0; size < bytes.size(); ++size) {
    const MemoryFile cut(std::string_view(bytes).substr(0, size));
    const std::string message =
        error_of(ErrorKind::kData, [&] { SafetensorsFile file(cut.path()); });
    ASSERT_TRUE(names(message, {cut.path().string()})) << size;
  }
}

TEST(SafetensorsHostileTest, NoFlippedBitDoesMoreThanThrow) {
  const std::string bytes = container(kTwo, std::string(22, 'x'));
  int refused = 0;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string flipped = bytes;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    const MemoryFile held(flipped);
    try {
      SafetensorsFile file(held.path());
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kData) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace telora
