// Broken and hostile SentencePiece models, by the names of the list of bad inputs.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "backbone/charsmap.h"
#include "backbone/protobuf_wire.h"
#include "backbone/sentencepiece_model.h"
#include "tests/backbone/text_sentencepiece.h"

namespace telora {
namespace {

using golden::Scratch;
using text_tests::expect_error;
using text_tests::open_model;
using text_tests::tiny_sentencepiece;
using text_tests::write_text;

void expect_bytes_refused(const std::string& bytes, std::vector<std::string> parts) {
  const Scratch scratch;
  write_text(scratch / "tokenizer.model", bytes);
  parts.push_back("tokenizer.model: ");
  expect_error(ErrorKind::kData, parts, [&] { Tokenizer::from_folder(scratch.path()); });
}

// The good model with `change` applied.
void expect_refused(const std::function<void(SentencePieceProto&)>& change,
                    const std::vector<std::string>& parts) {
  SentencePieceProto proto = tiny_sentencepiece();
  change(proto);
  expect_bytes_refused(serialize_sentencepiece(proto), parts);
}

TEST(HostileSentencePiece, P01WireFormatThatIsBroken) {
  const std::string good = serialize_sentencepiece(tiny_sentencepiece());
  expect_bytes_refused("", {"an empty file"});
  expect_bytes_refused("\x0A", {"at byte 0", "cut off"});
  expect_bytes_refused(good.substr(0, good.size() - 1), {"at byte"});
  expect_bytes_refused(good + "\x0A\xFF\xFF\xFF\xFF\x0F", {"4294967295 bytes"});
  expect_bytes_refused(good + std::string(11, '\xFF'), {"more than 10 bytes"});
  expect_bytes_refused(good + std::string("\x02\x00", 2), {"field number 0"});
  expect_bytes_refused(good +
                           "\x0D"
                           "abcd",
                       {"wire type 5"});
  expect_bytes_refused(good + "\x0A\x02\x0A\x05", {"pieces[269]", "5 bytes"});
}

TEST(HostileSentencePiece, P01GroupsNestedTenThousandDeep) {
  expect_bytes_refused(std::string(10000, '\x0B') + std::string(10000, '\x0C'),
                       {"at byte 0", "groups"});
}

TEST(HostileSentencePiece, P01EveryCutOfTheFileIsRefusedOrWhole) {
  SentencePieceProto proto = tiny_sentencepiece();
  proto.byte_fallback = false;
  proto.pieces.erase(proto.pieces.begin() + 3, proto.pieces.begin() + 259);
  const std::string good = serialize_sentencepiece(proto);
  for (size_t size = 0; size < good.size(); ++size) {
    try {
      parse_sentencepiece(std::string_view(good).substr(0, size), "cut");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kData);
    }
  }
}

TEST(HostileSentencePiece, P02OtherFilesAreCalledByTheirName) {
  expect_bytes_refused("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
                       {"Git LFS pointer", "git lfs pull"});
  expect_bytes_refused("IQ== 0\nIg== 1\n", {"tiktoken"});
  expect_bytes_refused("{\"model\": 1}", {"JSON"});
}

TEST(HostileSentencePiece, P03PiecesThatDoNotFitTogether) {
  expect_refused([](auto& proto) { proto.pieces.clear(); }, {"pieces", "no pieces"});
  expect_refused([](auto& proto) { proto.pieces[260].text = ""; }, {"pieces[260]", "0 bytes"});
  expect_refused([](auto& proto) { proto.pieces[260].text = "▁"; }, {"pieces[260]", "again"});
  expect_refused([](auto& proto) { proto.pieces[260].text = "\xFF"; }, {"pieces[260]", "UTF-8"});
  expect_refused([](auto& proto) { proto.pieces[0].type = PieceType::kNormal; },
                 {"pieces", "no unknown piece"});
  expect_refused([](auto& proto) { proto.pieces[1].type = PieceType::kUnknown; },
                 {"pieces[1]", "pieces[0]"});
  expect_refused([](auto& proto) { proto.pieces[260].type = static_cast<PieceType>(9); },
                 {"pieces[260].type", "9"});
}

TEST(HostileSentencePiece, P04APieceWithANulByteIsAccepted) {
  SentencePieceProto proto = tiny_sentencepiece();
  proto.pieces.push_back({std::string("h\0", 2), 1, PieceType::kNormal});
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, proto);
  EXPECT_EQ(tokenizer.size(), 270);
  const std::string text("h\0h", 3);
  EXPECT_EQ(tokenizer.decode(tokenizer.encode(text)), text);
}

