#include "core/files.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>

#include "support.h"

namespace telora {
namespace {

std::vector<std::pair<int, std::string>> lines_of(const std::filesystem::path& path) {
  std::vector<std::pair<int, std::string>> lines;
  for_each_line(path, [&](std::string_view text, int number) { lines.emplace_back(number, text); });
  return lines;
}

std::string gzip(const std::string& text) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(InputFileTest, ReadsAnyRange) {
  const TempFolder folder;
  const InputFile file(folder.file("a.bin", "0123456789"));
  std::array<char, 4> part{};
  file.read(6, std::as_writable_bytes(std::span(part)));
  EXPECT_EQ(std::string(part.data(), part.size()), "6789");
  EXPECT_EQ(file.size(), 10u);
}

TEST(InputFileTest, RefusesARangeOutsideTheFile) {
  const TempFolder folder;
  const InputFile file(folder.file("a.bin", "0123456789"));
  std::array<std::byte, 4> part{};
  for (const uint64_t offset : {uint64_t{7}, uint64_t{11}, UINT64_MAX, UINT64_MAX - 3}) {
    const std::string message = error_of(ErrorKind::kData, [&] { file.read(offset, part); });
    EXPECT_TRUE(names(message, {"a.bin", "10 bytes"}));
  }
}

TEST(InputFileTest, TruncationWhileOpenIsAnIoErrorNotASignal) {
  const TempFolder folder;
  const auto path = folder.file("a.bin", std::string(100'000, 'x'));
  const InputFile file(path);
  ASSERT_EQ(::truncate(path.c_str(), 10), 0);
  std::vector<std::byte> all(file.size());
  EXPECT_TRUE(names(error_of(ErrorKind::kIo, [&] { file.read(0, all); }), {"a.bin", "100000"}));
}

TEST(InputFileTest, AbsentFileFolderPipeAndNulAreMissing) {
  const TempFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const auto message = [](const std::filesystem::path& path) {
    return error_of(ErrorKind::kMissing, [&] { const InputFile file(path); });
  };
  EXPECT_TRUE(names(message(folder / "absent.json"), {"absent.json", "No such file"}));
  EXPECT_TRUE(names(message(folder.path()), {folder.path().string(), "a folder"}));
  EXPECT_TRUE(names(message(pipe), {"pipe", "a named pipe"}));
  folder.file("cut", "x");
  EXPECT_TRUE(names(message(folder / std::string_view("cut\0rest", 8)), {"cut\\x00rest"}));
}

TEST(ReadTextTest, GivesTheWholeFileUpToTheLimit) {
  const TempFolder folder;
  const auto path = folder.file("a.txt", std::string("a\0b\r\n", 5));
  EXPECT_EQ(read_text(path), std::string("a\0b\r\n", 5));
  EXPECT_EQ(read_text(path, 5).size(), 5u);
  const std::string message = error_of(ErrorKind::kData, [&] { read_text(path, 4); });
  EXPECT_TRUE(names(message, {"a.txt", "5 bytes", "at most 4"}));
}

TEST(LinesTest, NumbersLinesAndDropsTerminators) {
  const TempFolder folder;
  using Lines = std::vector<std::pair<int, std::string>>;
  EXPECT_EQ(lines_of(folder.file("a", "one\r\n\ntwo\nthree")),
            (Lines{{1, "one"}, {2, ""}, {3, "two"}, {4, "three"}}));
  EXPECT_EQ(lines_of(folder.file("b", "")), Lines{});
  EXPECT_EQ(lines_of(folder.file("c", "\n")), (Lines{{1, ""}}));
}

TEST(LinesTest, LongLinesCrossChunks) {
  const TempFolder folder;
  const std::string text(300'000, 'y');
  const auto lines = lines_of(folder.file("a", text + "\n" + text));
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].second, text);
  EXPECT_EQ(lines[1].second, text);
}

TEST(LinesTest, ReadsGzipOfSeveralMembers) {
  const TempFolder folder;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i) + "\n";
  const auto lines = lines_of(folder.file("a.gz", gzip(text) + gzip("last")));
  ASSERT_EQ(lines.size(), 50'001u);
  EXPECT_EQ(lines[49'999].second, "49999");
  EXPECT_EQ(lines[50'000], std::pair(50'001, std::string("last")));
}

TEST(LinesTest, CutOrDamagedGzipIsRefused) {
  const TempFolder folder;
  std::string packed = gzip("some text that is long enough\n");
  const auto message = [&](const std::string& bytes) {
    return error_of(ErrorKind::kData, [&] { lines_of(folder.file("a.gz", bytes)); });
  };
  EXPECT_TRUE(names(message(packed.substr(0, packed.size() - 5)), {"a.gz", "cut off"}));
  EXPECT_TRUE(names(message(packed + "garbage"), {"a.gz", "gzip data"}));
  packed[14] = static_cast<char>(packed[14] ^ 0x55);
  EXPECT_TRUE(names(message(packed), {"a.gz", "gzip data"}));
}

TEST(LinesTest, GzipBombIsRefusedByItsRatio) {
  const TempFolder folder;
  // One repeated byte packs at about 1029:1, the most that deflate can do.
  const auto path = folder.file("bomb.gz", gzip(std::string(size_t{16} << 20, '\n')));
  const std::string message =
      error_of(ErrorKind::kData, [&] { for_each_line(path, [](std::string_view, int) {}); });
  EXPECT_TRUE(names(message, {"bomb.gz", "compression ratio", "1000:1"}));
}

TEST(LinesTest, EndlessLineIsRefused) {
  const TempFolder folder;
  const auto path = folder.file("long", "x\n");
  std::filesystem::resize_file(path, (uint64_t{64} << 20) + 10);
  const std::string message = error_of(ErrorKind::kData, [&] { lines_of(path); });
  EXPECT_TRUE(names(message, {"long", "line 2", "64 MiB"}));
}

}  // namespace
}  // namespace telora
