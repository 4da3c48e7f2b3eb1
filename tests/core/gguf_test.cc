#include "core/gguf.h"

#include <cmath>
#include <limits>

#include "gguf_bytes.h"

namespace telora {
namespace {

enum : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64
};

GgufFile open(const std::string& bytes) {
  const TempFolder folder;  // the open descriptor outlives the name
  return GgufFile(folder.file("m.gguf", bytes));
}

std::string refusal(const std::string& bytes) {
  return error_of(ErrorKind::kData, [&] { open(bytes); });
}

GgufBytes small_model() {
  GgufBytes file;
  file.pair("general.architecture", kString, GgufBytes::text("llama"));
  file.tensor("a", {4, 2}, 0, 0).tensor("b", {32}, 8, 32);
  file.data = std::string(32, 'A') + std::string(34, 'B') + std::string(30, '\0');
  return file;
}

TEST(GgufTest, ReadsEveryValueType) {
  GgufBytes file;
  file.pair("u8", kU8, little(uint8_t{255})).pair("i8", kI8, little(int8_t{-1}));
  file.pair("u16", kU16, little(uint16_t{65535})).pair("i16", kI16, little(int16_t{-2}));
  file.pair("u32", kU32, little(uint32_t{4294967295})).pair("i32", kI32, little(int32_t{-3}));
  file.pair("u64", kU64, little(uint64_t{1} << 40)).pair("i64", kI64, little(int64_t{-4}));
  file.pair("f32", kF32, little(0.5f)).pair("f64", kF64, little(0.1));
  file.pair("yes", kBool, "\1").pair("no", kBool, std::string_view("\0", 1));
  file.pair("text", kString, GgufBytes::text("h\xc3\xa9"));
  const GgufFile read = open(file.bytes());
  const auto integer = [&](const char* key) { return read.integer(key, INT64_MIN, INT64_MAX); };
  EXPECT_EQ(integer("u8"), 255);
  EXPECT_EQ(integer("i8"), -1);
  EXPECT_EQ(integer("u16"), 65535);
  EXPECT_EQ(integer("i16"), -2);
  EXPECT_EQ(integer("u32"), 4294967295);
  EXPECT_EQ(integer("i32"), -3);
  EXPECT_EQ(integer("u64"), int64_t{1} << 40);
  EXPECT_EQ(integer("i64"), -4);
  EXPECT_EQ(read.number("f32"), 0.5);
  EXPECT_EQ(read.number("f64"), 0.1);
  EXPECT_TRUE(read.boolean("yes"));
  EXPECT_FALSE(read.boolean("no"));
  EXPECT_EQ(read.string("text"), "h\xc3\xa9");
  EXPECT_EQ(read.keys().front(), "u8");
  EXPECT_EQ(read.keys().size(), 13u);
}

TEST(GgufTest, ReadsArrays) {
  GgufBytes file;
  file.array("strings", kString, 2, GgufBytes::text("a") + GgufBytes::text(""));
  file.array("i32", kI32, 2, little(int32_t{-1}) + little(int32_t{7}));
  file.array("u16", kU16, 2, little(uint16_t{1}) + little(uint16_t{65535}));
  file.array("f32", kF32, 1, little(1.5f));
  file.array("bool", kBool, 2, std::string_view("\1\0", 2));
  file.array("empty", kString, 0, "");
  const GgufFile read = open(file.bytes());
  EXPECT_EQ(read.strings("strings"), (std::vector<std::string>{"a", ""}));
  EXPECT_EQ(read.integers("i32"), (std::vector<int64_t>{-1, 7}));
  EXPECT_EQ(read.integers("u16"), (std::vector<int64_t>{1, 65535}));
  EXPECT_EQ(read.numbers("f32"), std::vector<double>{1.5});
  EXPECT_EQ(std::get<std::vector<bool>>(read.value("bool")), (std::vector<bool>{true, false}));
  EXPECT_TRUE(read.strings("empty").empty());
}

TEST(GgufTest, ReadsTensors) {
  const GgufFile file = open(small_model().bytes());
  ASSERT_EQ(file.tensors().size(), 2u);
  const GgufTensor* a = file.find("a");
  const GgufTensor* b = file.find("b");
  ASSERT_TRUE(a != nullptr && b != nullptr && file.find("c") == nullptr);
  EXPECT_EQ(a->dims, (std::vector<uint64_t>{4, 2}));
  EXPECT_EQ(a->elements(), 8u);
  EXPECT_EQ(a->bytes, 32u);
  EXPECT_EQ(b->type, GgmlType::kQ8_0);
  EXPECT_EQ(b->bytes, 34u);
  std::string bytes(4, '\0');
  file.read(*b, 30, std::as_writable_bytes(std::span(bytes)));
  EXPECT_EQ(bytes, "BBBB");
  error_of(ErrorKind::kInternal,
           [&] { file.read(*b, 31, std::as_writable_bytes(std::span(bytes))); });
}

TEST(GgufTest, AcceptsVersion2OtherAlignmentsAndMissingLastPadding) {
  GgufBytes file;
  file.version = 2;
  file.alignment = 64;
  file.pair("general.alignment", kU32, little(uint32_t{64}));
  file.tensor("a", {3}, 0, 0).tensor("b", {1}, 0, 64);
  file.data = std::string(64 + 4, 'x');
  EXPECT_EQ(open(file.bytes()).find("b")->bytes, 4u);
  EXPECT_TRUE(open(GgufBytes{}.bytes()).tensors().empty());
  const std::string name(63, 'n');
  GgufBytes longest;
  longest.tensor(name, {1}, 0, 0).data = std::string(4, 'x');
  EXPECT_NE(open(longest.bytes()).find(name), nullptr);
}

TEST(GgufGetterTest, WrongTypesAreErrorsNotAsserts) {
  GgufBytes bytes;
  bytes.pair("general.architecture", kU32, little(uint32_t{7}));
  bytes.pair("adapter.lora.alpha", kString, GgufBytes::text("16"));
  bytes.pair("flag", kU8, "\1").pair("big", kU64, little(UINT64_MAX)).pair("n", kI32, little(-1));
  bytes.array("list", kU32, 1, little(uint32_t{1}));
  bytes.array("bigs", kU64, 1, little(UINT64_MAX));
  const GgufFile file = open(bytes.bytes());
  const auto message = [](auto read) { return error_of(ErrorKind::kData, read); };
  EXPECT_TRUE(names(message([&] { file.string("general.architecture"); }),
                    {"m.gguf: general.architecture", "an unsigned integer", "a string"}));
  EXPECT_TRUE(names(message([&] { file.number("adapter.lora.alpha"); }),
                    {"m.gguf: adapter.lora.alpha", "a string", "a float"}));
  EXPECT_TRUE(names(message([&] { file.boolean("flag"); }), {"m.gguf: flag", "a truth value"}));
  EXPECT_TRUE(names(message([&] { file.integer("big", 0, INT64_MAX); }),
                    {"m.gguf: big", "18446744073709551615"}));
  EXPECT_TRUE(
      names(message([&] { file.integer("n", 0, 10); }), {"m.gguf: n", "-1", "from 0 to 10"}));
  EXPECT_TRUE(names(message([&] { file.integer("list", 0, 10); }), {"m.gguf: list", "an array"}));
  EXPECT_TRUE(
      names(message([&] { file.strings("list"); }), {"m.gguf: list", "an array of strings"}));
  EXPECT_TRUE(
      names(message([&] { file.numbers("list"); }), {"m.gguf: list", "an array of floats"}));
  EXPECT_TRUE(
      names(message([&] { file.integers("flag"); }), {"m.gguf: flag", "an array of integers"}));
  EXPECT_TRUE(
      names(message([&] { file.integers("bigs"); }), {"m.gguf: bigs", "18446744073709551615"}));
  EXPECT_TRUE(
      names(message([&] { file.string("absent.key"); }), {"m.gguf: absent.key", "no such key"}));
}

TEST(GgufGetterTest, NonFiniteNumbersAreRefused) {
  GgufBytes bytes;
  bytes.pair("alpha", kF32, little(std::nanf("")));
  bytes.array("scores", kF32, 2, little(1.0f) + little(std::numeric_limits<float>::infinity()));
  const GgufFile file = open(bytes.bytes());
  EXPECT_TRUE(names(error_of(ErrorKind::kData, [&] { file.number("alpha"); }),
                    {"m.gguf: alpha", "nan", "a finite number"}));
  EXPECT_TRUE(names(error_of(ErrorKind::kData, [&] { file.numbers("scores"); }),
                    {"m.gguf: scores[1]", "inf", "a finite number"}));
}

TEST(GgufHostileTest, WrongMagic) {
  GgufBytes file = small_model();
  file.magic = "BAD!";
  EXPECT_TRUE(names(refusal(file.bytes()), {"m.gguf: header.magic", "\"BAD!\"", "GGUF"}));
  EXPECT_TRUE(names(refusal(""), {"m.gguf: header.magic", "0 bytes before the end"}));
}

TEST(GgufHostileTest, WrongVersion) {
  for (const uint32_t version : {0u, 1u, 4u}) {
    GgufBytes file = small_model();
    file.version = version;
    EXPECT_TRUE(names(refusal(file.bytes()),
                      {"m.gguf: header.version", std::to_string(version), "2 or 3"}));
  }
  GgufBytes swapped = small_model();
  swapped.version = 0x03000000;
  EXPECT_TRUE(names(refusal(swapped.bytes()), {"m.gguf: header.version", "big-endian"}));
}

TEST(GgufHostileTest, AbsurdCounts) {
  for (const uint64_t count : {UINT64_MAX, uint64_t{1} << 63, uint64_t{1000}}) {
    GgufBytes tensors = small_model();
    tensors.tensor_count = count;
    EXPECT_TRUE(names(refusal(tensors.bytes()), {"m.gguf: header.tensor_count", "room"}));
    GgufBytes pairs = small_model();
    pairs.pair_count = count;
    EXPECT_TRUE(names(refusal(pairs.bytes()), {"m.gguf: header.metadata_kv_count", "room"}));
  }
}

TEST(GgufHostileTest, TooManyTensors) {
  GgufBytes file;
  file.tensor_count = (1 << 16) + 1;
  file.tensors = std::string(uint64_t{33} << 17, '\0');
  EXPECT_TRUE(names(refusal(file.bytes()), {"m.gguf: header.tensor_count", "at most 65536"}));
}

TEST(GgufHostileTest, BadKeys) {
  const auto with_key = [](std::string_view key) {
    return refusal(GgufBytes{}.pair("ok", kU8, "\1").pair(key, kU8, "\1").bytes());
  };
  EXPECT_TRUE(names(with_key(""), {"m.gguf: kv[1].key", "0 bytes"}));
  EXPECT_TRUE(names(with_key(std::string(65'536, 'k')), {"m.gguf: kv[1].key", "65536 bytes"}));
  EXPECT_TRUE(names(with_key("caf\xc3\xa9"), {"m.gguf: kv[1].key", "printable ASCII"}));
  EXPECT_TRUE(names(with_key("a\x1b[2J"), {"m.gguf: kv[1].key", "\\x1b[2J"}));
  GgufBytes endless;
  endless.pairs = little(UINT64_MAX) + std::string(100, 'k');
  endless.pair_count = 1;
  EXPECT_TRUE(names(refusal(endless.bytes()), {"m.gguf: kv[0].key", "18446744073709551615"}));
  EXPECT_NO_THROW(open(GgufBytes{}.pair(std::string(65'535, 'k'), kU8, "\1").bytes()));
}

TEST(GgufHostileTest, DuplicateKey) {
  GgufBytes file;
  file.pair("x", kU8, "\1").pair("a.b", kU8, "\1").pair("y", kU8, "\1").pair("a.b", kU8, "\2");
  EXPECT_TRUE(names(refusal(file.bytes()), {"m.gguf: a.b", "pair 3", "pair 1"}));
}

TEST(GgufHostileTest, AHundredThousandKeysAreReadFast) {
  GgufBytes file;
  for (int i = 0; i < 100'000; ++i) file.pair("k" + std::to_string(i), kU8, "\1");
  const std::string bytes = file.bytes();
  ASSERT_GT(bytes.size(), 1'800'000u);
  const TempFolder folder;
  const auto path = folder.file("m.gguf", bytes);
  EXPECT_LT(cpu_seconds([&] { EXPECT_EQ(GgufFile(path).keys().size(), 100'000u); }),
            kHostileSeconds);
}

TEST(GgufHostileTest, SixtyThousandTensorsAreReadFast) {
  GgufBytes file;
  for (uint64_t i = 0; i < 60'000; ++i) file.tensor("t" + std::to_string(i), {1}, 0, 32 * i);
  file.data = std::string(60'000 * 32, 'x');
  const TempFolder folder;
  const auto path = folder.file("m.gguf", file.bytes());
  EXPECT_LT(cpu_seconds([&] { EXPECT_EQ(GgufFile(path).tensors().size(), 60'000u); }),
            kHostileSeconds);
}

TEST(GgufHostileTest, UnknownValueType) {
  for (const uint32_t type : {13u, 255u, UINT32_MAX}) {
    EXPECT_TRUE(names(refusal(GgufBytes{}.pair("a.b", type, "12345678").bytes()),
                      {"m.gguf: a.b", "value type " + std::to_string(type)}));
    EXPECT_TRUE(names(refusal(GgufBytes{}.array("a.b", type, 1, "12345678").bytes()),
                      {"m.gguf: a.b", "element type " + std::to_string(type)}));
  }
}

TEST(GgufHostileTest, ArrayOfArrays) {
  std::string deep;
  for (int i = 0; i < 10'000; ++i) deep += little(uint32_t{9}) + little(uint64_t{1});
  EXPECT_TRUE(names(refusal(GgufBytes{}.pair("a.b", kArray, deep).bytes()),
                    {"m.gguf: a.b", "an array of arrays"}));
}

TEST(GgufHostileTest, AbsurdArrayCountAndStringLength) {
  for (const uint64_t count : {UINT64_MAX, uint64_t{1} << 40, uint64_t{9}}) {
    EXPECT_TRUE(names(refusal(GgufBytes{}.array("a.b", kU8, count, "12345678").bytes()),
                      {"m.gguf: a.b", "an array of " + std::to_string(count)}));
    EXPECT_TRUE(names(refusal(GgufBytes{}.pair("a.b", kString, little(count) + "12345678").bytes()),
                      {"m.gguf: a.b", std::to_string(count)}));
  }
}

TEST(GgufHostileTest, MoreArrayElementsThanTheCap) {
  GgufBytes file;
  const std::string part(18'000'000, '\0');
  file.array("a", kU16, 9'000'000, part).array("b", kU16, 9'000'000, part);
  EXPECT_TRUE(names(refusal(file.bytes()), {"m.gguf: b", "18000000 array elements"}));
}

// Each of these bytes would take eight in memory.
TEST(GgufHostileTest, MoreBytesInAnArrayThanTheCap) {
  for (const uint32_t type : {kU8, kI8, kBool}) {
    const std::string part(5'000'000, '\0');
    EXPECT_TRUE(names(refusal(GgufBytes{}.array("a", type, part.size(), part).bytes()),
                      {"m.gguf: a", "an array of 5000000 bytes", "at most 4194304"}));
  }
}

TEST(GgufHostileTest, BadBoolAndBadText) {
  EXPECT_TRUE(names(refusal(GgufBytes{}.pair("a.b", kBool, "\7").bytes()),
                    {"m.gguf: a.b", "truth value 7", "0 or 1"}));
  EXPECT_TRUE(names(refusal(GgufBytes{}.array("a.b", kBool, 2, "\1\2").bytes()),
                    {"m.gguf: a.b", "truth value 2"}));
  const auto text = [](std::string_view value) {
    return refusal(GgufBytes{}.pair("a.b", kString, GgufBytes::text(value)).bytes());
  };
  EXPECT_TRUE(names(text(std::string_view("x\0y", 3)), {"m.gguf: a.b", "NUL"}));
  EXPECT_TRUE(names(text("xy\xff"), {"m.gguf: a.b", "UTF-8 at byte 2"}));
  EXPECT_TRUE(
      names(refusal(GgufBytes{}.array("a.b", kString, 1, GgufBytes::text("\xc0\x80")).bytes()),
            {"m.gguf: a.b", "UTF-8"}));
}

TEST(GgufHostileTest, BadAlignment) {
  for (const uint32_t alignment : {0u, 1u, 4u, 13u, 24u, 1u << 31}) {
    GgufBytes file;
    file.pair("general.alignment", kU32, little(alignment));
    EXPECT_TRUE(names(refusal(file.bytes()),
                      {"m.gguf: general.alignment", std::to_string(alignment), "power of two"}));
  }
  EXPECT_TRUE(names(refusal(GgufBytes{}.pair("general.alignment", kI32, little(32)).bytes()),
                    {"m.gguf: general.alignment", "value type 5", "u32"}));
}

TEST(GgufHostileTest, BadTensorName) {
  const auto with_name = [](std::string_view name) {
    return refusal(GgufBytes{}.tensor("ok", {8}, 0, 0).tensor(name, {8}, 0, 32).bytes());
  };
  EXPECT_TRUE(names(with_name(std::string(64, 'n')), {"m.gguf: tensor[1].name", "64 bytes"}));
  EXPECT_TRUE(names(with_name(""), {"m.gguf: tensor[1].name", "0 bytes"}));
  EXPECT_TRUE(names(with_name("ok"), {"m.gguf: tensor[1].name", "\"ok\" again", "tensor[0]"}));
  EXPECT_TRUE(names(with_name("\x1b[31m"), {"m.gguf: tensor[1].name", "\\x1b[31m"}));
  EXPECT_TRUE(names(with_name(std::string_view("a\0b", 3)), {"m.gguf: tensor[1].name"}));
  EXPECT_TRUE(names(with_name("\xff"), {"m.gguf: tensor[1].name", "UTF-8"}));
}

TEST(GgufHostileTest, BadRank) {
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {}, 0, 0).bytes() + std::string(8, '\0')),
                    {"m.gguf: tensor[0] \"t\".n_dims", "found 0"}));
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {1, 1, 1, 1, 1}, 0, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".n_dims", "found 5"}));
}

TEST(GgufHostileTest, BadDimension) {
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {4, 0}, 0, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".ne[1]", "found 0"}));
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {UINT64_MAX}, 0, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".ne[0]", "found -1"}));
}

TEST(GgufHostileTest, ElementCountOverflows) {
  const uint64_t half = uint64_t{1} << 32;
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {half, half}, 0, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".ne[1]", "2^63"}));
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {half, half / 2}, 0, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".ne[1]", "2^63"}));
}