TEST(HostileSentencePiece, P05PiecesOfUnusualLength) {
  for (const size_t size : {size_t{4097}, size_t{100'000}, size_t{4} << 20}) {
    expect_refused([&](auto& proto) { proto.pieces[260].text = std::string(size, 'h'); },
                   {"pieces[260]", std::to_string(size), "4096"});
  }
  SentencePieceProto proto = tiny_sentencepiece();
  std::string piece = "h";
  for (int i = 0; i < 500; ++i) {  // unused ones are taken apart again, one inside the other
    piece += 'h';
    proto.pieces.push_back({piece, 1, PieceType::kUnused});
  }
  const Scratch scratch;
  EXPECT_EQ(open_model(scratch, proto).encode(std::string(4000, 'h')).size(), 4001u);
}

TEST(HostileSentencePiece, P06BytePieces) {
  expect_refused([](auto& proto) { proto.pieces.erase(proto.pieces.begin() + 3 + 0x41); },
                 {"pieces", "<0x41>"});
  for (const std::string text : {"<0xGG>", "<0x-1>", "<0x041>", "A"}) {
    expect_refused([&](auto& proto) { proto.pieces[3].text = text; }, {"pieces[3]", text});
  }
  expect_refused([](auto& proto) { proto.byte_fallback = false; }, {"pieces[3]", "byte_fallback"});
}

std::string charsmap(uint32_t size, const std::vector<uint32_t>& units, const std::string& texts) {
  std::string blob(reinterpret_cast<const char*>(&size), sizeof size);
  blob.append(reinterpret_cast<const char*>(units.data()), units.size() * sizeof(uint32_t));
  return blob + texts;
}

// A block of 256 units that maps "A" to the replacement at `value`.
std::vector<uint32_t> one_rule(uint32_t value) {
  std::vector<uint32_t> units(256, 0);
  units[0] = 1u << 10;                          // offset 1: "A" stands in unit 1 ^ 0x41
  units[0x40] = (2u << 10) | (1u << 8) | 0x41;  // offset 2, with a value in unit 0x40 ^ 2
  units[0x42] = (1u << 31) | value;
  return units;
}

const std::string kTexts("xyz\0", 4);

TEST(HostileSentencePiece, P07CharsmapsThatLeaveTheirBlob) {
  const auto refused = [](const std::string& blob, const std::string& part) {
    expect_refused([&](auto& proto) { proto.charsmap = blob; },
                   {"normalizer_spec.precompiled_charsmap", part});
  };
  refused("abc", "3 bytes");
  refused(charsmap(1024, one_rule(0), ""), "1024 bytes");
  refused(charsmap(1u << 31, one_rule(0), kTexts), "2147483648");
  refused(charsmap(1000, one_rule(0), kTexts), "multiple of 1024");
  refused(charsmap(1024, one_rule(0), "xyz"), "NUL");
  refused(charsmap(1024, one_rule(0), std::string("\xFF\0", 2)), "UTF-8");
  refused(charsmap(1024, one_rule(4), kTexts), "value 4");
  std::vector<uint32_t> far = one_rule(0);
  far[7] = 5000u << 10;
  refused(charsmap(1024, far, kTexts), "trie unit 7");
  std::vector<uint32_t> root = one_rule(0);
  root[0] = (1u << 31) | (5000u << 10);  // looks like a value, but is where lookups start
  refused(charsmap(1024, root, kTexts), "trie unit 0");
}

TEST(HostileSentencePiece, P07AGoodCharsmapIsApplied) {
  SentencePieceProto proto = tiny_sentencepiece();
  proto.charsmap = charsmap(1024, one_rule(0), kTexts);
  const Charsmap map(proto.charsmap, {});
  EXPECT_EQ(map.find_shortest("A"), "xyz");
  EXPECT_EQ(map.find_shortest("B"), std::nullopt);
  const Scratch scratch;
  const Tokenizer tokenizer = open_model(scratch, proto);
  EXPECT_EQ(tokenizer.encode("hAh"), tokenizer.encode("hxyzh"));
}

// Changed bytes give an Error or a model that works, never a crash of the library behind.
TEST(HostileSentencePiece, P07RandomChangesOfAModelAreSurvived) {
  SentencePieceProto proto = tiny_sentencepiece();
  proto.byte_fallback = false;
  proto.pieces.erase(proto.pieces.begin() + 3, proto.pieces.begin() + 259);
  proto.charsmap = charsmap(1024, one_rule(0), kTexts);
  std::mt19937 random(5);
  int good = 0;
  for (const auto kind : {SentencePieceProto::Kind::kBpe, SentencePieceProto::Kind::kUnigram}) {
    proto.kind = kind;
    const std::string model = serialize_sentencepiece(proto);
    for (int round = 0; round < 3000; ++round) {
      std::string changed = model;
      for (int i = 0; i < 1 + round % 3; ++i) {
        changed[random() % changed.size()] = static_cast<char>(random());
      }
      try {
        const SentencePieceModel loaded(parse_sentencepiece(changed, "changed"),
                                        DummyPrefix::kFirstStretch, "changed");
        std::vector<int32_t> ids;
        loaded.encode("hello hAlo é \x01", true, ids);
        ++good;
      } catch (const Error& error) {
        ASSERT_EQ(error.kind(), ErrorKind::kData) << error.what();
      }
    }
  }
  EXPECT_GT(good, 1000);
}

TEST(HostileSentencePiece, P08ScoresAndModelTypes) {
  for (const float score : {NAN, INFINITY, -INFINITY}) {
    expect_refused([&](auto& proto) { proto.pieces[260].score = score; }, {"pieces[260]", "score"});
  }
  for (const int kind : {0, 3, 4, 77}) {
    expect_refused([&](auto& proto) { proto.kind = static_cast<SentencePieceProto::Kind>(kind); },
                   {"trainer_spec.model_type", std::to_string(kind)});
  }
}

TEST(HostileSentencePiece, P08NamedIdsOutsideThePieces) {
  std::string trainer, bytes = serialize_sentencepiece(tiny_sentencepiece());
  append_varint_field(41, 5000, trainer);
  append_bytes_field(2, trainer, bytes);
  expect_bytes_refused(bytes, {"trainer_spec.bos_id", "5000"});
}

}  // namespace
}  // namespace telora
