#include "backbone/sentencepiece_proto.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <unordered_set>

#include "backbone/charsmap.h"
#include "backbone/protobuf_wire.h"
#include "core/text.h"

namespace telora {

namespace {

constexpr size_t kMaxPieces = 1 << 20;
// The library recurses over the bytes of a piece; the longest of a published model has 93.
constexpr size_t kMaxPieceBytes = 4096;

// Field numbers of sentencepiece_model.proto.
namespace model_field {
constexpr uint64_t kPieces = 1, kTrainer = 2, kNormalizer = 3, kDenormalizer = 5;
}
namespace piece_field {
constexpr uint64_t kText = 1, kScore = 2, kType = 3;
}
namespace trainer_field {
constexpr uint64_t kType = 3, kSpaceAsSuffix = 24, kByteFallback = 35, kBos = 41, kEos = 42,
                   kPad = 43;
}
namespace normalizer_field {
constexpr uint64_t kCharsmap = 2, kDummyPrefix = 3, kRemoveSpaces = 4, kEscapeSpaces = 5;
}

[[noreturn]] void fail_at(const std::string& file, const std::string& field, std::string_view found,
                          std::string_view want) {
  fail(ErrorKind::kData, {file, field}, found, want);
}

PieceType piece_type(uint64_t value, const std::string& file, const std::string& field) {
  if (value >= 1 && value <= 6) return static_cast<PieceType>(value);
  fail_at(file, field + ".type", std::to_string(value), "1 to 6");
}

Piece read_piece(WireReader reader, const std::string& file, const std::string& field) {
  Piece piece;
  while (reader.next()) {
    switch (reader.number()) {
      case piece_field::kText:
        piece.text = reader.bytes();
        break;
      case piece_field::kScore:
        piece.score = reader.float32();
        break;
      case piece_field::kType:
        piece.type = piece_type(reader.varint(), file, field);
        break;
    }
  }
  return piece;
}

SentencePieceProto::Kind model_kind(uint64_t value, const std::string& file) {
  using Kind = SentencePieceProto::Kind;
  if (value == 1) return Kind::kUnigram;
  if (value == 2) return Kind::kBpe;
  fail_at(file, "trainer_spec.model_type", std::to_string(value), "1 (unigram) or 2 (BPE)");
}

void read_trainer(WireReader reader, const std::string& file, SentencePieceProto& proto) {
  const auto id = [&] { return static_cast<int64_t>(reader.varint()); };
  while (reader.next()) {
    switch (reader.number()) {
      case trainer_field::kType:
        proto.kind = model_kind(reader.varint(), file);
        break;
      case trainer_field::kSpaceAsSuffix:
        proto.whitespace_as_suffix = reader.varint() != 0;
        break;
      case trainer_field::kByteFallback:
        proto.byte_fallback = reader.varint() != 0;
        break;
      case trainer_field::kBos:
        proto.bos_id = id();
        break;
      case trainer_field::kEos:
        proto.eos_id = id();
        break;
      case trainer_field::kPad:
        proto.pad_id = id();
        break;
    }
  }
}

void read_normalizer(WireReader reader, SentencePieceProto& proto) {
  while (reader.next()) {
    switch (reader.number()) {
      case normalizer_field::kCharsmap:
        proto.charsmap = reader.bytes();
        break;
      case normalizer_field::kDummyPrefix:
        proto.add_dummy_prefix = reader.varint() != 0;
        break;
      case normalizer_field::kRemoveSpaces:
        proto.remove_extra_whitespaces = reader.varint() != 0;
        break;
      case normalizer_field::kEscapeSpaces:
        proto.escape_whitespaces = reader.varint() != 0;
        break;
    }
  }
}

// Rules that change decoded text; no published model has them.
void refuse_denormalizer(WireReader reader, const std::string& file) {
  while (reader.next()) {
    if (reader.number() == normalizer_field::kCharsmap && !reader.bytes().empty()) {
      fail_at(file, "denormalizer_spec.precompiled_charsmap", "rules", "none");
    }
  }
}

void add_piece(const WireReader& reader, const std::string& file, SentencePieceProto& proto) {
  const std::string field = fmt::format("pieces[{}]", proto.pieces.size());
  if (proto.pieces.size() == kMaxPieces) {
    fail_at(file, field, "one more", fmt::format("at most {} pieces", kMaxPieces));
  }
  proto.pieces.push_back(read_piece(reader.message(field), file, field));
}

// A Git LFS pointer, a tiktoken vocabulary and JSON are taken for models at times.
void refuse_other_files(std::string_view bytes, const std::string& file) {
  const std::string_view line = bytes.substr(0, bytes.substr(0, 200).find('\n'));
  const size_t space = line.find(' ');
  const bool ranked = space != line.npos && space > 0 && space + 1 < line.size() &&
                      line.find_first_not_of("0123456789", space + 1) == line.npos;
  std::string_view found;
  if (bytes.empty()) found = "an empty file";
  if (line.starts_with("version https://git-lfs")) found = "a Git LFS pointer";
  if (ranked) found = "text, as a tiktoken vocabulary is";
  if (line.starts_with("{")) found = "JSON text";
  if (found.empty()) return;
  fail(ErrorKind::kData, {.file = file, .field = "model", .byte = 0}, found,
       "a serialised SentencePiece model",
       found.find("LFS") != found.npos ? "run git lfs pull" : "");
}

class PieceChecker {
 public:
  PieceChecker(const SentencePieceProto& proto, const std::string& file, const std::string& field)
      : proto_(proto), file_(file), field_(field) {}