TEST(GgufHostileTest, ByteCountOverflows) {
  const uint64_t many = (uint64_t{1} << 63) - 32;
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {many}, 8, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".bytes", "2^63"}));
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {UINT64_MAX / 4}, 0, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".bytes", "2^63"}));
}

TEST(GgufHostileTest, RowIsNotWholeBlocks) {
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {48, 2}, 2, 0).bytes()),
                    {"m.gguf: tensor[0] \"t\".ne[0]", "48", "multiple of 32 for Q4_0"}));
}

TEST(GgufHostileTest, TypeThatIsUnknownRemovedOrNotDecodable) {
  for (const uint32_t type : {4u, 5u, 31u, 36u, 43u, UINT32_MAX}) {
    EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("t", {32}, type, 0).bytes()),
                      {"m.gguf: tensor[0] \"t\".type", "unknown type " + std::to_string(type)}));
  }
  EXPECT_TRUE(names(refusal(GgufBytes{}.tensor("blk.0.x", {256}, 19, 0).bytes()),
                    {"m.gguf: tensor[0] \"blk.0.x\".type", "type 19 (IQ1_S)", "Q4_0", "convert"}));
}

TEST(GgufHostileTest, OffsetUnalignedOutOfOrderOrOverlapping) {
  const auto second_at = [](uint64_t offset) {
    GgufBytes file;
    file.tensor("a", {8}, 0, 0).tensor("b", {8}, 0, offset);
    file.data = std::string(256, 'x');
    return refusal(file.bytes());
  };
  for (const uint64_t offset : {0u, 16u, 33u, 64u, 96u}) {
    EXPECT_TRUE(names(second_at(offset), {"m.gguf: tensor[1] \"b\".offset",
                                          "found " + std::to_string(offset), "want 32"}));
  }
  EXPECT_TRUE(names(second_at(UINT64_MAX - 31), {"m.gguf: tensor[1] \"b\".offset"}));
  EXPECT_TRUE(
      names(refusal(GgufBytes{}.tensor("a", {8}, 0, 32).bytes()), {"tensor[0] \"a\".offset"}));
}

