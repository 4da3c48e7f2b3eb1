#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "core/files.h"

namespace telora {

namespace {

constexpr uint64_t kMaxLine = uint64_t{64} << 20;
constexpr uint64_t kMaxTotal = uint64_t{4} << 30;
constexpr uint64_t kMaxRatio = 1000;
// Below this many bytes of output a high ratio is harmless (a short file of spaces).
constexpr uint64_t kRatioGrace = uint64_t{1} << 20;

// The file's bytes in chunks, decompressed if it starts with the gzip magic.
class ChunkReader {
 public:
  explicit ChunkReader(const std::filesystem::path& path) : file_(path), raw_(1 << 16) {
    std::array<unsigned char, 2> magic{};
    if (file_.size() >= magic.size()) file_.read(0, std::as_writable_bytes(std::span(magic)));
    gzip_ = magic[0] == 0x1f && magic[1] == 0x8b;
    if (!gzip_) return;
    text_.resize(1 << 18);
    if (inflateInit2(&stream_, 16 + MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~ChunkReader() {
    if (gzip_) inflateEnd(&stream_);
  }
  ChunkReader(const ChunkReader&) = delete;
  ChunkReader& operator=(const ChunkReader&) = delete;

  // Empty at the end of the file.
  std::string_view next() { return gzip_ ? next_inflated() : next_raw(); }
  const std::string& name() const { return file_.name(); }

 private:
  std::string_view next_raw() {
    const size_t count = std::min<uint64_t>(raw_.size(), file_.size() - offset_);
    file_.read(offset_, std::as_writable_bytes(std::span(raw_).first(count)));
    offset_ += count;
    return {raw_.data(), count};
  }

  std::string_view next_inflated() {
    stream_.next_out = reinterpret_cast<Bytef*>(text_.data());
    stream_.avail_out = static_cast<uInt>(text_.size());
    while (stream_.avail_out > 0 && refill()) inflate_some();
    const size_t count = text_.size() - stream_.avail_out;
    inflated_ += count;
    if (inflated_ > kRatioGrace && inflated_ / kMaxRatio > offset_) {
      fail(ErrorKind::kData, {name(), "", offset_},
           fmt::format("{} bytes packed into {}", inflated_, offset_),
           fmt::format("a compression ratio of at most {}:1", kMaxRatio));
    }
    return {text_.data(), count};
  }

  // False at the proper end of the compressed data.
  bool refill() {
    if (stream_.avail_in > 0) return true;
    const std::string_view chunk = next_raw();
    if (chunk.empty() && !member_ended_) {
      fail(ErrorKind::kData, {name(), "", offset_}, "the end of the file",
           "the rest of the gzip data", "the file is cut off");
    }
    stream_.next_in = reinterpret_cast<Bytef*>(raw_.data());
    stream_.avail_in = static_cast<uInt>(chunk.size());
    return !chunk.empty();
  }

  void inflate_some() {
    // A gzip file may hold several members, one after the other.
    if (member_ended_) inflateReset(&stream_);
    const int status = inflate(&stream_, Z_NO_FLUSH);
    member_ended_ = status == Z_STREAM_END;
    if (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR) return;
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    fail(ErrorKind::kData, {name(), "", offset_ - stream_.avail_in},
         stream_.msg != nullptr ? stream_.msg : "damaged gzip data", "valid gzip data");
  }

  InputFile file_;
  std::vector<char> raw_;
  std::vector<char> text_;
  z_stream stream_{};
  uint64_t offset_ = 0;
  uint64_t inflated_ = 0;
  bool gzip_ = false;
  bool member_ended_ = false;
};

class LineSplitter {
 public:
  LineSplitter(const std::string& file,
               const std::function<void(std::string_view text, int number)>& line)
      : file_(file), line_(line) {}

  void feed(std::string_view chunk) {
    total_ += chunk.size();
    if (total_ > kMaxTotal) refuse("more than 4 GiB of text", "at most 4 GiB");
    for (size_t end; (end = chunk.find('\n')) != std::string_view::npos;) {
      gather(chunk.substr(0, end));
      emit();
      chunk.remove_prefix(end + 1);
    }
    gather(chunk);
  }

  void finish() {
    if (!pending_.empty()) emit();
  }

 private:
  void gather(std::string_view part) {
    if (pending_.size() + part.size() > kMaxLine) {
      refuse("a line of more than 64 MiB", "at most 64 MiB");
    }
    pending_ += part;
  }

  void emit() {
    if (number_ == std::numeric_limits<int>::max()) refuse("too many lines", "fewer than 2^31");
    std::string_view text = pending_;
    if (text.ends_with('\r')) text.remove_suffix(1);
    line_(text, number_);
    ++number_;
    pending_.clear();
  }

  [[noreturn]] void refuse(std::string_view found, std::string_view want) const {
    fail(ErrorKind::kData, {file_, "", std::nullopt, number_}, found, want);
  }

  const std::string& file_;
  const std::function<void(std::string_view text, int number)>& line_;
  std::string pending_;
  uint64_t total_ = 0;
  int number_ = 1;
};

}  // namespace

void for_each_line(const std::filesystem::path& path,
                   const std::function<void(std::string_view text, int number)>& line) {
  ChunkReader reader(path);
  LineSplitter splitter(reader.name(), line);
  for (std::string_view chunk = reader.next(); !chunk.empty(); chunk = reader.next()) {
    splitter.feed(chunk);
  }
  splitter.finish();
}

}  // namespace telora