  void run() {
    if (proto_.pieces.empty()) fail_at(file_, field_, "no pieces", "one or more");
    for (size_t i = 0; i < proto_.pieces.size(); ++i) check(i);
    if (unknown_ == kNone) fail_at(file_, field_, "no unknown piece", "one of type 2");
    const auto missing = std::ranges::find(bytes_, false);
    if (proto_.byte_fallback && missing != bytes_.end()) {
      fail_at(file_, field_, fmt::format("no byte piece <0x{:02X}>", missing - bytes_.begin()),
              "all of <0x00> to <0xFF>, as byte_fallback is set");
    }
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;

  [[noreturn]] void fail_piece(size_t index, std::string_view found, std::string_view want) const {
    fail_at(file_, fmt::format("{}[{}]", field_, index), found, want);
  }

  void check(size_t index) {
    const Piece& piece = proto_.pieces[index];
    const std::string shown = fmt::format("'{}'", printable(piece.text, 60));
    const bool utf8 = find_invalid_utf8(piece.text) == std::string::npos;
    if (piece.text.empty() || piece.text.size() > kMaxPieceBytes || !utf8) {
      fail_piece(index, fmt::format("{} of {} bytes", shown, piece.text.size()),
                 fmt::format("1 to {} bytes of UTF-8", kMaxPieceBytes));
    }
    if (!seen_.insert(piece.text).second) {
      fail_piece(index, shown + " again", "every piece once");
    }
    if (!std::isfinite(piece.score)) {
      fail_piece(index, fmt::format("score {}", piece.score), "a finite score");
    }
    if (piece.type == PieceType::kUnknown) check_unknown(index);
    if (piece.type == PieceType::kByte) check_byte(index, piece.text);
  }

  void check_unknown(size_t index) {
    if (unknown_ != kNone) {
      fail_piece(index, "an unknown piece (type 2)",
                 fmt::format("only one, which is {}[{}]", field_, unknown_));
    }
    unknown_ = index;
  }

  void check_byte(size_t index, const std::string& text) {
    int byte = 0;
    while (byte < 256 && text != fmt::format("<0x{:02X}>", byte)) ++byte;
    if (byte == 256) {
      fail_piece(index, fmt::format("byte token '{}'", printable(text)), "<0x00> to <0xFF>");
    }
    if (!proto_.byte_fallback) {
      fail_piece(index, "a byte piece (type 6)", "none, as byte_fallback is not set");
    }
    bytes_[static_cast<size_t>(byte)] = true;
  }

  const SentencePieceProto& proto_;
  const std::string& file_;
  const std::string& field_;
  std::unordered_set<std::string_view> seen_;
  std::array<bool, 256> bytes_{};
  size_t unknown_ = kNone;
};

void check_named_id(int64_t id, const char* name, const SentencePieceProto& proto,
                    const std::string& file) {
  const auto count = static_cast<int64_t>(proto.pieces.size());
  if (id >= -1 && id < count) return;
  fail_at(file, fmt::format("trainer_spec.{}", name), std::to_string(id),
          fmt::format("-1 (none) to {}", count - 1));
}

}  // namespace

void check_sentencepiece(const SentencePieceProto& proto, const std::string& file,
                         const std::string& field) {
  PieceChecker(proto, file, field).run();
  if (!proto.charsmap.empty()) {
    Charsmap(proto.charsmap, {file, "normalizer_spec.precompiled_charsmap"});
  }
}

SentencePieceProto parse_sentencepiece(std::string_view bytes, const std::string& file) {
  refuse_other_files(bytes, file);
  SentencePieceProto proto;
  WireReader reader(bytes, file, "model");
  while (reader.next()) {
    switch (reader.number()) {
      case model_field::kPieces:
        add_piece(reader, file, proto);
        break;
      case model_field::kTrainer:
        read_trainer(reader.message("trainer_spec"), file, proto);
        break;
      case model_field::kNormalizer:
        read_normalizer(reader.message("normalizer_spec"), proto);
        break;
      case model_field::kDenormalizer:
        refuse_denormalizer(reader.message("denormalizer_spec"), file);
        break;
    }
  }
  check_sentencepiece(proto, file, "pieces");
  check_named_id(proto.bos_id, "bos_id", proto, file);
  check_named_id(proto.eos_id, "eos_id", proto, file);
  check_named_id(proto.pad_id, "pad_id", proto, file);
  return proto;
}

std::string serialize_sentencepiece(const SentencePieceProto& proto) {
  std::string out, trainer, normalizer;
  for (const Piece& piece : proto.pieces) {
    std::string inner;
    append_bytes_field(piece_field::kText, piece.text, inner);
    append_float_field(piece_field::kScore, piece.score, inner);
    append_varint_field(piece_field::kType, static_cast<uint64_t>(piece.type), inner);
    append_bytes_field(model_field::kPieces, inner, out);
  }
  append_varint_field(trainer_field::kType, static_cast<uint64_t>(proto.kind), trainer);
  append_varint_field(trainer_field::kSpaceAsSuffix, proto.whitespace_as_suffix, trainer);
  append_varint_field(trainer_field::kByteFallback, proto.byte_fallback, trainer);
  append_bytes_field(model_field::kTrainer, trainer, out);
  append_bytes_field(normalizer_field::kCharsmap, proto.charsmap, normalizer);
  append_varint_field(normalizer_field::kDummyPrefix, proto.add_dummy_prefix, normalizer);
  append_varint_field(normalizer_field::kRemoveSpaces, proto.remove_extra_whitespaces, normalizer);
  append_varint_field(normalizer_field::kEscapeSpaces, proto.escape_whitespaces, normalizer);
  append_bytes_field(model_field::kNormalizer, normalizer, out);
  return out;
}

}  // namespace telora