TEST(GgufHostileTest, DataPastTheEndOfTheFile) {
  GgufBytes file = small_model();
  file.data.resize(32 + 33);
  EXPECT_TRUE(names(refusal(file.bytes()), {"m.gguf: tensor \"b\"", "(1 missing)", "cut off"}));
  file.data.clear();
  EXPECT_TRUE(names(refusal(file.bytes()), {"m.gguf: tensor \"a\"", "(32 missing)"}));
}

TEST(GgufHostileTest, PaddedSizesWrap) {
  GgufBytes file;
  const uint64_t large = (uint64_t{1} << 61) - 8;  // times 4 bytes: 2^63 - 32
  file.tensor("a", {large}, 0, 0).tensor("b", {large}, 0, large * 4);
  EXPECT_TRUE(names(refusal(file.bytes()), {"m.gguf: tensor[1] \"b\".offset", "2^63"}));
}

TEST(GgufHostileTest, TrailingBytes) {
  EXPECT_NO_THROW(open(small_model().bytes()));
  EXPECT_TRUE(
      names(refusal(small_model().bytes() + "x"), {"m.gguf: file size", "belong to nothing"}));
  EXPECT_TRUE(names(refusal(GgufBytes{}.bytes() + std::string(64, '\0')), {"m.gguf: file size"}));
}

TEST(GgufHostileTest, EveryTruncationIsRefused) {
  GgufBytes file = small_model();
  file.array("tokens", kString, 2, GgufBytes::text("ab") + GgufBytes::text("c"));
  const std::string bytes = file.bytes();
  const size_t last_byte = bytes.size() - 30;  // the rest is the last tensor's padding
  for (size_t size = 0; size < last_byte; ++size) {
    const MemoryFile cut(std::string_view(bytes).substr(0, size));
    const std::string message = error_of(ErrorKind::kData, [&] { GgufFile file(cut.path()); });
    ASSERT_TRUE(names(message, {cut.path().string()})) << size;
  }
}

TEST(GgufHostileTest, NoFlippedByteDoesMoreThanThrow) {
  GgufBytes file = small_model();
  file.array("tokens", kString, 2, GgufBytes::text("ab") + GgufBytes::text("c"));
  const std::string bytes = file.bytes();
  int refused = 0;
  for (size_t i = 0; i < bytes.size() * 8; ++i) {
    std::string flipped = bytes;
    flipped[i / 8] = static_cast<char>(flipped[i / 8] ^ 1 << i % 8);
    const MemoryFile held(flipped);
    try {
      GgufFile read(held.path());
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kData) << error.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 500);
}

// A published Q4_1 file of a 135-million-parameter model.
TEST(GgufRealFileTest, OpensWithItsTensorsAndTokens) {
  const std::filesystem::path path =
      std::filesystem::path(TELORA_SOURCE_DIR) / "models/smollm2-135m-instruct.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const GgufFile file(path);
  EXPECT_EQ(file.string("general.architecture"), "llama");
  EXPECT_EQ(file.integer("llama.block_count", 1, 1000), 30);
  EXPECT_EQ(file.tensors().size(), 272u);
  EXPECT_EQ(file.strings("tokenizer.ggml.tokens").size(), 49152u);
  const GgufTensor* norm = file.find("output_norm.weight");
  const GgufTensor* query = file.find("blk.0.attn_q.weight");
  ASSERT_TRUE(norm != nullptr && query != nullptr);
  EXPECT_EQ(norm->dims, std::vector<uint64_t>{576});
  EXPECT_EQ(query->dims, (std::vector<uint64_t>{576, 576}));
  std::vector<std::byte> blocks(query->bytes);
  file.read(*query, 0, blocks);
  std::vector<float> weights(query->elements());
  dequantize(query->type, blocks, weights);
  double squares = 0;
  for (const float weight : weights) squares += double{weight} * weight;
  const double deviation = std::sqrt(squares / static_cast<double>(weights.size()));
  EXPECT_TRUE(deviation > 0.01 && deviation < 1) << deviation;
}

}  // namespace
}  // namespace telora
